package dynamo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
	"github.com/interview-sandbox/annals/internal/keys"
	"github.com/interview-sandbox/annals/internal/stats"
	"github.com/interview-sandbox/annals/localstack/tables"
)

func TestOfManyMakersOfAKeyAllGetTheSame(t *testing.T) {
	wrapper, err := keys.OpenFile(t.TempDir() + "/key")
	if err != nil {
		t.Fatal(err)
	}
	table := &dynamo.Keys{Client: client(), Table: "annals-keys"}
	const makers = 8
	secrets := make(chan string, makers)
	for range makers {
		go func() {
			ring := &keys.Ring{Table: table, Wrapper: wrapper}
			secret, err := ring.Secret(t.Context(), "test")
			secrets <- fmt.Sprintf("%x %v", secret, err)
		}()
	}
	first := <-secrets
	for range makers - 1 {
		if other := <-secrets; other != first {
			t.Errorf("got %s and %s", first, other)
		}
	}
}

// sealer is a process that seals and opens; its clock stands still until it is moved on.
type sealer struct {
	*keys.Subjects
	now time.Time
}

// newSealer gives a process of the system that a test has for itself.
func newSealer(t *testing.T, wrapper keys.Wrapper) *sealer {
	t.Helper()
	p := &sealer{now: estest.Now}
	if err := tables.Create(t.Context(), client(), t.Name()); err != nil {
		t.Fatal(err)
	}
	ring := &keys.Ring{Wrapper: wrapper, Table: &dynamo.Keys{Client: client(), Table: t.Name() + "-keys"}}
	var err error
	if p.Subjects, err = ring.Subjects(func() time.Time { return p.now }); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestWhatOneProcessSealsAnotherOneOpensUntilTheKeyIsDestroyed(t *testing.T) {
	wrapper, err := keys.OpenFile(t.TempDir() + "/key")
	if err != nil {
		t.Fatal(err)
	}
	writer, reader := newSealer(t, wrapper), newSealer(t, wrapper)
	place, plain := []byte("user#1 1"), []byte(`{"name":"Ada"}`)
	sealed, err := writer.Seal(t.Context(), "ada", place, plain)
	if err != nil || bytes.Contains(sealed, []byte("Ada")) {
		t.Fatalf("sealed %q, error %v", sealed, err)
	}
	open := func(ctx context.Context, p *sealer) error {
		got, err := p.Open(ctx, "ada", place, sealed)
		if err == nil && !bytes.Equal(got, plain) {
			t.Errorf("opened %q", got)
		}
		return err
	}
	ctx, record := stats.Begin(t.Context())
	for range 3 {
		if err := open(ctx, reader); err != nil {
			t.Fatal(err)
		}
	}
	if n := record.Cost().RoundTrips; n != 2 {
		t.Errorf("%d requests for opening three times, want one for the system's key and one for Ada's", n)
	}
	if _, err := reader.Open(t.Context(), "ada", []byte("user#1 2"), sealed); !errors.Is(err, es.ErrBroken) {
		t.Errorf("in another place: %v", err)
	}
	if _, err := reader.Open(t.Context(), "eve", place, sealed); !errors.Is(err, es.ErrBroken) {
		t.Errorf("as somebody else's, who has no key: %v", err)
	}
	if err := writer.Destroy(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	if err := open(t.Context(), writer); !errors.Is(err, es.ErrErased) {
		t.Errorf("by the process that destroyed the key: %v", err)
	}
	reader.now = reader.now.Add(time.Minute)
	if err := open(t.Context(), reader); !errors.Is(err, es.ErrErased) {
		t.Errorf("by another one after a minute: %v", err)
	}
	if _, err := reader.Seal(t.Context(), "ada", place, plain); !errors.Is(err, es.ErrErased) {
		t.Errorf("sealing anew: %v", err)
	}
}

func TestProcessesThatMeetAPersonAtOnceUseOneKey(t *testing.T) {
	wrapper, err := keys.OpenFile(t.TempDir() + "/key")
	if err != nil {
		t.Fatal(err)
	}
	const processes = 8
	all, sealed := make([]*sealer, processes), make([][]byte, processes)
	for i := range all {
		all[i] = newSealer(t, wrapper)
	}
	done := make(chan error)
	for i, p := range all {
		go func() {
			var err error
			sealed[i], err = p.Seal(t.Context(), "at once", nil, []byte("x"))
			done <- err
		}()
	}
	for range all {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	for i, s := range sealed {
		if plain, err := all[0].Open(t.Context(), "at once", nil, s); string(plain) != "x" {
			t.Errorf("what process %d sealed opens to %q, error %v", i, plain, err)
		}
	}
}
