package objects

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/interview-sandbox/annals/internal/file"
	"github.com/interview-sandbox/annals/internal/objects"
)

// world is a store behind HTTP and the bucket as functions use it.
type world struct {
	*objects.Bucket
	store   *Store
	server  *httptest.Server
	created []Object
	later   atomic.Int64 // how far the store's clock is ahead
}

func newWorld(t *testing.T, secret string) *world {
	w := new(world)
	w.store = open(t, t.TempDir(), Bucket{Name: "box", Versioned: true, Created: func(o Object) { w.created = append(w.created, o) }})
	w.store.now = func() time.Time { return time.Now().Add(time.Duration(w.later.Load())) }
	w.server = httptest.NewServer(w.store.Handler(slog.New(slog.NewTextHandler(t.Output(), nil))))
	t.Cleanup(w.server.Close)
	w.Bucket = objects.New(objects.Settings{Region: "us-east-1", Bucket: "box", Endpoint: w.server.URL,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: secret}, nil
		})})
	return w
}

const key = "files/ada/notes"

var hello = contentOf("hello", "text/plain")

func contentOf(text, mediaType string) file.Content {
	sum := sha256.Sum256([]byte(text))
	return file.Content{Size: int64(len(text)), Type: mediaType, SHA256: hex.EncodeToString(sum[:])}
}

func (w *world) form(t *testing.T, declared file.Content, expiresIn time.Duration) file.Upload {
	t.Helper()
	form, err := w.Form(t.Context(), key, declared, expiresIn)
	if err != nil {
		t.Fatal(err)
	}
	return form
}

// upload sends a form with a file and gives the status and the error code that come back.
func upload(t *testing.T, form file.Upload, text string) (int, string) {
	t.Helper()
	var body bytes.Buffer
	parts := multipart.NewWriter(&body)
	for name, value := range form.Fields {
		if err := parts.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	part, err := parts.CreateFormFile("file", "notes.txt")
	if err == nil {
		_, err = io.WriteString(part, text)
	}
	if err == nil {
		err = parts.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(form.URL, parts.FormDataContentType(), &body)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(answer), "<Code>")
	code, _, _ = strings.Cut(code, "<")
	return resp.StatusCode, code
}

func get(t *testing.T, address string) (int, http.Header, string) {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(body)
}

func TestAFormStoresWhatItWasMadeFor(t *testing.T) {
	w := newWorld(t, "secret")
	if status, code := upload(t, w.form(t, hello, time.Minute), "hello"); status != 204 {
		t.Fatalf("status %d %s", status, code)
	}
	if len(w.created) != 1 || w.created[0].Key != key || w.created[0].Bucket != "box" {
		t.Fatalf("notified of %+v", w.created)
	}
	version := w.created[0].Version
	if got, ok, err := w.Head(t.Context(), key, version); got != hello || !ok || err != nil {
		t.Errorf("it is %+v (%v), error %v", got, ok, err)
	}
	if all, err := w.Versions(t.Context(), key); err != nil || !slices.Equal(all, []string{version}) {
		t.Errorf("versions %v, error %v", all, err)
	}
}

func TestAFormStoresNothingElse(t *testing.T) {
	w := newWorld(t, "secret")
	for what, c := range map[string]struct {
		text   string
		change map[string]string
		status int
		code   string
	}{
		"too large":             {text: "hello!", status: 400, code: "EntityTooLarge"},
		"too small":             {text: "hell", status: 400, code: "EntityTooSmall"},
		"other bytes":           {text: "jello", status: 400, code: "BadDigest"},
		"no checksum":           {text: "jello", change: map[string]string{"x-amz-checksum-sha256": ""}, status: 403, code: "AccessDenied"},
		"another checksum":      {text: "jello", change: map[string]string{"x-amz-checksum-sha256": "x"}, status: 403, code: "AccessDenied"},
		"another key":           {text: "hello", change: map[string]string{"key": "files/eve/notes"}, status: 403, code: "AccessDenied"},
		"another type":          {text: "hello", change: map[string]string{"Content-Type": "text/html"}, status: 403, code: "AccessDenied"},
		"one more field":        {text: "hello", change: map[string]string{"acl": "public-read"}, status: 403, code: "AccessDenied"},
		"no policy":             {text: "hello", change: map[string]string{"policy": ""}, status: 403, code: "AccessDenied"},
		"another policy":        {text: "hello", change: map[string]string{"policy": "e30="}, status: 403, code: "SignatureDoesNotMatch"},
		"another access key":    {text: "hello", change: map[string]string{"X-Amz-Credential": "eve/20260102/us-east-1/s3/aws4_request"}, status: 403, code: "InvalidAccessKeyId"},
		"no credential at all":  {text: "hello", change: map[string]string{"X-Amz-Credential": ""}, status: 400, code: "InvalidArgument"},
		"fields without an end": {text: "hello", change: map[string]string{"x-ignore-me": strings.Repeat("x", maxFields)}, status: 400, code: "MaxPostPreDataLengthExceeded"},
	} {
		form := w.form(t, hello, time.Minute)
		for name, value := range c.change {
			if form.Fields[name] = value; value == "" {
				delete(form.Fields, name)
			}
		}
		if status, code := upload(t, form, c.text); status != c.status || code != c.code {
			t.Errorf("%s: %d %s, want %d %s", what, status, code, c.status, c.code)
		}
	}
	form := w.form(t, hello, time.Minute)
	w.later.Store(int64(time.Minute))
	if status, code := upload(t, form, "hello"); status != 403 || code != "AccessDenied" {
		t.Errorf("expired: %d %s", status, code)
	}
	w.later.Store(0)
	for _, over := range []time.Duration{0, -time.Hour} {
		if status, code := upload(t, w.form(t, hello, over), "hello"); status != 403 || code != "AccessDenied" {
			t.Errorf("signed when its time was over: %d %s", status, code)
		}
	}
	if status, code := upload(t, newWorld(t, "guessed").form(t, hello, time.Minute), "hello"); status != 403 || code != "SignatureDoesNotMatch" {
		t.Errorf("signed by somebody else: %d %s", status, code)
	}
	if all, err := w.Versions(t.Context(), key); err != nil || len(all) > 0 || len(w.created) > 0 {
		t.Errorf("versions %v, error %v, notified of %v", all, err, w.created)
	}
}

func TestALinkGivesOneVersionForAWhileToBeSaved(t *testing.T) {
	w := newWorld(t, "secret")
	form := w.form(t, hello, time.Minute)
	for range 2 {
		if status, code := upload(t, form, "hello"); status != 204 {
			t.Fatalf("status %d %s", status, code)
		}
	}
	first, second := w.created[0].Version, w.created[1].Version
	if all, err := w.Versions(t.Context(), key); err != nil || !slices.Equal(all, []string{second, first}) {
		t.Fatalf("versions %v, error %v", all, err)
	}
	link, err := w.Link(t.Context(), key, first, time.Minute, `Ädä "1".txt`)
	if err != nil {
		t.Fatal(err)
	}
	status, header, body := get(t, link)
	want := `attachment; filename="_d_ _1_.txt"; filename*=UTF-8''%C3%84d%C3%A4%20%221%22.txt`
	if status != 200 || body != "hello" || header.Get("X-Amz-Version-Id") != first || header.Get("Content-Type") != "text/plain" ||
		header.Get("Content-Disposition") != want {
		t.Errorf("status %d, header %v, body %s", status, header, body)
	}
	if err := w.Delete(t.Context(), key, first); err != nil {
		t.Fatal(err)
	}
	if status, _, body := get(t, link); status != 404 || !strings.Contains(body, "NoSuchVersion") {
		t.Errorf("a version that was deleted: %d %s", status, body)
	}
	if _, ok, err := w.Head(t.Context(), key, first); ok || err != nil {
		t.Errorf("it is there: %v, error %v", ok, err)
	}
	if all, err := w.Versions(t.Context(), key); err != nil || !slices.Equal(all, []string{second}) {
		t.Errorf("versions %v, error %v", all, err)
	}
	if err := w.Delete(t.Context(), key, first); err != nil {
		t.Errorf("deleted again: %v", err)
	}
	for _, prefix := range []string{key + "/", path.Dir(key) + "/"} {
		if err := w.Clear(t.Context(), prefix); err != nil {
			t.Fatal(err)
		}
		if all, err := w.Versions(t.Context(), key); err != nil || (len(all) > 0) != (prefix == key+"/") {
			t.Errorf("after all under %s was cleared there is %v, error %v", prefix, all, err)
		}
	}
}

func TestALinkThatWasChangedOrIsTooOldGivesNothing(t *testing.T) {
	w := newWorld(t, "secret")
	if status, code := upload(t, w.form(t, hello, time.Minute), "hello"); status != 204 {
		t.Fatalf("status %d %s", status, code)
	}
	link, err := w.Link(t.Context(), key, w.created[0].Version, time.Minute, "notes.txt")
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct{ from, to string }{
		"another name":     {"notes.txt", "index.html"},
		"inline":           {"attachment", "inline"},
		"more time":        {"X-Amz-Expires=60", "X-Amz-Expires=6000"},
		"another object":   {"files/ada", "files/eve"},
		"another key's id": {"Credential=local", "Credential=eve"},
	} {
		changed := strings.Replace(link, c.from, c.to, 1)
		if status, _, body := get(t, changed); status != 403 || changed == link {
			t.Errorf("%s: %d %s", what, status, body)
		}
	}
	w.later.Store(int64(time.Minute + time.Second))
	if status, _, body := get(t, link); status != 403 || !strings.Contains(body, "expired") {
		t.Errorf("too late: %d %s", status, body)
	}
}

func TestNamesAreSafeInHeaders(t *testing.T) {
	w := newWorld(t, "secret")
	if status, code := upload(t, w.form(t, hello, time.Minute), "hello"); status != 204 {
		t.Fatalf("status %d %s", status, code)
	}
	got := map[string]string{}
	for _, name := range []string{"a.txt", `a"; filename="b.html`, "a%41", "a\r\nSet-Cookie: b", "日本.pdf"} {
		link, err := w.Link(t.Context(), key, w.created[0].Version, time.Minute, name)
		if err != nil {
			t.Fatal(err)
		}
		_, header, _ := get(t, link)
		got[name] = header.Get("Content-Disposition")
	}
	want := map[string]string{
		"a.txt":                `attachment; filename="a.txt"`,
		`a"; filename="b.html`: `attachment; filename="a_; filename=_b.html"; filename*=UTF-8''a%22%3B%20filename%3D%22b.html`,
		"a%41":                 `attachment; filename="a_41"; filename*=UTF-8''a%2541`,
		"a\r\nSet-Cookie: b":   `attachment; filename="a__Set-Cookie: b"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20b`,
		"日本.pdf":               `attachment; filename="__.pdf"; filename*=UTF-8''%E6%97%A5%E6%9C%AC.pdf`,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestAnUploadThatBreaksOffLeavesNothing(t *testing.T) {
	w := newWorld(t, "secret")
	form := w.form(t, hello, time.Minute)
	var body bytes.Buffer
	parts := multipart.NewWriter(&body)
	for name, value := range form.Fields {
		if err := parts.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if part, err := parts.CreateFormFile("file", "notes.txt"); err != nil {
		t.Fatal(err)
	} else if _, err := io.WriteString(part, "hel"); err != nil {
		t.Fatal(err)
	}
	gone := io.MultiReader(&body, iotest.ErrReader(errors.New("the client is gone")))
	if _, err := http.Post(form.URL, parts.FormDataContentType(), gone); err == nil {
		t.Fatal("half an upload was answered")
	}
	w.server.Close() // when no request is under way any more
	if objects, err := w.store.list("box", ""); err != nil || len(objects) > 0 || len(w.created) > 0 {
		t.Errorf("stored are %v, error %v, notified of %v", objects, err, w.created)
	}
	if left, err := os.ReadDir(filepath.Join(w.store.dir, arriving)); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, error %v", left, err)
	}
}
