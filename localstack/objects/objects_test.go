package objects

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestWhatIsPutIsReadOverHTTPAlsoWhenTheFileIsOpenedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "objects.db")
	s := open(t, path, "box")
	if err := s.Put("box", "a/b c", []byte("first")); err != nil {
		t.Fatal(err)
	}
	if got := exchange(t, s, "GET", "/box/a/b%20c", ""); got != "200 first" {
		t.Errorf("after Put: %s", got)
	}
	if got := exchange(t, s, "PUT", "/box/a/b%20c", "second"); got != "200 " {
		t.Errorf("put over HTTP: %s", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	again := open(t, path, "box", "another")
	if got := exchange(t, again, "GET", "/box/a/b%20c", ""); got != "200 second" {
		t.Errorf("opened again: %s", got)
	}
	if got := exchange(t, again, "GET", "/another?list-type=2", ""); !strings.Contains(got, "<Name>another</Name>") || strings.Contains(got, "<Key>") {
		t.Errorf("list of the new bucket: %s", got)
	}
	if got := exchange(t, again, "GET", "/box?list-type=2", ""); !strings.Contains(got, "<Key>a/b c</Key>") {
		t.Errorf("list: %s", got)
	}
}

func TestABucketThatWasNotMadeIsMissing(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "objects.db"), "box")
	if err := s.Put("bax", "key", nil); err == nil || !strings.Contains(err.Error(), "bax/key") {
		t.Errorf("error: %v", err)
	}
}

// Bolt maps its file into memory and maps it elsewhere when the file grows.
func TestAnObjectIsReadAsItWasWhileTheFileGrowsAndItsPlaceIsReused(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "objects.db"), "box")
	was := bytes.Repeat([]byte("a"), 64<<10)
	if err := s.Put("box", "key", was); err != nil {
		t.Fatal(err)
	}
	object, err := s.backend.GetObject("box", "key", nil)
	if err != nil {
		t.Fatal(err)
	}
	head, err := s.backend.HeadObject("box", "key")
	if err != nil {
		t.Fatal(err)
	}
	hash := bytes.Clone(head.Hash)
	for range 30 {
		if err := s.Put("box", "key", bytes.Repeat([]byte("b"), 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	body, err := io.ReadAll(object.Contents)
	if err != nil || !bytes.Equal(body, was) {
		t.Errorf("the contents changed while they were read (%v)", err)
	}
	if !bytes.Equal(object.Hash, hash) || !bytes.Equal(head.Hash, hash) {
		t.Error("the hash changed while it was read")
	}
}

func TestReadersAndWritersDoNotDisturbEachOther(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "objects.db"), "box")
	var all sync.WaitGroup
	for _, letter := range []string{"a", "b", "c"} {
		if err := s.Put("box", letter, []byte(letter)); err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			for size := range 20 {
				if got := exchange(t, s, "PUT", "/box/"+letter, strings.Repeat(letter, 1<<size%(1<<18)+1)); got != "200 " {
					t.Errorf("put: %s", got)
				}
			}
		})
		all.Go(func() {
			for range 40 {
				got := exchange(t, s, "GET", "/box/"+letter, "")
				if body, ok := strings.CutPrefix(got, "200 "); !ok || strings.Trim(body, letter) != "" {
					t.Errorf("read of %s: %.50s", letter, got)
				}
			}
		})
	}
	all.Wait()
}

func open(t *testing.T, path string, buckets ...string) *Store {
	t.Helper()
	s, err := Open(path, buckets...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// exchange sends a request to the store and gives the status and the body that come back.
func exchange(t *testing.T, s *Store, method, target, body string) string {
	t.Helper()
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), method, server.URL+target, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return ""
	}
	resp, err := server.Client().Do(req)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return resp.Status[:4] + string(text)
}
