package scenario

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Operator walks through the operator's reads, as those who may and those who may not.
func Operator(t *testing.T, api, unique string, operator, auditor Person) {
	nobody := Client{URL: api}
	ada := Register(t, api, "observed-"+unique+"@example.com")
	request := "observed-" + unique
	changed := "observed2-" + unique + "@example.com"
	ada.Expect(t, 200, "POST", ada.Path("/email"), map[string]string{"email": changed}, Header{"X-Correlation-Id", request})
	stream := "user#" + ada.ID
	streams := "/admin/streams?prefix=" + url.QueryEscape(stream)
	path := "/admin/streams/" + url.PathEscape(stream)
	audit := "/admin/audit?correlationId=" + request
	routes := []string{streams, path, path + "/state", path + "/verify", audit}

	t.Run("operators and auditors alone look at streams, auditors without personal data", func(t *testing.T) {
		for _, route := range routes {
			// A search may end before it has found what there is to find.
			for _, a := range append(operator.pages(t, route), auditor.pages(t, route)...) {
				if strings.Contains(a, "argon2") {
					t.Errorf("%s shows a secret: %s", route, a)
				}
			}
			for _, a := range auditor.pages(t, route) {
				if strings.Contains(a, "@example.com") || strings.Contains(a, `"Ada"`) {
					t.Errorf("%s shows personal data to an auditor: %s", route, a)
				}
			}
			short, _, _ := strings.Cut(route, "?")
			ada.Refuse(t, 404, "not-found", "GET", short, nil)
			nobody.Refuse(t, 401, "unauthenticated", "GET", short, nil)
		}
	})

	t.Run("streams are found by their names", func(t *testing.T) {
		items := operator.items(t, streams)
		if len(items) != 1 || items[0]["stream"] != stream || items[0]["version"] != 2.0 || items[0]["firstAt"] == nil || items[0]["lastAt"] == nil {
			t.Errorf("found %v", items)
		}
		if all := operator.items(t, "/admin/streams?limit=1&prefix=user%23"); len(all) < 2 {
			t.Errorf("of all accounts %d are found", len(all))
		}
	})

	t.Run("a stream's commits are shown both ways", func(t *testing.T) {
		for order, versions := range map[string]string{"asc": "1 2", "desc": "2 1"} {
			var got []string
			for _, commit := range operator.items(t, path+"?limit=1&order="+order) {
				got = append(got, fmt.Sprint(commit["version"]))
			}
			if strings.Join(got, " ") != versions {
				t.Errorf("%s: versions %v, want %s", order, got, versions)
			}
		}
		commits := operator.items(t, path+"?from=2")
		if len(commits) != 1 || commits[0]["correlationId"] != request || commits[0]["actor"] != ada.ID || commits[0]["prevHash"] == nil {
			t.Fatalf("from version 2 there is %v", commits)
		}
		event := commits[0]["events"].([]any)[0].(map[string]any)
		if event["type"] != "user.email-changed.v1" || event["data"].(map[string]any)["new"] != changed {
			t.Errorf("the event is %v", event)
		}
	})

	t.Run("a stream's state is told as of any version", func(t *testing.T) {
		for query, email := range map[string]string{"": changed, "?version=1": ada.Email} {
			a := operator.Expect(t, 200, "GET", path+"/state"+query, nil)
			if state, _ := a.Body["state"].(map[string]any); state["Email"] != email || a.Header.Get("ETag") != fmt.Sprintf(`"%v"`, a.Body["version"]) {
				t.Errorf("%q: %v %s", query, a.Header, a.Raw)
			}
		}
		operator.Expect(t, 304, "GET", path+"/state", nil, Header{"If-None-Match", `"2"`})
		operator.Refuse(t, 404, "not-found", "GET", path+"/state?version=3", nil)
		operator.Refuse(t, 404, "no-aggregate", "GET", "/admin/streams/none%23x/state", nil)
	})

	t.Run("the audit finds one request across streams", func(t *testing.T) {
		found := map[string]bool{}
		for _, item := range operator.items(t, audit+"&actor="+ada.ID+"&from=2020-01-01T00:00:00Z") {
			category, _, _ := strings.Cut(item["stream"].(string), "#")
			for _, kind := range item["types"].([]any) {
				found[category+" "+kind.(string)] = true
			}
		}
		if len(found) != 3 || !found["user user.email-changed.v1"] || !found["email email.claimed.v1"] || !found["email email.released.v1"] {
			t.Errorf("found %v", found)
		}
		if items := operator.items(t, audit+"&to=2020-01-01T00:00:00Z"); len(items) > 0 {
			t.Errorf("long ago there was %v", items)
		}
	})

	t.Run("the numbers follow what happens", func(t *testing.T) {
		read := func(c Client) map[string]any { return c.Expect(t, 200, "GET", "/admin/stats?hours=1", nil).Body }
		number := func(name string) float64 { n, _ := read(operator.Client)[name].(float64); return n }
		commands, replays, refused := number("commands"), number("replays"), number("refused")
		key := Header{"Idempotency-Key", "counted-" + unique}
		ada.Email = "counted-" + unique + "@example.com"
		for range 2 {
			ada.Expect(t, 200, "POST", ada.Path("/email"), map[string]string{"email": ada.Email}, key)
		}
		ada.Refuse(t, 412, "version-mismatch", "POST", ada.Path("/email"), map[string]string{"email": changed}, Header{"If-Match", `"1"`})
		eventually(t, "all three commands are counted", func() bool {
			// A function stores its numbers at most every ten seconds, when it has been invoked.
			nobody.Refuse(t, 400, "malformed", "POST", "/auth/users", "{")
			return number("commands") >= commands+3 && number("replays") > replays && number("refused") > refused
		})
		views := map[any]bool{}
		eventually(t, "the projector's work on logins is counted", func() bool {
			auditor.LogIn(t)
			for _, lag := range read(auditor.Client)["lag"].([]any) {
				views[lag.(map[string]any)["view"]] = lag.(map[string]any)["maxMs"].(float64) > 0
			}
			return views["users"] && views["sessions"]
		})
		stats := read(auditor.Client)
		for _, name := range []string{"from", "to", "commands", "conflicts", "replays", "latency", "reads", "projected"} {
			if stats[name] == nil {
				t.Errorf("there is no %s: %v", name, stats)
			}
		}
		if latency := stats["latency"].(map[string]any); latency["p50Ms"].(float64) <= 0 || latency["p99Ms"].(float64) < latency["p50Ms"].(float64) {
			t.Errorf("latency %v", latency)
		}
		functions := map[any]float64{}
		for _, used := range stats["capacity"].([]any) {
			functions[used.(map[string]any)["function"]] = used.(map[string]any)["writeUnits"].(float64)
		}
		if functions["command-auth"] < 3 || functions["projector"] < 3 {
			t.Errorf("capacity %v", stats["capacity"])
		}
		ada.Refuse(t, 404, "not-found", "GET", "/admin/stats", nil)
		nobody.Refuse(t, 401, "unauthenticated", "GET", "/admin/stats", nil)
		operator.Refuse(t, 400, "malformed", "GET", "/admin/stats?hours=x", nil)
	})

	t.Run("what cannot be read is refused", func(t *testing.T) {
		for _, route := range []string{"/admin/streams", path, "/admin/audit"} {
			for _, query := range []string{"cursor=!", "cursor=eA", "limit=0"} {
				operator.Refuse(t, 400, "malformed", "GET", route+"?"+query, nil)
			}
		}
		operator.Refuse(t, 400, "malformed", "GET", "/admin/audit?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", nil)
		operator.Expect(t, 404, "GET", "/admin/streams/%ff%23x", nil)
		operator.Expect(t, 200, "GET", "/admin/streams?prefix=%ff", nil)
	})

	t.Run("people see their own logins", func(t *testing.T) {
		ada.LogIn(t)
		eventually(t, "both logins are listed", func() bool {
			sessions := ada.items(t, "/auth/sessions?limit=1")
			for _, s := range sessions {
				if s["userId"] != ada.ID || s["id"] == "" || s["client"] == "" || s["createdAt"] == nil || s["expiresAt"] == nil {
					t.Fatalf("a login is %v", s)
				}
			}
			return len(sessions) == 2
		})
		nobody.Refuse(t, 401, "unauthenticated", "GET", "/auth/sessions", nil)
		for _, query := range []string{"cursor=!", "cursor=eA", "limit=x"} {
			ada.Refuse(t, 400, "malformed", "GET", "/auth/sessions?"+query, nil)
		}
	})
}

// pages reads all pages of a list, or the one page of what is none, as they are sent.
func (c Client) pages(t testing.TB, path string) (all []string) {
	t.Helper()
	joint := "?"
	if strings.Contains(path, "?") {
		joint = "&"
	}
	for cursor := ""; ; {
		a := c.Expect(t, 200, "GET", path+cursor, nil)
		all = append(all, a.Raw)
		next := a.Text("nextCursor")
		if next == "" {
			return all
		}
		cursor = joint + "cursor=" + next
	}
}

// items reads a whole list.
func (c Client) items(t testing.TB, path string) (all []map[string]any) {
	t.Helper()
	for _, page := range c.pages(t, path) {
		var body struct{ Items []map[string]any }
		if err := json.Unmarshal([]byte(page), &body); err != nil {
			t.Fatal(err)
		}
		all = append(all, body.Items...)
	}
	return all
}

// eventually waits for what the projector brings about.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for start := time.Now(); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Since(start) > patience {
			t.Fatalf("it did not come to pass that %s", what)
		}
	}
}
