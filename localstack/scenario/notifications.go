package scenario

import (
	"fmt"
	"testing"
)

// Notifications walks through what people are told, by mail and in their inbox.
func Notifications(t *testing.T, api, unique string, operator Person) {
	nobody := Client{URL: api}
	address := func(name string) string { return "told-" + name + "-" + unique + "@example.com" }
	ada, eve := Register(t, api, address("ada")), Register(t, api, address("eve"))
	const (
		confirm = "Confirm your email address"
		reset   = "Set another password"
	)
	verified := func(p Person) any { return p.Expect(t, 200, "GET", p.Path(""), nil).Body["emailVerified"] }
	kinds := func(p Person, query string) (all []any) {
		for _, item := range p.items(t, "/notifications"+query) {
			all = append(all, item["kind"])
		}
		return all
	}
	unread := func(p Person) any { return p.Expect(t, 200, "GET", "/notifications", nil).Body["unreadCount"] }
	shows := func(t *testing.T, p Person, query, want string) {
		t.Helper()
		eventually(t, "the inbox shows "+want, func() bool { return fmt.Sprint(kinds(p, query)) == want })
	}

	t.Run("another token is mailed to who asks for one", func(t *testing.T) {
		p := Register(t, api, address("forgetful"))
		first := nobody.mailed(t, p.Email, confirm)
		p.Expect(t, 202, "POST", "/auth/email/verification", nil)
		p.Expect(t, 202, "POST", "/auth/email/verification", nil)
		eventually(t, "there are two mails", func() bool { return len(nobody.inboxOf(t, p.Email)) == 2 })
		again := nobody.mailed(t, p.Email, confirm)
		if again.Name == first.Name {
			t.Errorf("the mail is %s again", first.Name)
		}
		nobody.Expect(t, 204, "POST", "/auth/email/verify", map[string]string{"token": again.token(t)})
		eventually(t, "it is verified", func() bool { return verified(p) == true })
	})

	t.Run("the token in the mail to a new address verifies it", func(t *testing.T) {
		m := nobody.mailed(t, ada.Email, confirm)
		nobody.Expect(t, 204, "POST", "/auth/email/verify", map[string]string{"token": m.token(t)})
		eventually(t, "it is verified", func() bool { return verified(ada) == true })
		nobody.Refuse(t, 422, "wrong-token", "POST", "/auth/email/verify", map[string]string{"token": m.token(t) + "x"})
		nobody.Refuse(t, 422, "wrong-token", "POST", "/auth/password/reset", map[string]string{"token": m.token(t), "new": "correct horse staple"})
		whole, err := nobody.Send(t.Context(), "GET", "/dev/mail/"+m.Name, nil)
		if err != nil || whole.Status != 200 || whole.Header.Get("Content-Type") != "message/rfc822" {
			t.Errorf("the mail is shown as %v %s, error %v", whole.Header, whole.Raw, err)
		}
		if none, err := nobody.Send(t.Context(), "GET", "/dev/mail/none.eml", nil); err != nil || none.Status != 404 {
			t.Errorf("a mail that is not there: %d, error %v", none.Status, err)
		}
	})

	t.Run("a forgotten password is replaced with the mailed token, once", func(t *testing.T) {
		nobody.Expect(t, 202, "POST", "/auth/password/forgot", map[string]string{"email": ada.Email})
		token := nobody.mailed(t, ada.Email, reset).token(t)
		old := ada.Password
		ada.Password = "correct horse staple"
		nobody.Expect(t, 204, "POST", "/auth/password/reset", map[string]string{"token": token, "new": ada.Password})
		nobody.Refuse(t, 401, "wrong-login", "POST", "/auth/login", map[string]string{"email": ada.Email, "password": old})
		nobody.Refuse(t, 422, "wrong-token", "POST", "/auth/password/reset", map[string]string{"token": token, "new": "correct horse stable"})
		ada = ada.LogIn(t)
		nobody.mailed(t, ada.Email, "Your password was changed")
	})

	t.Run("a change of address is told to the old one and verified at the new one", func(t *testing.T) {
		old := ada.Email
		ada.Email = address("lovelace")
		ada.Expect(t, 200, "POST", ada.Path("/email"), map[string]string{"email": ada.Email})
		nobody.mailed(t, old, "Your email address was changed")
		nobody.Expect(t, 204, "POST", "/auth/email/verify", map[string]string{"token": nobody.mailed(t, ada.Email, confirm).token(t)})
		eventually(t, "the new one is verified", func() bool { return verified(ada) == true })
	})

	t.Run("the inbox has everything, newest first", func(t *testing.T) {
		eventually(t, "all is there", func() bool { return len(kinds(ada, "")) == 5 })
		if got := kinds(ada, "?limit=2"); fmt.Sprint(got[2:]) != "[password-changed reset-password verify-address]" {
			t.Errorf("in pages of two: %v", got)
		}
		item := ada.items(t, "/notifications")[4]
		if item["title"] != confirm || item["text"] == "" || item["read"] != false || item["createdAt"] == nil ||
			fmt.Sprint(item["about"]) != fmt.Sprint(map[string]any{"type": "user", "id": ada.ID}) {
			t.Errorf("the first is %v", item)
		}
		if n := unread(ada); n != 5.0 {
			t.Errorf("%v are unread", n)
		}
		shows(t, eve, "", "[verify-address]")
		for _, query := range []string{"unread=x", "limit=0", "cursor=!", "cursor=eA"} {
			ada.Refuse(t, 400, "malformed", "GET", "/notifications?"+query, nil)
		}
		nobody.Refuse(t, 401, "unauthenticated", "GET", "/notifications", nil)
	})

	t.Run("a notification is read by its owner only", func(t *testing.T) {
		id := ada.items(t, "/notifications")[4]["id"].(string)
		eve.Refuse(t, 404, "not-found", "POST", "/notifications/"+id+"/read", nil)
		nobody.Refuse(t, 401, "unauthenticated", "POST", "/notifications/"+id+"/read", nil)
		ada.Refuse(t, 404, "not-found", "POST", "/notifications/x/read", nil)
		ada.Refuse(t, 404, "not-found", "POST", "/notifications/"+ada.ID+"/read", nil)
		ada.Refuse(t, 412, "version-mismatch", "POST", "/notifications/"+id+"/read", nil, Header{"If-Match", `"99"`})
		first := ada.Expect(t, 200, "POST", "/notifications/"+id+"/read", nil)
		if again := ada.Expect(t, 200, "POST", "/notifications/"+id+"/read", nil); again.Raw != first.Raw || first.Header.Get("ETag") == "" {
			t.Errorf("the first answer is %s, the second %s", first.Raw, again.Raw)
		}
		eventually(t, "four are unread", func() bool { return unread(ada) == 4.0 && len(kinds(ada, "?unread=true")) == 4 })
		if items := ada.items(t, "/notifications"); len(items) != 5 || items[4]["read"] != true || items[0]["read"] != false {
			t.Errorf("the inbox is %v", items)
		}
	})

	t.Run("all are read at once", func(t *testing.T) {
		nobody.Refuse(t, 401, "unauthenticated", "POST", "/notifications/read-all", nil)
		if a := ada.Expect(t, 200, "POST", "/notifications/read-all", nil); a.Text("id") != ada.ID || a.Header.Get("ETag") == "" {
			t.Errorf("answer %v %s", a.Header, a.Raw)
		}
		if n := unread(ada); n != 0.0 || len(kinds(ada, "?unread=true")) > 0 {
			t.Errorf("%v are unread", n)
		}
		if n := unread(eve); n != 1.0 {
			t.Errorf("%v of somebody else's are unread", n)
		}
		nobody.Expect(t, 202, "POST", "/auth/password/forgot", map[string]string{"email": ada.Email})
		shows(t, ada, "?unread=true", "[reset-password]")
	})

	t.Run("preferences are kept, but mail about security stays", func(t *testing.T) {
		on := map[string]any{"security": true, "files": true, "payments": true}
		expect := func(a Answer, email map[string]any) {
			t.Helper()
			if fmt.Sprint(a.Body) != fmt.Sprint(map[string]any{"email": email, "inApp": on}) {
				t.Errorf("preferences are %s", a.Raw)
			}
		}
		expect(eve.Expect(t, 200, "GET", "/notifications/preferences", nil), on)
		less := map[string]any{"security": true, "files": false, "payments": true}
		body := map[string]any{"email": map[string]any{"files": false}}
		set := eve.Expect(t, 200, "PUT", "/notifications/preferences", body)
		expect(set, less)
		got := eve.Expect(t, 200, "GET", "/notifications/preferences", nil)
		expect(got, less)
		if tag := set.Header.Get("ETag"); tag == "" || tag != got.Header.Get("ETag") {
			t.Errorf("the version is %s, then %s", tag, got.Header.Get("ETag"))
		}
		expect(eve.Expect(t, 200, "PUT", "/notifications/preferences", map[string]any{"email": on, "inApp": on}), on)
		for _, wrong := range []string{`{"email":{"security":false},"inApp":{}}`, `{"email":{},"inApp":{"files":false}}`} {
			eve.Refuse(t, 422, "invalid", "PUT", "/notifications/preferences", wrong)
		}
		eve.Refuse(t, 400, "malformed", "PUT", "/notifications/preferences", `{"email":{"other":false},"inApp":{}}`)
		nobody.Refuse(t, 401, "unauthenticated", "PUT", "/notifications/preferences", body)
		nobody.Refuse(t, 401, "unauthenticated", "GET", "/notifications/preferences", nil)
	})

	t.Run("a payment is told of by mail as well, unless that is switched off", func(t *testing.T) {
		pay := func(key string) {
			t.Helper()
			eve.Expect(t, 202, "POST", "/payments", order("approve", "automatic"), Header{"Idempotency-Key", key + unique})
		}
		pay("told-1-")
		nobody.mailed(t, eve.Email, "Your payment was made")
		shows(t, eve, "", "[payment-captured verify-address]")
		eve.Expect(t, 200, "PUT", "/notifications/preferences", map[string]any{"email": map[string]any{"payments": false}})
		pay("told-2-")
		shows(t, eve, "", "[payment-captured payment-captured verify-address]")
		if reason := mailOf(t, operator, eve.items(t, "/notifications")[0]["id"]); reason != "preferences" {
			t.Errorf("the mail was not skipped as it should be: %q", reason)
		}
	})

	t.Run("no more mail goes where it bounced or was complained about", func(t *testing.T) {
		for _, name := range []string{"bounce", "complaint"} {
			bob := Register(t, api, name+"+"+unique+"@simulator.amazonses.com")
			nobody.mailed(t, bob.Email, confirm)
			eventually(t, "mail to "+bob.Email+" is skipped", func() bool {
				before := len(kinds(bob, ""))
				bob.Expect(t, 200, "POST", bob.Path("/password"), map[string]string{"current": bob.Password, "new": bob.Password})
				eventually(t, "one more notification", func() bool { return len(kinds(bob, "")) > before })
				return mailOf(t, operator, bob.items(t, "/notifications")[0]["id"]) == "suppressed"
			})
		}
		carol := Register(t, api, "success+"+unique+"@simulator.amazonses.com")
		nobody.mailed(t, carol.Email, confirm)
		carol.Expect(t, 200, "POST", carol.Path("/password"), map[string]string{"current": carol.Password, "new": carol.Password})
		nobody.mailed(t, carol.Email, "Your password was changed")
	})
}

// mailOf waits until a notification's mail is settled and gives what came of it: "" if it was
// sent, else the reason why not.
func mailOf(t *testing.T, operator Person, id any) (reason string) {
	t.Helper()
	eventually(t, fmt.Sprint("the mail of ", id, " is settled"), func() bool {
		for _, c := range operator.items(t, fmt.Sprint("/admin/streams/notification%23", id)) {
			for _, e := range c["events"].([]any) {
				switch e := e.(map[string]any); e["type"] {
				case "notification.mail-sent.v1":
					return true
				case "notification.mail-skipped.v1":
					reason = e["data"].(map[string]any)["reason"].(string)
					return true
				}
			}
		}
		return false
	})
	return reason
}
