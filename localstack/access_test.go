package main

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/topology"
	"github.com/interview-sandbox/annals/localstack/scenario"
	"github.com/interview-sandbox/annals/localstack/stacktest"
)

var update = flag.Bool("update", false, "write testdata/access.txt anew")

// accessTable is what every caller is answered on every route.
const accessTable = "testdata/access.txt"

// owned makes one of Ada's objects and gives its id, by the paths that name such objects. A
// route with another path has to be given its object here.
var owned = map[string]func(t *testing.T, ada scenario.Person) string{
	"/auth/users/{id}":    func(_ *testing.T, ada scenario.Person) string { return ada.ID },
	"/users/{id}":         func(_ *testing.T, ada scenario.Person) string { return ada.ID },
	"/auth/sessions/{id}": func(t *testing.T, ada scenario.Person) string { return scenario.SessionOf(t, ada.Token) },
	"/files/{id}":         func(t *testing.T, ada scenario.Person) string { return ada.UploadFile(t, "Almagest.txt", "hers") },
	"/payments/{id}": func(t *testing.T, ada scenario.Person) string {
		order := map[string]any{"amount": 1000, "currency": "EUR", "method": "approve", "capture": "manual", "description": "An astrolabe"}
		id := ada.Expect(t, 202, "POST", "/payments", order, scenario.Header{Name: "Idempotency-Key", Value: "hers"}).Text("id")
		eventually(t, "it is authorized", func() bool {
			return ada.Expect(t, 200, "GET", "/payments/"+id, nil).Text("status") == "authorized"
		})
		ada.Expect(t, 202, "POST", "/payments/"+id+"/capture", map[string]any{"amount": 1000})
		eventually(t, "it is captured", func() bool {
			return ada.Expect(t, 200, "GET", "/payments/"+id, nil).Text("status") == "captured"
		})
		ada.Expect(t, 202, "POST", "/payments/"+id+"/refunds", map[string]any{"amount": 1, "reason": "Rust on the rete"})
		eventually(t, "a part of it is paid back", func() bool {
			return ada.Expect(t, 200, "GET", "/payments/"+id, nil).Text("status") == "partially_refunded"
		})
		return id
	},
	"/notifications/{id}": func(t *testing.T, ada scenario.Person) (id string) {
		eventually(t, "Ada is told something", func() bool {
			items, _ := ada.Expect(t, 200, "GET", "/notifications", nil).Body["items"].([]any)
			if len(items) > 0 {
				id = items[0].(map[string]any)["id"].(string)
			}
			return id != ""
		})
		return id
	},
}

// adasOwn are the values that tell something about Ada.
var adasOwn = []string{"hypatia@example.com", "ada@example.com", "Ada of Alexandria", "Hypatia of Alexandria", "el-CY", "Astrolabe/1", "Almagest", "An astrolabe", "Rust on the rete", "Too many stars"}

// asked is a body that would be accepted from somebody who may, by route. Every route with a
// body has to be given one here, as a refused body proves nothing. {caller} is who sends it.
var asked = map[string]string{
	"POST /auth/users":                   `{"email": "{caller}-2@example.com", "password": "correct horse battery", "name": "Second"}`,
	"POST /auth/login":                   `{"email": "eve@example.com", "password": "correct horse battery"}`,
	"POST /auth/token":                   `{"refreshToken": "none"}`,
	"POST /auth/email/verify":            `{"token": "none"}`,
	"POST /auth/password/forgot":         `{"email": "nobody-at-all@example.com"}`,
	"POST /auth/password/reset":          `{"token": "none", "new": "correct horse staple"}`,
	"POST /auth/users/{id}/email":        `{"email": "stolen@example.com"}`,
	"POST /auth/users/{id}/password":     `{"current": "correct horse battery", "new": "correct horse staple"}`,
	"PATCH /users/{id}":                  `{"name": "Eve"}`,
	"POST /users/{id}/suspend":           `{"reason": "spite"}`,
	"POST /files":                        `{"name": "own.txt", "size": 3, "contentType": "text/plain", "sha256": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"}`,
	"PATCH /files/{id}":                  `{"name": "stolen.txt"}`,
	"PUT /files/{id}/shares/{userId}":    `{"permission": "write"}`,
	"POST /payments":                     `{"amount": 1000, "currency": "EUR", "method": "approve", "capture": "manual"}`,
	"POST /payments/{id}/capture":        `{}`,
	"POST /payments/{id}/refunds":        `{"amount": 1, "reason": "spite"}`,
	"PUT /notifications/preferences":     `{"email": {}, "inApp": {}}`,
	"POST /admin/parked/redrive":         `{}`,
	"POST /payments/webhooks/{provider}": `{}`,
}

// others are the values of path parameters that name no object of a person.
var others = map[string]string{"view": "accounts", "role": "auditor", "provider": "sandbox"}

// ends are routes after which others would be answered otherwise: they are tried last, in this order.
var ends = []string{
	"PUT /files/{id}/shares/{userId}", "DELETE /files/{id}/shares/{userId}",
	"POST /admin/views/{view}/rebuild", "DELETE /users/{id}/roles/{role}", "DELETE /files/{id}", "POST /files/{id}/restore",
	"POST /auth/logout-all", "POST /users/{id}/suspend", "POST /users/{id}/reactivate", "DELETE /users/{id}",
}

// smuggled is a request of Eve's own whose body names an object of Ada's, by route. Every
// route whose body names an object has to be given one here.
var smuggled = map[string]func(eve scenario.Person, objects map[string]string) (path string, body any, status int){
	"PATCH /users/{id}": func(eve scenario.Person, objects map[string]string) (string, any, int) {
		return "/users/" + eve.ID, map[string]string{"avatarFileId": objects["/files/{id}"]}, 422
	},
}

// access is the names of the kinds of access in the table.
var access = map[api.Access]string{api.Public: "public", api.SignedIn: "signed in", api.Self: "self", api.Staff: "staff"}

// caller is a column of the table.
type caller struct {
	name string
	scenario.Client
	foreign bool // may change nothing of Ada's
}

func TestEveryCallerIsAnsweredOnEveryRouteAsTheTableSays(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	operator, auditor, eve := operatorOf(t, s), auditorOf(t, s), scenario.Register(t, s.URL(), "eve@example.com")
	ada := hypatia(t, s, operator)
	mallory := scenario.Register(t, s.URL(), "mallory@example.com")
	operator.Expect(t, 200, "POST", "/users/"+mallory.ID+"/suspend", map[string]string{"reason": "spam"})
	callers := []caller{
		{"no token", scenario.Client{URL: s.URL()}, true},
		{"bad token", scenario.Client{URL: s.URL(), Token: eve.Token[:len(eve.Token)-4] + "AAAA"}, true},
		{"stranger", eve.Client, true},
		{"suspended stranger", mallory.Client, true},
		{"auditor", auditor.Client, true},
		{"operator", operator.Client, false},
		{"owner", ada.Client, false},
	}
	objects := map[string]string{}
	for path, make := range owned {
		objects[path] = make(t, ada)
	}
	routes := topology.API()
	paths := map[string]string{}
	for _, r := range routes {
		path, ok := pathTo(r, ada, eve, objects)
		if !ok {
			t.Fatalf("%s: owned, in access_test.go, has no object of Ada's for its path", r.Key())
		}
		if _, ok := asked[r.Key()]; r.In != nil && !ok {
			t.Fatalf("%s: asked, in access_test.go, has no body for it that would be accepted", r.Key())
		}
		if access[r.Access] == "" {
			t.Errorf("%s does not declare who may send it", r.Key())
		}
		paths[r.Key()] = path
		if !r.Command && (r.Access == api.Self || r.Access == api.SignedIn) {
			eventually(t, "Ada sees what is hers at "+path, func() bool { return answered(t, ada.Client, r, path) })
		}
	}
	cells := map[string]map[string]string{}
	ask := func(c caller, r api.Route) {
		body := any(nil)
		if text, ok := asked[r.Key()]; ok {
			body = strings.ReplaceAll(text, "{caller}", strings.ReplaceAll(c.name, " ", "-"))
		}
		var headers []scenario.Header
		if r.Key() == "POST /payments" {
			headers = append(headers, scenario.Header{Name: "Idempotency-Key", Value: "own"})
		}
		a, err := c.Send(t.Context(), r.Method, paths[r.Key()], body, headers...)
		if err != nil {
			t.Errorf("%s as %s: %v", r.Key(), c.name, err)
		}
		if cells[r.Key()] == nil {
			cells[r.Key()] = map[string]string{}
		}
		cells[r.Key()][c.name] = strings.TrimSpace(fmt.Sprint(a.Status, " ", strings.TrimPrefix(a.Text("type"), "/problems/")))
		if c.foreign {
			expectNone(t, fmt.Sprintf("what %s tells the %s", r.Key(), c.name), a.Raw, adasOwn)
		}
		if c.name == "stranger" && len(r.PathParams()) == 0 {
			expectNone(t, "what "+r.Key()+" tells the stranger", a.Raw, slices.Collect(maps.Values(objects)))
		}
	}
	// First those who may change nothing of Ada's, on all that is not their own.
	before := commits(t, s)
	for _, r := range routes {
		for _, c := range callers {
			if c.foreign && (r.Access == api.Staff || r.Access != api.Public && len(r.PathParams()) > 0) {
				ask(c, r)
			}
		}
		if r.In != nil && namesObject(r.In) {
			smuggle, ok := smuggled[r.Key()]
			if !ok {
				t.Errorf("%s: its body names an object, and the test does not try one of Ada's", r.Key())
				continue
			}
			path, body, status := smuggle(eve, objects)
			eve.Expect(t, status, r.Method, path, body)
		}
	}
	for place, actor := range commits(t, s) {
		if _, ok := before[place]; !ok && !strings.HasPrefix(actor, "system:") {
			t.Errorf("%s has written version %d of %s", actor, place.Version, place.Stream)
		}
	}
	// Then all else. What a route's body does not declare, nobody may send.
	slices.SortStableFunc(routes, func(a, b api.Route) int { return slices.Index(ends, a.Key()) - slices.Index(ends, b.Key()) })
	for _, r := range routes {
		if r.In != nil {
			c := ada.Client
			if r.Access == api.Staff {
				c = operator.Client
			}
			c.Refuse(t, 400, "malformed", r.Method, paths[r.Key()], `{"roles":["operator"]}`)
		}
		for _, c := range callers {
			if cells[r.Key()][c.name] == "" {
				ask(c, r)
			}
		}
	}
	compareAccess(t, callers, cells)
}

// hypatia is Ada with all that can be told about her.
func hypatia(t *testing.T, s *stacktest.Stack, operator scenario.Person) scenario.Person {
	t.Helper()
	nobody := scenario.Client{URL: s.URL()}
	ada := scenario.Person{Client: nobody, Email: "hypatia@example.com", Password: "correct horse battery"}
	ada.ID = nobody.Expect(t, 201, "POST", "/auth/users", map[string]string{"email": ada.Email, "password": ada.Password, "name": "Hypatia of Alexandria"}).Text("id")
	a := nobody.Expect(t, 200, "POST", "/auth/login", map[string]string{"email": ada.Email, "password": ada.Password}, scenario.Header{Name: "User-Agent", Value: "Astrolabe/1"})
	ada.Token = a.Text("accessToken")
	operator.Expect(t, 200, "POST", "/users/"+ada.ID+"/suspend", map[string]string{"reason": "Too many stars"})
	operator.Expect(t, 200, "POST", "/users/"+ada.ID+"/reactivate", nil)
	a = nobody.Expect(t, 200, "POST", "/auth/login", map[string]string{"email": ada.Email, "password": ada.Password}, scenario.Header{Name: "User-Agent", Value: "Astrolabe/1"})
	ada.Token = a.Text("accessToken")
	ada.Expect(t, 200, "PATCH", "/users/"+ada.ID, map[string]string{"name": "Ada of Alexandria", "locale": "el-CY"})
	ada.Expect(t, 200, "POST", ada.Path("/email"), map[string]string{"email": "ada@example.com"})
	ada.Email = "ada@example.com"
	return ada
}

// compareAccess holds the answers to the table in the repository.
func compareAccess(t *testing.T, callers []caller, cells map[string]map[string]string) {
	t.Helper()
	var got bytes.Buffer
	got.WriteString("What each caller is answered on each route, with an object of the owner's where the path names one.\n" +
		"go test ./localstack -run AsTheTableSays -update writes this anew.\n\n")
	w := tabwriter.NewWriter(&got, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "route\tdeclared")
	for _, c := range callers {
		fmt.Fprint(w, "\t", c.name)
	}
	routes := topology.API()
	slices.SortFunc(routes, func(a, b api.Route) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	for _, r := range routes {
		fmt.Fprint(w, "\n", r.Key(), "\t", access[r.Access])
		for _, c := range callers {
			fmt.Fprint(w, "\t", cells[r.Key()][c.name])
		}
	}
	fmt.Fprintln(w)
	w.Flush()
	if *update {
		if err := os.WriteFile(accessTable, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(accessTable)
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]bool{}
	for line := range strings.Lines(string(want)) {
		lines[line] = true
	}
	for line := range strings.Lines(got.String()) {
		if !lines[line] {
			t.Errorf("%s does not have: %s", accessTable, line)
		}
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Error("the answers are not those of the table: go test ./localstack -run AsTheTableSays -update writes it anew")
	}
}

// pathTo fills in a route's path with what is Ada's, and Eve as whom she shares it with. ok is
// false if that is not known.
func pathTo(r api.Route, ada, eve scenario.Person, objects map[string]string) (path string, ok bool) {
	path = r.Path
	for collection, id := range objects {
		if path == collection || strings.HasPrefix(path, collection+"/") {
			path = strings.Replace(path, "{id}", id, 1)
		}
	}
	for name, value := range others {
		path = strings.Replace(path, "{"+name+"}", value, 1)
	}
	path = strings.NewReplacer("{userId}", eve.ID, "{stream}", url.PathEscape("user#"+ada.ID)).Replace(path)
	return path, !strings.Contains(path, "{")
}

// answered reports whether a read goes well: in time, what a view shows.
func answered(t *testing.T, c scenario.Client, r api.Route, path string) bool {
	a, err := c.Send(t.Context(), r.Method, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a.Status == http.StatusOK || a.Status == http.StatusFound
}

// namesObject reports whether a body has a field with an id.
func namesObject(body reflect.Type) bool {
	for _, f := range reflect.VisibleFields(body) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "id" || strings.HasSuffix(name, "Id") {
			return true
		}
	}
	return false
}

// commits lists who has written what.
func commits(t *testing.T, s *stacktest.Stack) map[es.Place]string {
	t.Helper()
	actors := map[es.Place]string{}
	for page, err := range eventsOf(s).Scan(t.Context(), 0, 1, nil) {
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Commits {
			actors[item.Place()] = item.Commit.Actor
		}
	}
	return actors
}
