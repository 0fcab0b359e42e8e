package scenario

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Form is what POST /files gives to upload a file with.
type Form struct {
	URL    string            `json:"url"`
	Fields map[string]string `json:"fields"`
}

// Announcement is the body of POST /files for some bytes.
func Announcement(name, text string) map[string]any {
	sum := sha256.Sum256([]byte(text))
	return map[string]any{"name": name, "size": len(text), "contentType": "text/plain", "sha256": hex.EncodeToString(sum[:])}
}

// FormOf reads the form in an answer.
func FormOf(t testing.TB, a Answer) Form {
	t.Helper()
	var body struct{ Upload Form }
	if err := json.Unmarshal([]byte(a.Raw), &body); err != nil || body.Upload.URL == "" {
		t.Fatalf("no form in %s (%v)", a.Raw, err)
	}
	return body.Upload
}

// Upload sends a form with a file, which is never held in memory, and gives the status and the
// body that come back.
func (f Form) Upload(ctx context.Context, content io.Reader) (int, string, error) {
	body, sent := io.Pipe()
	parts := multipart.NewWriter(sent)
	go func() {
		sent.CloseWithError(f.write(parts, content))
	}()
	defer body.Close()
	r, err := http.NewRequestWithContext(ctx, "POST", f.URL, body)
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", parts.FormDataContentType())
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	return reply.StatusCode, string(text), err
}

func (f Form) write(parts *multipart.Writer, content io.Reader) error {
	for name, value := range f.Fields {
		if err := parts.WriteField(name, value); err != nil {
			return err
		}
	}
	part, err := parts.CreateFormFile("file", "file")
	if err == nil {
		_, err = io.Copy(part, content)
	}
	if err == nil {
		err = parts.Close()
	}
	return err
}

// Must uploads a text and demands an answer: a status, and a word in its body.
func (f Form) Must(t testing.TB, status int, word, text string) {
	t.Helper()
	got, body, err := f.Upload(t.Context(), strings.NewReader(text))
	if err != nil || got != status || !strings.Contains(body, word) {
		t.Fatalf("upload: status %d %s, error %v; want %d %s", got, body, err, status, word)
	}
}

// with is the form with a field changed.
func (f Form) with(name, value string) Form {
	f.Fields = maps.Clone(f.Fields)
	f.Fields[name] = value
	return f
}

// Fetch follows GET /files/{id}/content to what it leads to.
func (c Client) Fetch(t testing.TB, id string) (*http.Response, error) {
	t.Helper()
	return http.Get(c.Expect(t, 302, "GET", "/files/"+id+"/content", nil).Header.Get("Location"))
}

// UploadFile makes a file of the person's and waits until it is available.
func (p Person) UploadFile(t testing.TB, name, text string) (id string) {
	t.Helper()
	a := p.Expect(t, 201, "POST", "/files", Announcement(name, text))
	FormOf(t, a).Must(t, 204, "", text)
	id = a.Text("id")
	eventually(t, name+" is available", func() bool {
		return p.Expect(t, 200, "GET", "/files/"+id, nil).Text("status") == "available"
	})
	return id
}

// Files walks through the calls of the Files part of the API and the ways to be refused.
func Files(t *testing.T, api, unique string, operator, auditor Person) {
	nobody := Client{URL: api}
	ada := Register(t, api, "files-"+unique+"@example.com")
	bob := Register(t, api, "files-bob-"+unique+"@example.com")
	eve := Register(t, api, "files-eve-"+unique+"@example.com")
	const text = "The engine weaves algebraic patterns."

	become := func(t *testing.T, id, status string) Answer {
		t.Helper()
		var a Answer
		eventually(t, id+" is "+status, func() bool {
			a = ada.Expect(t, 200, "GET", "/files/"+id, nil)
			return a.Text("status") == status
		})
		return a
	}
	upload := func(t *testing.T, name string) (id string) {
		t.Helper()
		return ada.UploadFile(t, name, text)
	}
	read := func(t *testing.T, c Client, id string) (string, http.Header) {
		t.Helper()
		reply, err := c.Fetch(t, id)
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Body.Close()
		body, err := io.ReadAll(reply.Body)
		if err != nil || reply.StatusCode != 200 {
			t.Fatalf("the content: status %d %s (%v)", reply.StatusCode, body, err)
		}
		return string(body), reply.Header
	}
	// routes are all calls about one file, none of which a stranger may know of.
	routes := func(id string) [][3]string {
		return [][3]string{
			{"GET", "/files/" + id, ""}, {"GET", "/files/" + id + "?version=1", ""}, {"GET", "/files/" + id + "/content", ""}, {"GET", "/files/" + id + "/history", ""},
			{"PATCH", "/files/" + id, `{"name":"mine.txt"}`}, {"DELETE", "/files/" + id, ""}, {"POST", "/files/" + id + "/restore", ""},
			{"PUT", "/files/" + id + "/shares/" + eve.ID, `{"permission":"read"}`}, {"DELETE", "/files/" + id + "/shares/" + ada.ID, ""},
		}
	}
	names := func(t *testing.T, c Client, query string) (all []string) {
		t.Helper()
		for cursor, more := "", true; more; {
			a := c.Expect(t, 200, "GET", "/files?limit=2"+query+cursor, nil)
			items, _ := a.Body["items"].([]any)
			for _, item := range items {
				all = append(all, item.(map[string]any)["name"].(string))
			}
			next, _ := a.Body["nextCursor"].(string)
			cursor, more = "&cursor="+url.QueryEscape(next), next != ""
		}
		return all
	}
	listed := func(t *testing.T, c Client, query, want string) {
		t.Helper()
		var got string
		eventually(t, "the list is "+want, func() bool {
			got = strings.Join(names(t, c, query), " ")
			return got == want
		})
	}

	t.Run("a file is announced, uploaded straight to S3, checked and read", func(t *testing.T) {
		key := Header{"Idempotency-Key", "upload-" + unique}
		a := ada.Expect(t, 201, "POST", "/files", Announcement("Notizen – 1.txt", text), key)
		id := a.Text("id")
		if a.Header.Get("Location") != "/files/"+id || a.Body["version"] != 1.0 || a.Header.Get("ETag") != `"1"` {
			t.Errorf("answer %v %s", a.Header, a.Raw)
		}
		if expires, err := time.Parse(time.RFC3339, a.Text("expiresAt")); err != nil || time.Until(expires) > 5*time.Minute {
			t.Errorf("the form expires at %s", a.Text("expiresAt"))
		}
		pending := ada.Expect(t, 200, "GET", "/files/"+id+"?atLeast=1", nil)
		if pending.Text("status") != "pending" || pending.Text("name") != "Notizen – 1.txt" || pending.Text("owner") != ada.ID {
			t.Errorf("pending: %s", pending.Raw)
		}
		ada.Refuse(t, 409, "file-not-available", "GET", "/files/"+id+"/content", nil)

		again := ada.Expect(t, 201, "POST", "/files", Announcement("Notizen – 1.txt", text), key)
		if again.Text("id") != id || again.Header.Get("Idempotent-Replay") != "true" || again.Text("expiresAt") != a.Text("expiresAt") {
			t.Errorf("repeat: %v %s", again.Header, again.Raw)
		}
		FormOf(t, again).Must(t, 204, "", text)
		available := become(t, id, "available")
		if available.Body["size"] != float64(len(text)) || available.Text("contentType") != "text/plain" || available.Body["version"] != 2.0 {
			t.Errorf("available: %s", available.Raw)
		}
		body, header := read(t, ada.Client, id)
		if want := `attachment; filename="Notizen _ 1.txt"; filename*=UTF-8''Notizen%20%E2%80%93%201.txt`; body != text || header.Get("Content-Disposition") != want {
			t.Errorf("the content is %q with %v", body, header)
		}
		// The same form may come once more: the file stays what it is.
		FormOf(t, a).Must(t, 204, "", text)
		if body, _ := read(t, ada.Client, id); body != text {
			t.Errorf("then it is %q", body)
		}
	})

	t.Run("S3 takes nothing but what was announced", func(t *testing.T) {
		form := FormOf(t, ada.Expect(t, 201, "POST", "/files", Announcement("strict.txt", text)))
		form.Must(t, 400, "EntityTooLarge", text+"!")
		form.Must(t, 400, "EntityTooSmall", text[1:])
		form.Must(t, 400, "BadDigest", strings.ToUpper(text))
		form.with("key", "files/"+eve.ID+"/"+ada.ID).Must(t, 403, "AccessDenied", text)
		form.with("Content-Type", "text/html").Must(t, 403, "AccessDenied", text)
		form.with("x-amz-checksum-sha256", base64.StdEncoding.EncodeToString(make([]byte, 32))).Must(t, 403, "AccessDenied", text)
		form.with("acl", "public-read").Must(t, 403, "AccessDenied", text)
	})

	t.Run("S3 takes no form whose policy somebody has changed", func(t *testing.T) {
		form := FormOf(t, ada.Expect(t, 201, "POST", "/files", Announcement("forged-form.txt", text)))
		policy, err := base64.StdEncoding.DecodeString(form.Fields["policy"])
		if err != nil {
			t.Fatal(err)
		}
		longer := regexp.MustCompile(`"expiration":"\d{4}`).ReplaceAll(policy, []byte(`"expiration":"2999`))
		form.with("policy", base64.StdEncoding.EncodeToString(longer)).Must(t, 403, "SignatureDoesNotMatch", text)
	})

	t.Run("what is stored all the same and not as announced is rejected and removed", func(t *testing.T) {
		a := ada.Expect(t, 201, "POST", "/files", Announcement("forged.txt", text))
		form := FormOf(t, a)
		// Whoever may write to the bucket by another way than a form.
		object := form.URL + "/" + form.Fields["key"]
		if status := put(t, object, "text/plain", strings.ToUpper(text)); status != 200 {
			t.Fatalf("put: %d", status)
		}
		if rejected := become(t, a.Text("id"), "rejected"); rejected.Text("reason") != "checksum-mismatch" {
			t.Errorf("rejected: %s", rejected.Raw)
		}
		eventually(t, "its bytes are gone", func() bool {
			reply, err := http.Get(object)
			if err != nil {
				t.Fatal(err)
			}
			reply.Body.Close()
			return reply.StatusCode == 404
		})
		ada.Refuse(t, 409, "file-not-available", "GET", "/files/"+a.Text("id")+"/content", nil)
		ada.Refuse(t, 422, "invalid", "PATCH", "/files/"+a.Text("id"), map[string]string{"name": "a/b"})
		ada.Refuse(t, 409, "file-not-available", "PATCH", "/files/"+a.Text("id"), map[string]string{"name": "b.txt"})
		ada.Refuse(t, 409, "file-not-deleted", "POST", "/files/"+a.Text("id")+"/restore", nil)
		ada.Expect(t, 200, "DELETE", "/files/"+a.Text("id"), nil)
		ada.Refuse(t, 404, "not-found", "GET", "/files/"+a.Text("id")+"?atLeast=3", nil)
		form.Must(t, 204, "", text) // the form has not expired, but its file is gone
		eventually(t, "what came too late is gone", func() bool {
			reply, err := http.Get(object)
			if err != nil {
				t.Fatal(err)
			}
			reply.Body.Close()
			return reply.StatusCode == 404
		})
	})

	t.Run("an announcement that makes no sense is refused", func(t *testing.T) {
		for field, wrong := range map[string][]any{
			"name":        {"", "a/b", `a\b`, "..", "a\x00b", "a\u202eb", strings.Repeat("a", 256)},
			"size":        {-1, 1<<30 + 1},
			"contentType": {"", "text", "text/", "text/plain; charset", "a b/c", "text/plain\r\nX: y"},
			"sha256":      {"", "abc", strings.Repeat("g", 64), strings.Repeat("a", 65)},
		} {
			for _, value := range wrong {
				body := Announcement("a.txt", text)
				body[field] = value
				a := ada.Refuse(t, 422, "invalid", "POST", "/files", body)
				if fields, _ := a.Body["errors"].([]any); len(fields) != 1 || fields[0].(map[string]any)["pointer"] != "/"+field {
					t.Errorf("%s %q: %s", field, value, a.Raw)
				}
			}
		}
		body := Announcement("a.txt", text)
		delete(body, "size")
		ada.Refuse(t, 422, "invalid", "POST", "/files", body)
		nobody.Refuse(t, 401, "unauthenticated", "POST", "/files", Announcement("a.txt", text))
	})

	t.Run("nobody knows of the file of somebody else", func(t *testing.T) {
		id := upload(t, "private.txt")
		for _, r := range routes(id) {
			var body any
			if r[2] != "" {
				body = r[2]
			}
			eve.Refuse(t, 404, "not-found", r[0], r[1], body)
			nobody.Refuse(t, 401, "unauthenticated", r[0], r[1], body)
		}
		for _, r := range routes("0197a0f0-0000-7000-8000-00000000ffff") {
			var body any
			if r[2] != "" {
				body = r[2]
			}
			ada.Refuse(t, 404, "not-found", r[0], r[1], body)
		}
		listed(t, eve.Client, "", "")
		if a := operator.Expect(t, 200, "GET", "/files/"+id, nil); a.Text("name") != "private.txt" {
			t.Errorf("the operator sees %s", a.Raw)
		}
		if a := auditor.Expect(t, 200, "GET", "/files/"+id, nil); a.Text("name") != "" || a.Text("owner") != ada.ID {
			t.Errorf("the auditor sees %s", a.Raw)
		}
		auditor.Refuse(t, 404, "not-found", "GET", "/files/"+id+"/content", nil)
		operator.Refuse(t, 404, "not-found", "DELETE", "/files/"+id, nil)
	})

	t.Run("a file is shared for reading, for writing, and no more", func(t *testing.T) {
		id := upload(t, "shared.txt")
		share, file := "/files/"+id+"/shares/"+bob.ID, "/files/"+id
		ada.Refuse(t, 422, "invalid", "PUT", share, map[string]string{"permission": "own"})
		ada.Refuse(t, 422, "own-file", "PUT", "/files/"+id+"/shares/"+ada.ID, map[string]string{"permission": "read"})
		ada.Refuse(t, 422, "no-such-user", "PUT", "/files/"+id+"/shares/0197a0f0-0000-7000-8000-00000000ffff", map[string]string{"permission": "read"})
		ada.Expect(t, 200, "PUT", share, map[string]string{"permission": "read"})
		if a := ada.Expect(t, 200, "PUT", share, map[string]string{"permission": "read"}); a.Body["version"] != 3.0 {
			t.Errorf("shared again: %s", a.Raw)
		}
		a := bob.Expect(t, 200, "GET", file+"?atLeast=3", nil)
		if a.Text("name") != "shared.txt" || a.Text("owner") != ada.ID {
			t.Errorf("bob sees %s", a.Raw)
		}
		if body, _ := read(t, bob.Client, id); body != text {
			t.Errorf("bob reads %q", body)
		}
		listed(t, bob.Client, "", "shared.txt")
		bob.Refuse(t, 404, "not-found", "GET", file+"?version=2", nil) // how it was is for ada
		for _, r := range routes(id)[3:] {
			var body any
			if r[2] != "" {
				body = r[2]
			}
			bob.Refuse(t, 404, "not-found", r[0], r[1], body)
		}
		ada.Expect(t, 200, "PUT", share, map[string]string{"permission": "write"})
		bob.Expect(t, 200, "PATCH", file, map[string]string{"name": "by bob.txt"}, Header{"If-Match", `"4"`})
		bob.Refuse(t, 412, "version-mismatch", "PATCH", file, map[string]string{"name": "late.txt"}, Header{"If-Match", `"4"`})
		bob.Refuse(t, 404, "not-found", "DELETE", file, nil)
		if a := ada.Expect(t, 200, "GET", file+"?atLeast=5", nil); a.Text("name") != "by bob.txt" {
			t.Errorf("ada sees %s", a.Raw)
		}
		if a := ada.Expect(t, 200, "GET", file+"?version=2", nil); a.Text("name") != "shared.txt" || len(a.Body["shares"].([]any)) > 0 {
			t.Errorf("as it was: %s", a.Raw)
		}

		ada.Expect(t, 200, "DELETE", share, nil)
		bob.Refuse(t, 404, "not-found", "GET", file+"/content", nil)
		bob.Refuse(t, 404, "not-found", "GET", file+"?atLeast=6", nil)
		eventually(t, "bob sees nothing of it any more", func() bool {
			a, err := bob.Send(t.Context(), "GET", file, nil)
			return err == nil && a.Status == 404
		})
		listed(t, bob.Client, "", "")
		dan := Register(t, api, "files-dan-"+unique+"@example.com")
		key := Header{"Idempotency-Key", "share-" + unique}
		first := ada.Expect(t, 200, "PUT", "/files/"+id+"/shares/"+dan.ID, map[string]string{"permission": "read"}, key)
		operator.Expect(t, 200, "POST", "/users/"+dan.ID+"/suspend", map[string]string{"reason": "x"})
		if a := ada.Expect(t, 200, "PUT", "/files/"+id+"/shares/"+dan.ID, map[string]string{"permission": "read"}, key); a.Raw != first.Raw {
			t.Errorf("the repeat is answered with %s, the first with %s", a.Raw, first.Raw)
		}
		ada.Refuse(t, 422, "no-such-user", "PUT", "/files/"+id+"/shares/"+dan.ID, map[string]string{"permission": "write"})
		ada.Expect(t, 200, "PUT", share, map[string]string{"permission": "read"})
		bob.Expect(t, 200, "DELETE", share, nil) // who does not want it can leave
		listed(t, bob.Client, "", "")
		ada.Expect(t, 200, "DELETE", file, nil)
	})

	t.Run("a file is deleted and restored", func(t *testing.T) {
		id := upload(t, "trash.txt")
		file, share := "/files/"+id, "/files/"+id+"/shares/"+bob.ID
		ada.Expect(t, 200, "PUT", share, map[string]string{"permission": "write"})
		ada.Expect(t, 200, "DELETE", file, nil)
		ada.Expect(t, 200, "DELETE", file, nil)
		a := ada.Expect(t, 200, "GET", file+"?atLeast=4", nil)
		if purge, err := time.Parse(time.RFC3339, a.Text("purgeAt")); a.Text("status") != "deleted" || err != nil || time.Until(purge) > 30*24*time.Hour || time.Until(purge) < 29*24*time.Hour {
			t.Errorf("deleted: %s", a.Raw)
		}
		ada.Refuse(t, 409, "file-not-available", "GET", file+"/content", nil)
		ada.Refuse(t, 409, "file-not-available", "PATCH", file, map[string]string{"name": "b.txt"})
		ada.Refuse(t, 409, "file-not-available", "PUT", "/files/"+id+"/shares/"+eve.ID, map[string]string{"permission": "read"})
		bob.Refuse(t, 404, "not-found", "GET", file+"?atLeast=4", nil)
		bob.Refuse(t, 404, "not-found", "GET", file+"/content", nil)
		bob.Refuse(t, 404, "not-found", "PATCH", file, map[string]string{"name": "b.txt"})
		eventually(t, "it is listed as deleted", func() bool {
			return strings.Contains(strings.Join(names(t, ada.Client, "&status=deleted"), " "), "trash.txt")
		})
		if all := strings.Join(names(t, ada.Client, ""), " "); strings.Contains(all, "trash.txt") {
			t.Errorf("listed among the others: %s", all)
		}
		ada.Expect(t, 200, "POST", file+"/restore", nil)
		ada.Expect(t, 200, "POST", file+"/restore", nil)
		if body, _ := read(t, bob.Client, id); body != text {
			t.Errorf("then bob reads %q", body)
		}
		ada.Refuse(t, 400, "malformed", "GET", "/files?status=purged", nil)
	})

	t.Run("the history tells what happened", func(t *testing.T) {
		id := upload(t, "history.txt")
		ada.Refuse(t, 422, "invalid", "PATCH", "/files/"+id, map[string]string{"name": "a/b"})
		ada.Expect(t, 200, "PATCH", "/files/"+id, map[string]string{"name": "renamed.txt"})
		ada.Expect(t, 200, "PATCH", "/files/"+id, map[string]string{"name": "renamed.txt"})
		var got []string
		a := ada.Expect(t, 200, "GET", "/files/"+id+"/history", nil)
		for _, item := range a.Body["items"].([]any) {
			got = append(got, item.(map[string]any)["type"].(string))
		}
		if want := "file.upload-requested.v1 file.available.v1 file.renamed.v1"; strings.Join(got, " ") != want {
			t.Errorf("the history is %v, want %s", got, want)
		}
		if !strings.Contains(a.Raw, "renamed.txt") {
			t.Errorf("the owner does not see names: %s", a.Raw)
		}
		if a := auditor.Expect(t, 200, "GET", "/files/"+id+"/history", nil); strings.Contains(a.Raw, "renamed.txt") {
			t.Errorf("the auditor sees names: %s", a.Raw)
		}
	})
}

// put stores an object past all forms.
func put(t testing.TB, address, mediaType, text string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "PUT", address, bytes.NewReader([]byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", mediaType)
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	reply.Body.Close()
	return reply.StatusCode
}
