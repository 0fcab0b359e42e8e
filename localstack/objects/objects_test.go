package objects

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestWhatIsPutIsReadOverHTTPAlsoWhenTheFolderIsOpenedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s3")
	s := open(t, path, Bucket{Name: "box"})
	if err := s.Put("box", "a/b c", []byte("first")); err != nil {
		t.Fatal(err)
	}
	if got := exchange(t, s, "GET", "/box/a/b%20c", ""); got != "200 first" {
		t.Errorf("after Put: %s", got)
	}
	if got := exchange(t, s, "PUT", "/box/a/b%20c", "second"); got != "200 " {
		t.Errorf("put over HTTP: %s", got)
	}

	again := open(t, path, Bucket{Name: "box"}, Bucket{Name: "another"})
	if got := exchange(t, again, "GET", "/box/a/b%20c", ""); got != "200 second" {
		t.Errorf("opened again: %s", got)
	}
	if got := exchange(t, again, "GET", "/another?list-type=2", ""); !strings.Contains(got, "<Name>another</Name>") || strings.Contains(got, "<Key>") {
		t.Errorf("list of the new bucket: %s", got)
	}
	if got := exchange(t, again, "GET", "/box?list-type=2", ""); !strings.Contains(got, "<Key>a/b c</Key>") {
		t.Errorf("list: %s", got)
	}
	if got := exchange(t, again, "GET", "/", ""); !strings.Contains(got, "<Name>another</Name>") {
		t.Errorf("list of buckets: %s", got)
	}
}

func TestABucketThatWasNotMadeIsMissing(t *testing.T) {
	s := open(t, t.TempDir(), Bucket{Name: "box"})
	if err := s.Put("bax", "key", nil); err == nil || !strings.Contains(err.Error(), "bax/key") {
		t.Errorf("error: %v", err)
	}
	if got := exchange(t, s, "GET", "/bax/key", ""); !strings.HasPrefix(got, "404 ") || !strings.Contains(got, "<Code>NoSuchBucket</Code>") {
		t.Errorf("answer: %s", got)
	}
}

func TestAnObjectIsReadAsItWasWhenItWasOpened(t *testing.T) {
	s := open(t, t.TempDir(), Bucket{Name: "box"})
	was := bytes.Repeat([]byte("a"), 64<<10)
	if err := s.Put("box", "key", was); err != nil {
		t.Fatal(err)
	}
	o, f, err := s.open("box", "key", "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := s.Put("box", "key", []byte("b")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.remove("box", "key", ""); err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(io.NewSectionReader(f, 0, o.Size))
	if err != nil || !bytes.Equal(body, was) {
		t.Errorf("the contents changed while they were read (%v)", err)
	}
}

func TestWhatACrashHasCutOffIsNotThere(t *testing.T) {
	path := t.TempDir()
	open(t, path, Bucket{Name: "box"})
	// A crash before an object has its place leaves its file among those that arrive.
	if err := os.WriteFile(filepath.Join(path, arriving, "1"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, path, Bucket{Name: "box"})
	if entries, err := os.ReadDir(filepath.Join(path, arriving)); err != nil || len(entries) > 0 {
		t.Errorf("left over: %v, error %v", entries, err)
	}
	if _, _, err := s.open("box", "key", ""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	// And a file that is cut off all the same, which a rename after a sync prevents, is noticed.
	if err := s.Put("box", "key", []byte("whole")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.folder("box", "key"), noVersion)
	info, err := os.Stat(file)
	if err == nil {
		err = os.Truncate(file, info.Size()-9)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := exchange(t, s, "GET", "/box/key", ""); !strings.HasPrefix(got, "500 ") {
		t.Errorf("answer: %s", got)
	}
}

func TestReadersAndWritersDoNotDisturbEachOther(t *testing.T) {
	s := open(t, t.TempDir(), Bucket{Name: "box"})
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

func TestAListIsGivenPageByPageAndByDelimiter(t *testing.T) {
	s := open(t, t.TempDir(), Bucket{Name: "box"})
	for _, key := range []string{"a", "b/1", "b/2", "c"} {
		if err := s.Put("box", key, nil); err != nil {
			t.Fatal(err)
		}
	}
	if got := exchange(t, s, "GET", "/box?list-type=2&max-keys=2", ""); !strings.Contains(got, "<NextContinuationToken>b/1<") || strings.Contains(got, "<Key>b/2<") {
		t.Errorf("first page: %s", got)
	}
	if got := exchange(t, s, "GET", "/box?list-type=2&continuation-token=b/1", ""); strings.Contains(got, "<Key>b/1<") || !strings.Contains(got, "<Key>b/2<") || !strings.Contains(got, "<IsTruncated>false<") {
		t.Errorf("second page: %s", got)
	}
	if got := exchange(t, s, "GET", "/box?list-type=2&delimiter=/", ""); strings.Contains(got, "b/1") || strings.Count(got, "<Prefix>b/</Prefix>") != 1 {
		t.Errorf("by delimiter: %s", got)
	}
}

func TestABodyInChunksOfAWSIsStoredWithoutThem(t *testing.T) {
	s := open(t, t.TempDir(), Bucket{Name: "box"})
	for name, form := range map[string]struct{ sha, body string }{
		"signed":   {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "5;chunk-signature=" + strings.Repeat("a", 64) + "\r\nhello\r\n6;chunk-signature=" + strings.Repeat("b", 64) + "\r\n world\r\n0;chunk-signature=" + strings.Repeat("c", 64) + "\r\n\r\n"},
		"unsigned": {"STREAMING-UNSIGNED-PAYLOAD-TRAILER", "b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n"},
	} {
		header := http.Header{"X-Amz-Content-Sha256": {form.sha}, "X-Amz-Decoded-Content-Length": {"11"}}
		if got := exchange(t, s, "PUT", "/box/"+name, form.body, header); got != "200 " {
			t.Errorf("%s: %s", name, got)
		}
		if got := exchange(t, s, "GET", "/box/"+name, ""); got != "200 hello world" {
			t.Errorf("%s: %s", name, got)
		}
		header.Set("X-Amz-Decoded-Content-Length", "12")
		if got := exchange(t, s, "PUT", "/box/"+name, form.body, header); !strings.HasPrefix(got, "400 ") {
			t.Errorf("%s, one byte too few: %s", name, got)
		}
	}
}

func open(t *testing.T, path string, buckets ...Bucket) *Store {
	t.Helper()
	s, err := Open(path, time.Now, buckets...)
	if err != nil {
		t.Fatal(err)
	}
	s.Keys = map[string]string{"local": "secret"}
	return s
}

// exchange sends a request to the store and gives the status and the body that come back.
func exchange(t *testing.T, s *Store, method, target, body string, header ...http.Header) string {
	t.Helper()
	server := httptest.NewServer(s.Handler(slog.New(slog.NewTextHandler(t.Output(), nil))))
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), method, server.URL+target, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return ""
	}
	for _, h := range header {
		req.Header = h.Clone()
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
