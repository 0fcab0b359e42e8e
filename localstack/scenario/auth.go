package scenario

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/es"
)

// Auth walks through the routes of the auth module, the refusals included. unique is part
// of every address, so that several runs can share one system.
func Auth(t *testing.T, api, unique string, operator Person) {
	nobody := Client{URL: api}
	mail := func(name string) string { return name + "-" + unique + "@example.com" }
	signUp := func(email string) map[string]string {
		return map[string]string{"email": email, "password": "correct horse battery", "name": "Ada"}
	}
	t.Run("health", func(t *testing.T) { nobody.Expect(t, 200, "GET", "/health", nil) })

	ada := Register(t, api, mail("ada"))
	eve := Register(t, api, mail("eve"))

	t.Run("an account is created once for an address", func(t *testing.T) {
		key := Header{"Idempotency-Key", "create-" + unique}
		first := nobody.Expect(t, 201, "POST", "/auth/users", signUp(mail("bob")), key)
		id := first.Text("id")
		if !es.ValidID(id) || first.Body["version"] != 1.0 || first.Header.Get("ETag") != `"1"` || first.Header.Get("Location") != "/auth/users/"+id {
			t.Errorf("answer %v %s", first.Header, first.Raw)
		}
		again := nobody.Expect(t, 201, "POST", "/auth/users", signUp(mail("bob")), key)
		if again.Raw != first.Raw || again.Header.Get("Idempotent-Replay") != "true" {
			t.Errorf("the repeat is answered with %v %s", again.Header, again.Raw)
		}
		nobody.Refuse(t, 422, "idempotency-key-reused", "POST", "/auth/users", signUp(mail("other")), key)
		nobody.Refuse(t, 409, "email-taken", "POST", "/auth/users", signUp(mail("bob")))
		nobody.Refuse(t, 409, "email-taken", "POST", "/auth/users", signUp(strings.ToUpper(mail("bob"))))
		nobody.Refuse(t, 422, "invalid", "POST", "/auth/users", map[string]string{"email": mail("weak"), "password": "password123", "name": "Ada"})
	})

	t.Run("a login gives a token for the right pair only", func(t *testing.T) {
		a := nobody.Expect(t, 200, "POST", "/auth/login", map[string]string{"email": ada.Email, "password": ada.Password})
		if a.Text("accessToken") == "" || a.Text("refreshToken") == "" || a.Text("tokenType") != "Bearer" || a.Body["expiresIn"].(float64) <= 0 {
			t.Errorf("answer %s", a.Raw)
		}
		nobody.Refuse(t, 422, "invalid", "POST", "/auth/login", map[string]string{"email": "", "password": ada.Password})
		nobody.Refuse(t, 401, "wrong-login", "POST", "/auth/login", map[string]string{"email": ada.Email, "password": "wrong horse battery"})
		nobody.Refuse(t, 401, "wrong-login", "POST", "/auth/login", map[string]string{"email": mail("nobody"), "password": ada.Password})
	})

	t.Run("a password is the same however its characters are composed", func(t *testing.T) {
		composed, decomposed := "caf\u00e9 au lait", "cafe\u0301 au lait"
		bea := map[string]string{"email": mail("bea"), "password": composed, "name": "Bea"}
		nobody.Expect(t, 201, "POST", "/auth/users", bea)
		nobody.Expect(t, 200, "POST", "/auth/login", map[string]string{"email": mail("bea"), "password": decomposed})
		nobody.Refuse(t, 401, "wrong-login", "POST", "/auth/login", map[string]string{"email": mail("bea"), "password": "cafe au lait"})
	})

	t.Run("after ten wrong passwords for an address there is a wait, known or not, and none for others", func(t *testing.T) {
		// Counting begins anew every quarter of an hour: what goes over that moment is done once more.
		quarter := func() time.Time { return time.Now().Truncate(15 * time.Minute) }
		first := quarter()
		for _, email := range []string{mail("nobody-at-all"), eve.Email} {
			wrong := map[string]string{"email": email, "password": "wrong horse battery"}
			for begun := quarter(); ; begun = quarter() {
				for n := range 10 {
					a, err := nobody.Send(t.Context(), "POST", "/auth/login", wrong)
					if err != nil || a.Status != 401 && begun == first {
						t.Fatalf("wrong password %d: %s, error %v", n+1, a.Raw, err)
					}
				}
				if begun == quarter() {
					break
				}
			}
			a := nobody.Refuse(t, 429, "too-many-tries", "POST", "/auth/login", wrong)
			if after, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || after < 1 || after > 15*60 {
				t.Errorf("Retry-After: %q", a.Header.Get("Retry-After"))
			}
		}
		nobody.Refuse(t, 429, "too-many-tries", "POST", "/auth/login", map[string]string{"email": eve.Email, "password": eve.Password})
		ada.LogIn(t)
	})

	t.Run("an account is read by its owner", func(t *testing.T) {
		a := ada.Expect(t, 200, "GET", ada.Path(""), nil)
		for name, want := range map[string]any{"id": ada.ID, "email": ada.Email, "name": "Ada", "emailVerified": false, "status": "active", "roles": []any{"user"}, "version": 1.0} {
			if fmt.Sprint(a.Body[name]) != fmt.Sprint(want) {
				t.Errorf("%s is %v, want %v", name, a.Body[name], want)
			}
		}
		if a.Header.Get("ETag") != `"1"` || a.Text("createdAt") == "" || a.Text("updatedAt") != a.Text("createdAt") {
			t.Errorf("answer %v %s", a.Header, a.Raw)
		}
		ada.Expect(t, 304, "GET", ada.Path(""), nil, Header{"If-None-Match", `"1"`})
		operator.Expect(t, 200, "GET", ada.Path(""), nil)
	})

	t.Run("nobody else sees it", func(t *testing.T) {
		for _, path := range []string{"", "/history"} {
			a := nobody.Refuse(t, 401, "unauthenticated", "GET", ada.Path(path), nil)
			if a.Header.Get("WWW-Authenticate") == "" {
				t.Error("no WWW-Authenticate")
			}
			forged := Client{URL: api, Token: ada.Token[:len(ada.Token)-4] + "AAAA"}
			forged.Refuse(t, 401, "unauthenticated", "GET", ada.Path(path), nil)
			eve.Refuse(t, 404, "not-found", "GET", ada.Path(path), nil)
		}
		eve.Refuse(t, 404, "not-found", "POST", ada.Path("/email"), map[string]string{"email": mail("stolen")})
		eve.Refuse(t, 404, "not-found", "POST", ada.Path("/password"), map[string]string{"current": "x", "new": "correct horse staple"})
		nobody.Refuse(t, 401, "unauthenticated", "POST", ada.Path("/email"), map[string]string{"email": mail("stolen")})
	})

	t.Run("an address is changed to a free one", func(t *testing.T) {
		change := func(email string) map[string]string { return map[string]string{"email": email} }
		ada.Refuse(t, 422, "invalid", "POST", ada.Path("/email"), change("ada"))
		ada.Refuse(t, 422, "email-unchanged", "POST", ada.Path("/email"), change(ada.Email))
		ada.Refuse(t, 409, "email-taken", "POST", ada.Path("/email"), change(eve.Email))
		ada.Refuse(t, 412, "version-mismatch", "POST", ada.Path("/email"), change(mail("ada2")), Header{"If-Match", `"7"`})
		key := Header{"Idempotency-Key", "change"}
		a := ada.Expect(t, 200, "POST", ada.Path("/email"), change(mail("ada2")), Header{"If-Match", `"1"`}, key)
		if a.Text("id") != ada.ID || a.Body["version"] != 2.0 || a.Header.Get("ETag") != `"2"` {
			t.Errorf("answer %v %s", a.Header, a.Raw)
		}
		again := ada.Expect(t, 200, "POST", ada.Path("/email"), change(mail("ada2")), Header{"If-Match", `"1"`}, key)
		if again.Raw != a.Raw || again.Header.Get("Idempotent-Replay") != "true" {
			t.Errorf("the repeat is answered with %v %s", again.Header, again.Raw)
		}
		if read := ada.Expect(t, 200, "GET", ada.Path("?atLeast=2"), nil); read.Text("email") != mail("ada2") {
			t.Errorf("one's own change is not read: %s", read.Raw)
		}
		nobody.Refuse(t, 401, "wrong-login", "POST", "/auth/login", map[string]string{"email": ada.Email, "password": ada.Password})
		Register(t, api, ada.Email) // which is free again
		ada.Email = mail("ada2")
		ada = ada.LogIn(t)
	})

	t.Run("the view shows a change within a second", func(t *testing.T) {
		start := time.Now()
		for ada.Expect(t, 200, "GET", ada.Path(""), nil).Text("email") != ada.Email {
			if time.Since(start) > time.Second {
				t.Fatal("it does not")
			}
		}
	})

	t.Run("whoever has stolen a login guesses the password ten times, and its owner changes it all the same", func(t *testing.T) {
		thief := ada.LogIn(t)
		guess := map[string]string{"current": "wrong horse battery", "new": "correct horse staple"}
		for range 10 {
			thief.Refuse(t, 422, "wrong-password", "POST", ada.Path("/password"), guess)
		}
		thief.Refuse(t, 429, "too-many-tries", "POST", ada.Path("/password"), guess)
		ada.Refuse(t, 422, "wrong-password", "POST", ada.Path("/password"), guess)
	})

	t.Run("a password is changed by somebody who knows it", func(t *testing.T) {
		ada.Refuse(t, 422, "wrong-password", "POST", ada.Path("/password"), map[string]string{"current": "wrong horse battery", "new": "correct horse staple"})
		ada.Refuse(t, 422, "invalid", "POST", ada.Path("/password"), map[string]string{"current": ada.Password, "new": "short"})
		ada.Expect(t, 200, "POST", ada.Path("/password"), map[string]string{"current": ada.Password, "new": "correct horse staple"})
		nobody.Refuse(t, 401, "wrong-login", "POST", "/auth/login", map[string]string{"email": ada.Email, "password": ada.Password})
		ada.Password = "correct horse staple"
		ada = ada.LogIn(t)
	})

	t.Run("the past can be read", func(t *testing.T) {
		first := ada.Expect(t, 200, "GET", ada.Path("?version=1"), nil)
		if first.Text("email") == ada.Email || first.Body["version"] != 1.0 {
			t.Errorf("version 1 is %s", first.Raw)
		}
		then := ada.Expect(t, 200, "GET", ada.Path("?at="+first.Text("updatedAt")), nil)
		if then.Raw != first.Raw {
			t.Errorf("at that time it was %s, want %s", then.Raw, first.Raw)
		}
		ada.Refuse(t, 404, "not-found", "GET", ada.Path("?at=2000-01-01T00:00:00Z"), nil)
		ada.Refuse(t, 404, "not-found", "GET", ada.Path("?version=99"), nil)
	})

	t.Run("the history tells everything but secrets", func(t *testing.T) {
		var types []string
		for path := ada.Path("/history?limit=2"); path != ""; {
			page := ada.Expect(t, 200, "GET", path, nil)
			for _, item := range page.Body["items"].([]any) {
				e := item.(map[string]any)
				types = append(types, e["type"].(string))
				for _, name := range []string{"version", "at", "actor", "correlationId", "causationId", "data"} {
					if e[name] == nil || e[name] == "" {
						t.Errorf("no %s: %v", name, e)
					}
				}
			}
			if strings.Contains(page.Raw, "argon2") {
				t.Errorf("a hash is shown: %s", page.Raw)
			}
			path = ""
			if next := page.Text("nextCursor"); next != "" {
				path = ada.Path("/history?limit=2&cursor=" + next)
			}
		}
		if got := strings.Join(types, " "); got != "user.created.v1 user.email-changed.v1 user.password-changed.v1 user.sessions-ended.v1" {
			t.Errorf("history %s", got)
		}
		newest := ada.Expect(t, 200, "GET", ada.Path("/history?limit=1&order=desc"), nil)
		if !strings.Contains(newest.Raw, "user.sessions-ended.v1") {
			t.Errorf("the newest is %s", newest.Raw)
		}
	})

	t.Run("a stream is verified by operators", func(t *testing.T) {
		path := "/admin/streams/user%23" + ada.ID + "/verify"
		a := operator.Expect(t, 200, "GET", path, nil)
		if a.Body["ok"] != true || a.Body["commits"] != 3.0 || a.Text("stream") != "user#"+ada.ID || a.Body["firstBad"] != nil {
			t.Errorf("answer %s", a.Raw)
		}
		ada.Expect(t, 404, "GET", path, nil)
		nobody.Expect(t, 401, "GET", path, nil)
		operator.Expect(t, 404, "GET", "/admin/streams/user%23nobody/verify", nil)
	})

	t.Run("what cannot be read is refused", func(t *testing.T) {
		for _, body := range []string{"", "{", "[]", `{"email":1}`, `{"email":"a@b.cd","more":1}`, signUpText + "x"} {
			nobody.Refuse(t, 400, "malformed", "POST", "/auth/users", body)
		}
		nobody.Refuse(t, 413, "body-too-large", "POST", "/auth/users", `{"name":"`+strings.Repeat("x", 300<<10)+`"}`)
		nobody.Refuse(t, 404, "no-such-route", "GET", "/nowhere", nil)
		if a := nobody.Refuse(t, 405, "method-not-allowed", "DELETE", "/auth/users", nil); a.Header.Get("Allow") != "POST" {
			t.Errorf("Allow is %q", a.Header.Get("Allow"))
		}
		ada.Refuse(t, 400, "malformed", "POST", ada.Path("/email"), map[string]string{"email": mail("x")}, Header{"If-Match", "1"})
		ada.Refuse(t, 400, "malformed", "GET", ada.Path("?version=x"), nil)
	})
}

const signUpText = `{"email":"a@example.com","password":"correct horse battery","name":"Ada"}`
