package scenario

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
)

// Sessions walks through what becomes of logins.
func Sessions(t *testing.T, api, unique string) {
	nobody := Client{URL: api}
	ada := Register(t, api, "sessions-"+unique+"@example.com")
	eve := Register(t, api, "sessions-eve-"+unique+"@example.com")
	password := ada.Password
	login := func(t *testing.T) Answer {
		t.Helper()
		return nobody.Expect(t, 200, "POST", "/auth/login", map[string]string{"email": ada.Email, "password": password})
	}
	refresh := func(t *testing.T, status int, token string) Answer {
		t.Helper()
		body := map[string]string{"refreshToken": token}
		if status == 401 {
			return nobody.Refuse(t, 401, "wrong-refresh-token", "POST", "/auth/token", body)
		}
		return nobody.Expect(t, status, "POST", "/auth/token", body)
	}
	with := func(a Answer) Client { return Client{URL: api, Token: a.Text("accessToken")} }

	t.Run("a refresh token gives new tokens, which work", func(t *testing.T) {
		first := login(t)
		second := refresh(t, 200, first.Text("refreshToken"))
		if second.Text("refreshToken") == first.Text("refreshToken") || second.Text("tokenType") != "Bearer" {
			t.Errorf("answer %s", second.Raw)
		}
		with(second).Expect(t, 200, "GET", ada.Path(""), nil)
		refresh(t, 200, second.Text("refreshToken"))
	})

	t.Run("others can check a token with the key that it names", func(t *testing.T) {
		KeyOf(t, api, login(t).Text("accessToken"))
		if a := nobody.Expect(t, 200, "GET", KeySet, nil); a.Header.Get("Cache-Control") != "public, max-age=300" {
			t.Errorf("the keys may be kept: %s", a.Header.Get("Cache-Control"))
		}
	})

	t.Run("two tabs that refresh at once get the same next token", func(t *testing.T) {
		first := login(t)
		a, b := refresh(t, 200, first.Text("refreshToken")), refresh(t, 200, first.Text("refreshToken"))
		if a.Text("refreshToken") != b.Text("refreshToken") {
			t.Errorf("the answers are %s and %s", a.Raw, b.Raw)
		}
		refresh(t, 200, b.Text("refreshToken"))
	})

	t.Run("stolen refresh token: once its owner uses it after the thief, the login has ended for both", func(t *testing.T) {
		owner := login(t)
		thief := refresh(t, 200, owner.Text("refreshToken"))
		later := refresh(t, 200, thief.Text("refreshToken"))
		with(later).Expect(t, 200, "GET", ada.Path(""), nil)
		for _, token := range []string{owner.Text("refreshToken"), later.Text("refreshToken"), thief.Text("refreshToken")} {
			refresh(t, 401, token)
		}
		expectSoonOver(t, owner, later)
		mine, id := with(login(t)), SessionOf(t, owner.Text("accessToken"))
		eventually(t, "it is not listed any more", func() bool {
			return !strings.Contains(mine.Expect(t, 200, "GET", "/auth/sessions?limit=100", nil).Raw, id)
		})
	})

	t.Run("stolen request: the key of a refresh does not make its old token good again", func(t *testing.T) {
		old, key := map[string]string{"refreshToken": login(t).Text("refreshToken")}, Header{"Idempotency-Key", "refresh-" + unique}
		second := nobody.Expect(t, 200, "POST", "/auth/token", old, key)
		again := nobody.Expect(t, 200, "POST", "/auth/token", old, key)
		third := refresh(t, 200, again.Text("refreshToken"))
		nobody.Refuse(t, 401, "wrong-refresh-token", "POST", "/auth/token", old, key)
		if second.Text("refreshToken") != again.Text("refreshToken") {
			t.Errorf("a repeat gives another token: %s", again.Raw)
		}
		refresh(t, 200, third.Text("refreshToken"))
	})

	t.Run("what is no refresh token is refused", func(t *testing.T) {
		token := []byte(login(t).Text("refreshToken"))
		token[40] ^= 3
		for _, wrong := range []string{"", "x", string(token), ada.Token} {
			refresh(t, 401, wrong)
		}
	})

	t.Run("a logout ends its login", func(t *testing.T) {
		kept, ended := login(t), login(t)
		with(ended).Expect(t, 204, "POST", "/auth/logout", nil)
		refresh(t, 401, ended.Text("refreshToken"))
		refresh(t, 200, kept.Text("refreshToken"))
		nobody.Refuse(t, 401, "unauthenticated", "POST", "/auth/logout", nil)
	})

	t.Run("logout-all: a logout from everywhere ends all logins", func(t *testing.T) {
		one, two := login(t), login(t)
		with(one).Expect(t, 204, "POST", "/auth/logout-all", nil)
		if items, _ := with(one).Expect(t, 200, "GET", "/auth/sessions", nil).Body["items"].([]any); len(items) > 0 {
			t.Errorf("these go on: %v", items)
		}
		refresh(t, 401, one.Text("refreshToken"))
		refresh(t, 401, two.Text("refreshToken"))
		expectSoonOver(t, one, two)
		refresh(t, 200, login(t).Text("refreshToken"))
	})

	t.Run("password change: a login that ended with all others is not spared by one with the token that is left", func(t *testing.T) {
		stolen := login(t)
		with(stolen).Expect(t, 204, "POST", "/auth/logout-all", nil)
		with(stolen).Refuse(t, 401, "unauthenticated", "POST", ada.Path("/password"), map[string]string{"current": password, "new": "correct horse stable"})
		refresh(t, 401, stolen.Text("refreshToken"))
	})

	t.Run("stolen access token: once its login has ended it does not give the account another address", func(t *testing.T) {
		byItself, withOthers := login(t), login(t)
		with(byItself).Expect(t, 204, "POST", "/auth/logout", nil)
		with(withOthers).Expect(t, 204, "POST", "/auth/logout-all", nil)
		taken := map[string]string{"email": "sessions-thief-" + unique + "@example.com"}
		for _, a := range []Answer{byItself, withOthers} {
			with(a).Refuse(t, 401, "unauthenticated", "POST", ada.Path("/email"), taken)
		}
	})

	t.Run("password change: a new password ends all other logins", func(t *testing.T) {
		one, two := login(t), login(t)
		with(one).Expect(t, 200, "POST", ada.Path("/password"), map[string]string{"current": password, "new": "correct horse staple"})
		password = "correct horse staple"
		refresh(t, 401, two.Text("refreshToken"))
		expectSoonOver(t, two)
		refresh(t, 200, one.Text("refreshToken"))
		login(t)
	})

	t.Run("the logins that go on are listed", func(t *testing.T) {
		mine := login(t)
		with(login(t)).Expect(t, 204, "POST", "/auth/logout", nil)
		id := SessionOf(t, mine.Text("accessToken"))
		eventually(t, "it is listed as the first one, and the one that ended is not", func() bool {
			items, _ := with(mine).Expect(t, 200, "GET", "/auth/sessions?limit=100", nil).Body["items"].([]any)
			return len(items) > 0 && items[0].(map[string]any)["id"] == id
		})
	})

	t.Run("a forgotten password is answered the same whoever asks", func(t *testing.T) {
		for _, email := range []string{ada.Email, "sessions-nobody-" + unique + "@example.com"} {
			if a := nobody.Expect(t, 202, "POST", "/auth/password/forgot", map[string]string{"email": email}); len(a.Raw) > 3 || a.Header.Get("ETag") != "" {
				t.Errorf("answer %v %s", a.Header, a.Raw)
			}
		}
		nobody.Refuse(t, 422, "invalid", "POST", "/auth/password/forgot", map[string]string{"email": "ada"})
		nobody.Refuse(t, 422, "wrong-token", "POST", "/auth/password/reset", map[string]string{"token": "x", "new": "correct horse staple"})
		nobody.Refuse(t, 422, "invalid", "POST", "/auth/password/reset", map[string]string{"token": "x", "new": "short"})
		nobody.Refuse(t, 422, "wrong-token", "POST", "/auth/email/verify", map[string]string{"token": "x"})
	})

	t.Run("nobody ends the login of somebody else", func(t *testing.T) {
		mine := login(t)
		id := SessionOf(t, mine.Text("accessToken"))
		eve.Refuse(t, 404, "not-found", "DELETE", "/auth/sessions/"+id, nil)
		refresh(t, 200, mine.Text("refreshToken"))
		with(mine).Expect(t, 204, "DELETE", "/auth/sessions/"+id, nil)
		with(mine).Expect(t, 204, "DELETE", "/auth/sessions/"+id, nil)
		refresh(t, 401, mine.Text("refreshToken"))
	})
}

// expectSoonOver demands that the access tokens of logins that have ended work for ten minutes at
// most: nobody asks whether their login goes on.
func expectSoonOver(t *testing.T, logins ...Answer) {
	t.Helper()
	for _, a := range logins {
		var claims struct{ Iat, Exp float64 }
		text, err := base64.RawURLEncoding.DecodeString(strings.Split(a.Text("accessToken"), ".")[1])
		if err == nil {
			err = json.Unmarshal(text, &claims)
		}
		if life := claims.Exp - claims.Iat; err != nil || life <= 0 || life > 10*60 || a.Body["expiresIn"] != life {
			t.Errorf("an access token works for %v s, error %v: %s", life, err, a.Raw)
		}
	}
}
