package objects

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const policyForm = `{"expiration":"2999-01-01T00:00:00Z","conditions":[{"bucket":"box"},["eq","$key","notes"],["content-length-range",0,5],
	["starts-with","$Content-Type","text/"],["starts-with","$x-amz-credential",""],["eq","$x-amz-algorithm","AWS4-HMAC-SHA256"]]}`

// signedForm is a form of a policy that somebody with the key has signed.
func signedForm(t testing.TB, policy, key, content string) (mediaType string, body []byte) {
	t.Helper()
	const scope = "local/20260102/us-east-1/s3/aws4_request"
	encoded := base64.StdEncoding.EncodeToString([]byte(policy))
	signing := []byte("AWS4secret")
	for part := range strings.SplitSeq(strings.TrimPrefix(scope, "local/"), "/") {
		signing = mac(signing, part)
	}
	var out bytes.Buffer
	parts := multipart.NewWriter(&out)
	for _, field := range [][2]string{
		{"key", key}, {"Content-Type", "text/plain"}, {"policy", encoded}, {"x-amz-credential", scope}, {"x-amz-algorithm", "AWS4-HMAC-SHA256"},
		{"x-amz-signature", hex.EncodeToString(mac(signing, encoded))},
	} {
		if err := parts.WriteField(field[0], field[1]); err != nil {
			t.Fatal(err)
		}
	}
	file, err := parts.CreateFormFile("file", "notes.txt")
	if err == nil {
		_, err = io.WriteString(file, content)
	}
	if err = errors.Join(err, parts.Close()); err != nil {
		t.Fatal(err)
	}
	return parts.FormDataContentType(), out.Bytes()
}

func fuzzedStore(t *testing.T) *Store {
	t.Helper()
	return open(t, t.TempDir(), Bucket{Name: "box", Versioned: true})
}

// post gives the status and the error code of the answer to a form.
func post(t *testing.T, s *Store, mediaType string, body []byte) (int, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/box", bytes.NewReader(body))
	r.Header.Set("Content-Type", mediaType)
	w := httptest.NewRecorder()
	s.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// Whatever a form is, it is stored or refused, and nothing that is not signed is stored.
func FuzzForm(f *testing.F) {
	mediaType, body := signedForm(f, policyForm, "notes", "hello")
	f.Add(mediaType, body)
	f.Add("multipart/form-data", []byte("--\r\n"))
	f.Add("multipart/form-data; boundary=x", []byte("--x\r\nContent-Disposition: form-data; name=\"policy\"\r\n\r\ne30=\r\n--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n\r\n--x--"))
	f.Fuzz(func(t *testing.T, mediaType string, body []byte) {
		switch status, answer := post(t, fuzzedStore(t), mediaType, body); {
		case status >= 500:
			t.Errorf("status %d: %s", status, answer)
		case status < 300 && !bytes.Contains(body, []byte("AWS4-HMAC-SHA256")):
			t.Errorf("%q is stored", body)
		}
	})
}

// A policy allows what it says, and a file within its range only.
func FuzzPolicy(f *testing.F) {
	f.Add(policyForm, "notes", "hello")
	f.Add(`{"expiration":"2999-01-01T00:00:00Z","conditions":[["content-length-range",1e999,-1]]}`, "notes", "hello")
	f.Add(`{"conditions":[[],{},null,["eq"],["eq","$key"],{"a":"b","c":"d"}]}`, "../x", "")
	f.Fuzz(func(t *testing.T, policy, key, content string) {
		s := fuzzedStore(t)
		mediaType, body := signedForm(t, policy, key, content)
		status, answer := post(t, s, mediaType, body)
		if status >= 500 {
			t.Fatalf("status %d: %s", status, answer)
		}
		all, err := s.list("box", "")
		if err != nil || (status < 300) != (len(all) == 1) {
			t.Errorf("status %d with %d objects, error %v", status, len(all), err)
		}
		for _, o := range all {
			if o.Size != int64(len(content)) {
				t.Errorf("an object of %d bytes from a file of %d", o.Size, len(content))
			}
		}
	})
}

// A condition that is read is the same when it is written and read again.
func FuzzCondition(f *testing.F) {
	for _, c := range []string{`{"bucket":"box"}`, `["eq","$key","notes"]`, `["starts-with","$key",""]`, `["content-length-range",0,5]`, `["content-length-range","0",5.5]`, `[1,2,3]`} {
		f.Add([]byte(c))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := readCondition(raw)
		if err != nil {
			return
		}
		written := []any{c.operator, "$" + c.field, c.value}
		if c.operator == "content-length-range" {
			written = []any{c.operator, c.from, c.to}
		}
		text, err := json.Marshal(written)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := readCondition(text); err != nil || back != c {
			t.Errorf("%s becomes %+v, want %+v, error %v", raw, back, c, err)
		}
	})
}

// A file of an object is whole, with the size that it says, or cut off.
func FuzzTail(f *testing.F) {
	f.Add([]byte("hello{\"Size\":5}\x00\x00\x00\x0a"))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "object")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		o, err := readTail(file)
		if err != nil {
			if !errors.Is(err, errCutOff) {
				t.Errorf("error %v", err)
			}
			return
		}
		if o.Size < 0 || o.Size > int64(len(content)) {
			t.Errorf("a size of %d in %d bytes", o.Size, len(content))
		}
	})
}

// Whatever is asked for, the answer is never that something went wrong here.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "/box/a/b", "", "", "")
	f.Add("PUT", "/box/a", "X-Amz-Decoded-Content-Length", "5", "5;chunk-signature=x\r\nhello\r\n0;\r\n\r\n")
	f.Add("GET", "/box", "Range", "bytes=0-", "")
	f.Add("GET", "/box?list-type=2&max-keys=-1&continuation-token=%ff&prefix=a&delimiter=/", "", "", "")
	f.Add("GET", "/box/a?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=1e9&X-Amz-Date=20260102T030405Z&X-Amz-Credential=local%2F20260102%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=0", "", "", "")
	f.Fuzz(func(t *testing.T, method, target, name, value, body string) {
		text := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\n%s: %s\r\nContent-Length: %d\r\n\r\n%s", method, target, name, value, len(body), body)
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
		if err != nil {
			return
		}
		s := fuzzedStore(t)
		s.now = func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
		if err := s.Put("box", "a", []byte("hello")); err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		s.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(w, r)
		if w.Code == http.StatusInternalServerError {
			t.Errorf("%s", w.Body)
		}
	})
}
