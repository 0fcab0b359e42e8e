package keys_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/keys"
)

// table keeps records in memory.
type table struct {
	mu   sync.Mutex
	kept map[string]keys.Record
}

func (t *table) Load(_ context.Context, name string) (keys.Record, bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r, ok := t.kept[name]
	return r, ok, nil
}

func (t *table) Create(_ context.Context, name string, r keys.Record) (keys.Record, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if there, ok := t.kept[name]; ok {
		return there, nil
	}
	t.kept[name] = r
	return r, nil
}

func (t *table) Destroy(_ context.Context, name string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept[name] = keys.Record{}
	return nil
}

func newRing(t testing.TB) *keys.Ring {
	t.Helper()
	file, err := keys.OpenFile(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	return &keys.Ring{Table: &table{kept: map[string]keys.Record{}}, Wrapper: file}
}

// What is sealed opens in its place alone, and nothing else opens at all.
func FuzzOpenSealed(f *testing.F) {
	subjects, err := newRing(f).Subjects(time.Now)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"email":"ada@example.com"}`), []byte{}, uint16(0), byte(0), "here")
	f.Add([]byte(`{}`), []byte{}, uint16(0), byte(0), "there")
	f.Add([]byte{}, []byte("x"), uint16(3), byte(255), "here")
	f.Fuzz(func(t *testing.T, plain, tail []byte, at uint16, flip byte, place string) {
		sealed, err := subjects.Seal(t.Context(), "ada", []byte("here"), plain)
		if err != nil {
			t.Fatal(err)
		}
		changed := append(bytes.Clone(sealed), tail...)
		changed[int(at)%len(changed)] ^= flip
		same := bytes.Equal(changed, sealed) && place == "here"
		back, err := subjects.Open(t.Context(), "ada", []byte(place), changed)
		switch {
		case same && (err != nil || !bytes.Equal(back, plain)):
			t.Errorf("%q comes back as %q, error %v", plain, back, err)
		case !same && !errors.Is(err, es.ErrBroken):
			t.Errorf("what was changed opens as %q, error %v", back, err)
		}
		if back, err := subjects.Open(t.Context(), "ada", []byte("here"), tail); !errors.Is(err, es.ErrBroken) {
			t.Errorf("%q opens as %q, error %v", tail, back, err)
		}
	})
}

// A wrapped key is unwrapped under its own name alone.
func FuzzUnwrap(f *testing.F) {
	wrapper := newRing(f).Wrapper
	_, wrapped, err := wrapper.Generate(f.Context(), "system")
	if err != nil {
		f.Fatal(err)
	}
	f.Add("system", []byte{})
	f.Add("other", wrapped)
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		if key, err := wrapper.Unwrap(t.Context(), name, b); err == nil && (name != "system" || !bytes.Equal(b, wrapped)) {
			t.Errorf("%q unwraps to %q", b, key)
		}
	})
}
