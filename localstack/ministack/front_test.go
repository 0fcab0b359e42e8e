package ministack

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// startFront puts a front before a server that keeps objects and forgets their checksums, as MiniStack
// does. It gives the front's URL.
func startFront(t *testing.T) string {
	t.Helper()
	objects := map[string]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodPost:
			if err := r.ParseMultipartForm(1 << 20); err != nil {
				t.Error(err)
			}
			objects[r.URL.Path+"/"+r.FormValue("key")] = "from a form"
			w.WriteHeader(http.StatusNoContent)
		case http.MethodPut:
			objects[r.URL.Path] = "put"
		default:
			if objects[r.URL.Path] == "" {
				w.WriteHeader(http.StatusNotFound)
			}
			io.WriteString(w, objects[r.URL.Path])
		}
	}))
	t.Cleanup(server.Close)
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(newFront(target, log.New(t.Output(), "", 0)))
	t.Cleanup(front.Close)
	return front.URL
}

func checksumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// post sends a form for a text of the same length and the checksum of that text, with a file.
func post(t *testing.T, front, text, file string) (status int, answer string) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	policy := fmt.Sprintf(`{"conditions":[["content-length-range",%d,%d],{"x-amz-checksum-sha256":"%s"}]}`, len(text), len(text), checksumOf(text))
	for _, field := range [][2]string{{"key", "k"}, {"x-amz-checksum-sha256", checksumOf(text)}, {"policy", base64.StdEncoding.EncodeToString([]byte(policy))}} {
		if err := form.WriteField(field[0], field[1]); err != nil {
			t.Fatal(err)
		}
	}
	w, err := form.CreateFormFile("file", "x")
	if err == nil {
		_, err = io.WriteString(w, file)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	reply, err := http.Post(front+"/bucket", form.FormDataContentType(), &body)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	said, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply.StatusCode, string(said)
}

func head(t *testing.T, address string) http.Header {
	t.Helper()
	reply, err := http.Head(address)
	if err != nil {
		t.Fatal(err)
	}
	reply.Body.Close()
	return reply.Header
}

func TestTheChecksumOfAFormIsToldOfItsObject(t *testing.T) {
	front := startFront(t)
	if status, answer := post(t, front, "hello", "hello"); status != 204 {
		t.Fatalf("the form: %d %s", status, answer)
	}
	if got := head(t, front+"/bucket/k").Get("X-Amz-Checksum-Sha256"); got != checksumOf("hello") {
		t.Errorf("the checksum is %q", got)
	}
	r, err := http.NewRequestWithContext(t.Context(), "PUT", front+"/bucket/k", strings.NewReader("other"))
	if err != nil {
		t.Fatal(err)
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	reply.Body.Close()
	if got := head(t, front+"/bucket/k").Get("X-Amz-Checksum-Sha256"); got != "" {
		t.Errorf("of what has replaced it, the checksum is %q", got)
	}
}

func TestAFileThatDoesNotFitItsChecksumIsNotStored(t *testing.T) {
	front := startFront(t)
	if status, answer := post(t, front, "hello", "HELLO"); status != 400 || !strings.Contains(answer, "BadDigest") {
		t.Errorf("the form: %d %s", status, answer)
	}
	reply, err := http.Get(front + "/bucket/k")
	if err != nil {
		t.Fatal(err)
	}
	reply.Body.Close()
	if reply.StatusCode != 404 {
		t.Errorf("the object is there: %d", reply.StatusCode)
	}
}

func TestWhatThePolicyDoesNotAllowIsForMiniStackToRefuse(t *testing.T) {
	if status, answer := post(t, startFront(t), "hello", "longer than that"); status != 204 {
		t.Errorf("the form: %d %s", status, answer)
	}
}

func TestALinkNamesWhatItLeadsTo(t *testing.T) {
	front := startFront(t)
	if status, answer := post(t, front, "hello", "hello"); status != 204 {
		t.Fatalf("the form: %d %s", status, answer)
	}
	const name = `attachment; filename="a.txt"`
	if got := head(t, front+"/bucket/k?response-content-disposition="+url.QueryEscape(name)).Get("Content-Disposition"); got != name {
		t.Errorf("Content-Disposition is %q", got)
	}
}

func TestWhatCannotBeHandedOnIsToldInTheLogAlone(t *testing.T) {
	nobody := httptest.NewServer(nil)
	target, err := url.Parse(nobody.URL)
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	var faults bytes.Buffer
	front := httptest.NewServer(newFront(target, log.New(&faults, "", 0)))
	defer front.Close()
	reply, err := http.Get(front.URL)
	if err != nil {
		t.Fatal(err)
	}
	reply.Body.Close()
	if reply.StatusCode != 502 || !strings.Contains(faults.String(), "proxy error") {
		t.Errorf("the answer is %d, the log has %q", reply.StatusCode, &faults)
	}
}
