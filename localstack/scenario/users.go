package scenario

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// at is where the account is among the users, with something behind it.
func (p Person) at(rest string) string { return "/users/" + p.ID + rest }

// Users walks through the routes of the user module, the refusals included.
func Users(t *testing.T, api, unique string, operator, auditor Person) {
	nobody := Client{URL: api}
	operator.ID = operator.Expect(t, 200, "GET", "/users/me", nil).Text("id")
	ada := Register(t, api, "users-"+unique+"@example.com")
	eve := Register(t, api, "users-eve-"+unique+"@example.com")

	t.Run("accounts are found by the beginning of a name or an address", func(t *testing.T) {
		find := func(q string) (found bool) {
			for _, item := range operator.items(t, "/users?limit=1&q="+q) {
				found = found || item["id"] == ada.ID
			}
			return found
		}
		eventually(t, "it is found by its address", func() bool { return find("users-" + unique) })
		for q, want := range map[string]bool{"USERS-" + unique + "@ex": true, "ad": true, "users-x": false, "b": false} {
			if find(q) != want {
				t.Errorf("%q finds it: %v", q, !want)
			}
		}
		if !listed(t, operator, "active", ada) {
			t.Error("it is not among the active ones")
		}
		operator.Refuse(t, 400, "malformed", "GET", "/users?status=x", nil)
		operator.Refuse(t, 400, "malformed", "GET", "/users?cursor=eA", nil)
		operator.Refuse(t, 400, "malformed", "GET", "/users?q="+strings.Repeat("a", 2000), nil)
	})

	t.Run("auditors see no names but their own, and search for none", func(t *testing.T) {
		for _, page := range auditor.pages(t, "/users?limit=100") {
			if strings.Contains(page, ada.Email) || strings.Count(page, `"name":"Ada"`) > 1 {
				t.Errorf("answer %s", page)
			}
		}
		page := auditor.Expect(t, 200, "GET", "/users?limit=1", nil)
		if cursor, err := base64.RawURLEncoding.DecodeString(page.Text("nextCursor")); err != nil || len(cursor) != len(ada.ID) {
			t.Errorf("a cursor tells %q, error %v", cursor, err)
		}
		byAddress := base64.RawURLEncoding.EncodeToString([]byte("email " + ada.ID))
		auditor.Refuse(t, 400, "malformed", "GET", "/users?cursor="+byAddress, nil)
		auditor.Refuse(t, 403, "forbidden", "GET", "/users?q=a", nil)
		if a := auditor.Expect(t, 200, "GET", ada.at(""), nil); a.Text("id") != ada.ID || a.Text("email") != "" {
			t.Errorf("answer %s", a.Raw)
		}
		if a := auditor.Expect(t, 200, "GET", ada.at("/history"), nil); strings.Contains(a.Raw, ada.Email) {
			t.Errorf("answer %s", a.Raw)
		}
	})

	t.Run("a profile is read by its owner, operators and auditors", func(t *testing.T) {
		mine, byID := ada.Expect(t, 200, "GET", "/users/me", nil), ada.Expect(t, 200, "GET", ada.at(""), nil)
		if mine.Raw != byID.Raw || mine.Text("email") != ada.Email || mine.Header.Get("ETag") != `"1"` {
			t.Errorf("answers %s and %s", mine.Raw, byID.Raw)
		}
		for _, name := range []string{"id", "email", "name", "locale", "avatarFileId", "emailVerified", "status", "roles", "createdAt", "updatedAt", "version"} {
			if mine.Body[name] == nil {
				t.Errorf("there is no %s", name)
			}
		}
		if a := operator.Expect(t, 200, "GET", ada.at(""), nil); a.Text("email") != ada.Email {
			t.Errorf("answer %s", a.Raw)
		}
		nobody.Refuse(t, 401, "unauthenticated", "GET", "/users/me", nil)
		ada.Refuse(t, 404, "not-found", "GET", "/users/me?at=2000-01-01T00:00:00Z", nil)
		ada.Refuse(t, 405, "method-not-allowed", "DELETE", "/users/me", nil)
	})

	t.Run("a profile is changed by its owner", func(t *testing.T) {
		patch := func(body map[string]any, headers ...Header) Answer {
			t.Helper()
			return ada.Expect(t, 200, "PATCH", ada.at(""), body, headers...)
		}
		key := Header{"Idempotency-Key", "patch"}
		change := map[string]any{"name": " Ada Lovelace ", "locale": "en_gb"}
		first := patch(change, key, Header{"If-Match", `"1"`})
		if again := patch(change, key, Header{"If-Match", `"1"`}); again.Raw != first.Raw || again.Header.Get("Idempotent-Replay") != "true" {
			t.Errorf("the repeat is answered with %v %s", again.Header, again.Raw)
		}
		if a := patch(change); a.Raw != first.Raw || a.Header.Get("Idempotent-Replay") != "" {
			t.Errorf("what is so already is answered with %v %s", a.Header, a.Raw)
		}
		a := ada.Expect(t, 200, "GET", "/users/me?atLeast=3", nil)
		if a.Text("name") != "Ada Lovelace" || a.Text("locale") != "en-GB" || a.Body["version"] != 3.0 {
			t.Errorf("the profile is %s", a.Raw)
		}
		patch(map[string]any{"locale": ""})
		if a := ada.Expect(t, 200, "GET", ada.at("?atLeast=4"), nil); a.Text("locale") != "" {
			t.Errorf("the profile is %s", a.Raw)
		}
		for pointer, body := range map[string]map[string]any{
			"":              {},
			"/name":         {"name": "  "},
			"/locale":       {"locale": "klingon?"},
			"/avatarFileId": {"avatarFileId": "me.png"},
		} {
			a := ada.Refuse(t, 422, "invalid", "PATCH", ada.at(""), body)
			if !strings.Contains(a.Raw, fmt.Sprintf(`"pointer":%q`, pointer)) {
				t.Errorf("%v is refused with %s", body, a.Raw)
			}
		}
		ada.Refuse(t, 422, "invalid", "PATCH", ada.at(""), map[string]any{"avatarFileId": eve.ID})
		ada.Refuse(t, 400, "malformed", "PATCH", ada.at(""), map[string]any{"email": "x@example.com"})
		ada.Refuse(t, 412, "version-mismatch", "PATCH", ada.at(""), map[string]any{"name": "A"}, Header{"If-Match", `"1"`})
		operator.Refuse(t, 403, "forbidden", "PATCH", ada.at(""), map[string]any{"name": "A"})
	})

	t.Run("a picture of one's own becomes the avatar", func(t *testing.T) {
		const bytes = "no real picture"
		announced := Announcement("me.png", bytes)
		announced["contentType"] = "image/png"
		a := ada.Expect(t, 201, "POST", "/files", announced)
		avatar := map[string]any{"avatarFileId": a.Text("id")}
		ada.Refuse(t, 422, "invalid", "PATCH", ada.at(""), avatar)
		FormOf(t, a).Must(t, 204, "", bytes)
		eventually(t, "it is available", func() bool {
			return ada.Expect(t, 200, "GET", "/files/"+a.Text("id"), nil).Text("status") == "available"
		})
		eve.Refuse(t, 422, "invalid", "PATCH", eve.at(""), avatar)
		version := ada.Expect(t, 200, "PATCH", ada.at(""), avatar).Body["version"]
		if b := ada.Expect(t, 200, "GET", ada.at(fmt.Sprintf("?atLeast=%v", version)), nil); b.Text("avatarFileId") != a.Text("id") {
			t.Errorf("the profile is %s", b.Raw)
		}
	})

	t.Run("nobody else reads or changes it", func(t *testing.T) {
		for route, body := range map[string]any{
			"GET ": nil, "GET /history": nil, "GET /export": nil, "PATCH ": map[string]any{"name": "Eve"}, "DELETE ": nil,
			"POST /suspend": map[string]any{"reason": "x"}, "POST /reactivate": nil, "PUT /roles/operator": nil, "DELETE /roles/auditor": nil,
		} {
			method, rest, _ := strings.Cut(route, " ")
			eve.Refuse(t, 404, "not-found", method, ada.at(rest), body)
			nobody.Refuse(t, 401, "unauthenticated", method, ada.at(rest), body)
			if method != "GET" {
				auditor.Refuse(t, 404, "not-found", method, ada.at(rest), body)
			}
		}
		for _, route := range []string{"POST /suspend", "POST /reactivate", "PUT /roles/operator"} {
			method, rest, _ := strings.Cut(route, " ")
			ada.Refuse(t, 404, "not-found", method, ada.at(rest), map[string]any{"reason": "x"})
		}
		auditor.Refuse(t, 404, "not-found", "GET", ada.at("/export"), nil)
		for _, path := range []string{"/users", "/users/summary"} {
			ada.Refuse(t, 404, "not-found", "GET", path, nil)
			nobody.Refuse(t, 401, "unauthenticated", "GET", path, nil)
		}
		missing := Person{ID: SessionOf(t, ada.Token)}
		operator.Refuse(t, 404, "not-found", "GET", missing.at(""), nil)
		operator.Refuse(t, 404, "not-found", "GET", missing.at("/history"), nil)
		operator.Refuse(t, 404, "not-found", "GET", missing.at("/export"), nil)
		operator.Refuse(t, 404, "not-found", "DELETE", missing.at(""), nil)
		operator.Refuse(t, 404, "not-found", "POST", missing.at("/suspend"), map[string]any{"reason": "x"})
		operator.Refuse(t, 404, "not-found", "PUT", missing.at("/roles/auditor"), nil)
		operator.Refuse(t, 404, "not-found", "GET", "/users/nobody", nil)
	})

	t.Run("suspended user: out at once, and in again after", func(t *testing.T) {
		pair := map[string]string{"email": eve.Email, "password": eve.Password}
		login := nobody.Expect(t, 200, "POST", "/auth/login", pair)
		refresh := func(status int) {
			t.Helper()
			body := map[string]string{"refreshToken": login.Text("refreshToken")}
			if status == 200 {
				login = nobody.Expect(t, 200, "POST", "/auth/token", body)
				return
			}
			nobody.Refuse(t, status, "wrong-refresh-token", "POST", "/auth/token", body)
		}
		refresh(200)
		operator.Refuse(t, 422, "invalid", "POST", eve.at("/suspend"), map[string]any{"reason": ""})
		operator.Refuse(t, 422, "own-account", "POST", operator.at("/suspend"), map[string]any{"reason": "x"})
		first := operator.Expect(t, 200, "POST", eve.at("/suspend"), map[string]any{"reason": "Too many files"})
		if again := operator.Expect(t, 200, "POST", eve.at("/suspend"), map[string]any{"reason": "Again"}); again.Raw != first.Raw {
			t.Errorf("the repeat is answered with %s", again.Raw)
		}
		refresh(401)
		expectSoonOver(t, login)
		nobody.Refuse(t, 401, "wrong-login", "POST", "/auth/login", pair)
		nobody.Expect(t, 202, "POST", "/auth/password/forgot", map[string]string{"email": eve.Email})
		eve.Refuse(t, 403, "suspended", "POST", eve.Path("/email"), map[string]string{"email": "users-other-" + unique + "@example.com"})
		eve.Refuse(t, 403, "suspended", "POST", eve.Path("/password"), map[string]string{"current": eve.Password, "new": "correct horse staple"})
		eve.Refuse(t, 403, "suspended", "POST", "/auth/logout-all", nil)
		eve.Refuse(t, 403, "suspended", "POST", "/auth/email/verification", nil)
		eve.Refuse(t, 403, "suspended", "PATCH", eve.at(""), map[string]any{"name": "E"})
		if a := operator.Expect(t, 200, "GET", eve.at(fmt.Sprintf("?atLeast=%v", first.Body["version"])), nil); a.Text("status") != "suspended" {
			t.Errorf("the profile is %s", a.Raw)
		}
		eventually(t, "it is among the suspended ones", func() bool { return listed(t, operator, "suspended", eve) && !listed(t, operator, "active", eve) })
		eventually(t, "it is counted as suspended", func() bool { return counted(t, operator, "suspended") >= 1 })
		for range 2 {
			operator.Expect(t, 200, "POST", eve.at("/reactivate"), nil)
		}
		refresh(401) // of before
		login = nobody.Expect(t, 200, "POST", "/auth/login", pair)
		refresh(200)
		eve = eve.LogIn(t)
		eve.Expect(t, 200, "PATCH", eve.at(""), map[string]any{"locale": "en"})
		eventually(t, "it is among the active ones", func() bool { return listed(t, operator, "active", eve) })
		if a := operator.Expect(t, 200, "GET", eve.at("/history?limit=100"), nil); !strings.Contains(a.Raw, "Too many files") || strings.Contains(a.Raw, "Again") {
			t.Errorf("the history is %s", a.Raw)
		}
	})

	t.Run("roles are given and taken by operators", func(t *testing.T) {
		for range 2 {
			operator.Expect(t, 200, "PUT", eve.at("/roles/auditor"), nil)
		}
		eve = eve.LogIn(t)
		eve.Expect(t, 200, "GET", "/users/summary", nil)
		eve.Refuse(t, 404, "not-found", "PUT", eve.at("/roles/operator"), nil)
		for range 2 {
			operator.Expect(t, 200, "DELETE", eve.at("/roles/auditor"), nil)
		}
		eve = eve.LogIn(t)
		eve.Refuse(t, 404, "not-found", "GET", "/users/summary", nil)
		operator.Refuse(t, 422, "own-role", "DELETE", operator.at("/roles/operator"), nil)
		operator.Refuse(t, 422, "unknown-role", "PUT", eve.at("/roles/king"), nil)
		operator.Refuse(t, 422, "unknown-role", "DELETE", eve.at("/roles/user"), nil)
	})

	t.Run("suspended operator: what was taken is not taken back with the token that is left", func(t *testing.T) {
		office := Register(t, api, "office-"+unique+"@example.com")
		operator.Expect(t, 200, "PUT", office.at("/roles/operator"), nil)
		office = office.LogIn(t)
		office.Expect(t, 200, "PUT", eve.at("/roles/auditor"), nil)
		operator.Expect(t, 200, "DELETE", office.at("/roles/operator"), nil)
		office.Refuse(t, 404, "not-found", "PUT", office.at("/roles/operator"), nil)
		office.Refuse(t, 404, "not-found", "DELETE", eve.at(""), nil)
		operator.Expect(t, 200, "PUT", office.at("/roles/operator"), nil)
		operator.Expect(t, 200, "POST", office.at("/suspend"), map[string]any{"reason": "x"})
		office.Refuse(t, 404, "not-found", "POST", office.at("/reactivate"), nil)
		office.Refuse(t, 404, "not-found", "PUT", ada.at("/roles/operator"), nil)
		operator.Expect(t, 200, "DELETE", eve.at("/roles/auditor"), nil)
	})

	t.Run("one's own data is exported", func(t *testing.T) {
		var document struct {
			Account  struct{ Email, Name string }
			History  []struct{ Type string }
			Holdings map[string]any
		}
		for _, who := range []Person{ada, operator} {
			eventually(t, "the login is in it", func() bool {
				a := who.Expect(t, 200, "GET", ada.at("/export"), nil)
				if err := json.Unmarshal([]byte(a.Raw), &document); err != nil {
					t.Fatal(err)
				}
				if tag := a.Header.Get("ETag"); tag != "" {
					t.Errorf("ETag %s, whatever modules hold", tag)
				}
				if strings.Contains(a.Raw, "argon2") {
					t.Errorf("a secret is in it: %s", a.Raw)
				}
				logins, _ := document.Holdings["sessions"].([]any)
				return len(logins) == 1
			})
			if document.Account.Email != ada.Email || document.Account.Name != "Ada Lovelace" || len(document.History) != 5 || document.History[0].Type != "user.created.v1" {
				t.Errorf("the document is %+v", document)
			}
		}
	})

	t.Run("an erasure begins at once, and frees the address", func(t *testing.T) {
		operator.Refuse(t, 409, "is-operator", "DELETE", operator.at(""), nil)
		first := ada.Expect(t, 202, "DELETE", ada.at(""), nil)
		if first.Text("id") != ada.ID || first.Header.Get("ETag") == "" {
			t.Errorf("answer %v %s", first.Header, first.Raw)
		}
		ada.Expect(t, 202, "DELETE", ada.at(""), nil)
		ada.Refuse(t, 409, "erased", "POST", "/payments", map[string]any{"amount": 1000, "currency": "EUR", "method": "approve"}, Header{"Idempotency-Key", "late"})
		operator.Expect(t, 202, "DELETE", ada.at(""), nil)
		nobody.Refuse(t, 401, "wrong-login", "POST", "/auth/login", map[string]string{"email": ada.Email, "password": ada.Password})
		ada.Refuse(t, 409, "erased", "PATCH", ada.at(""), map[string]any{"name": "A"})
		ada.Refuse(t, 409, "erased", "POST", ada.Path("/email"), map[string]string{"email": "users-other-" + unique + "@example.com"})
		operator.Refuse(t, 409, "erased", "POST", ada.at("/suspend"), map[string]any{"reason": "x"})
		a := operator.Expect(t, 200, "GET", ada.at(fmt.Sprintf("?atLeast=%v", first.Body["version"])), nil)
		if a.Text("status") != "erasing" || a.Text("email") != "[erased]" || a.Text("name") != "[erased]" {
			t.Errorf("the profile is %s", a.Raw)
		}
		eventually(t, "the address is free", func() bool {
			a, err := nobody.Send(t.Context(), "POST", "/auth/users", map[string]string{"email": ada.Email, "password": ada.Password, "name": "Ada"})
			return err == nil && a.Status == 201
		})
		eventually(t, "it is counted as being erased", func() bool { return counted(t, operator, "erasing") >= 1 && listed(t, operator, "erasing", ada) })
	})
}

// listed reports whether a person is in the list of those of a status.
func listed(t *testing.T, operator Person, status string, p Person) bool {
	t.Helper()
	for _, item := range operator.items(t, "/users?limit=100&status="+status) {
		if item["id"] == p.ID {
			return true
		}
	}
	return false
}

// counted is how many accounts of a status there are.
func counted(t *testing.T, operator Person, status string) float64 {
	t.Helper()
	for _, item := range operator.items(t, "/users/summary") {
		if item["status"] == status {
			return item["accounts"].(float64)
		}
	}
	t.Fatalf("%s is not counted", status)
	return 0
}
