package main

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/topology"
	"github.com/interview-sandbox/annals/localstack/scenario"
	"github.com/interview-sandbox/annals/localstack/stacktest"
)

// owned makes one of Ada's objects and gives its id, by the paths that name such objects. A
// route with another path has to be given its object here.
var owned = map[string]func(t *testing.T, ada scenario.Person) string{
	"/auth/users/{id}":    func(_ *testing.T, ada scenario.Person) string { return ada.ID },
	"/users/{id}":         func(_ *testing.T, ada scenario.Person) string { return ada.ID },
	"/auth/sessions/{id}": func(t *testing.T, ada scenario.Person) string { return scenario.SessionOf(t, ada.Token) },
	"/files/{id}":         func(t *testing.T, ada scenario.Person) string { return ada.UploadFile(t, "hers.txt", "hers") },
	"/payments/{id}":      scenario.Pay,
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

// asked is a body that would be accepted from Ada, by route. Every route with a body has to be
// given one here, as a refused body proves nothing.
var asked = map[string]any{
	"POST /auth/users/{id}/email":     map[string]string{"email": "stolen@example.com"},
	"POST /auth/users/{id}/password":  map[string]string{"current": "correct horse battery", "new": "correct horse staple"},
	"PATCH /users/{id}":               map[string]string{"name": "Eve"},
	"PATCH /files/{id}":               map[string]string{"name": "stolen.txt"},
	"PUT /files/{id}/shares/{userId}": map[string]string{"permission": "write"},
	"POST /payments/{id}/capture":     map[string]any{},
	"POST /payments/{id}/refunds":     map[string]any{"reason": "spite"},
	"POST /users/{id}/suspend":        map[string]string{"reason": "spite"},
	"POST /admin/parked/redrive":      map[string]string{},
}

// others are the values of path parameters that name no object of a person.
var others = map[string]string{"view": "accounts", "role": "auditor"}

// smuggled is a request of Eve's own whose body names an object of Ada's, by route. Every
// route whose body names an object has to be given one here.
var smuggled = map[string]func(eve scenario.Person, objects map[string]string) (path string, body any, status int){
	"PATCH /users/{id}": func(eve scenario.Person, objects map[string]string) (string, any, int) {
		return "/users/" + eve.ID, map[string]string{"avatarFileId": objects["/files/{id}"]}, 422
	},
}

// unnamed are public routes with a parameter that names nothing of anybody's, with the reason.
var unnamed = map[string]string{
	"POST /payments/webhooks/{provider}": "it names who sends it, and takes only what is signed",
}

func TestNobodyReadsOrChangesWhatIsSomebodyElses(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	ada, eve := scenario.Register(t, s.URL(), "ada@example.com"), scenario.Register(t, s.URL(), "eve@example.com")
	auditor, nobody := auditorOf(t, s), scenario.Client{URL: s.URL()}
	objects := map[string]string{}
	for path, make := range owned {
		objects[path] = make(t, ada)
	}
	before := commits(t, s)
	for _, r := range topology.API() {
		path, ok := pathTo(r, ada, objects)
		if !ok {
			t.Errorf("%s: the test does not know which object of Ada's its path names", r.Key())
			continue
		}
		body, ok := asked[r.Key()]
		if named := len(r.PathParams()) > 0 || r.Access == api.Staff; named && r.In != nil && r.Access != api.Public && !ok {
			t.Errorf("%s: the test has no body that would be accepted", r.Key())
		}
		switch {
		case r.Access == api.Public:
			if _, ok := unnamed[r.Key()]; !ok && len(r.PathParams()) > 0 {
				t.Errorf("%s is public and names an object", r.Key())
			}
			continue
		case r.Access == api.Staff || len(r.PathParams()) > 0:
			eve.Refuse(t, 404, "not-found", r.Method, path, body)
			if r.Command {
				auditor.Refuse(t, 404, "not-found", r.Method, path, body)
			} else if r.Access != api.Staff {
				eventually(t, "Ada sees what is hers at "+path, func() bool { return answered(t, ada.Client, r, path) })
			}
		case !r.Command:
			a := eve.Expect(t, 200, r.Method, path, nil)
			for _, id := range append(values(objects), ada.Email) {
				if strings.Contains(a.Raw, id) {
					t.Errorf("%s shows Eve something of Ada's: %s", r.Key(), a.Raw)
				}
			}
		}
		nobody.Refuse(t, 401, "unauthenticated", r.Method, path, body)
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
		if _, ok := before[place]; !ok && es.ValidID(actor) {
			t.Errorf("%s has written version %d of %s", actor, place.Version, place.Stream)
		}
	}
}

// pathTo fills in a route's path with what is Ada's. ok is false if that is not known.
func pathTo(r api.Route, ada scenario.Person, objects map[string]string) (path string, ok bool) {
	path = r.Path
	for collection, id := range objects {
		if path == collection || strings.HasPrefix(path, collection+"/") {
			path = strings.Replace(path, "{id}", id, 1)
		}
	}
	for name, value := range others {
		path = strings.Replace(path, "{"+name+"}", value, 1)
	}
	path = strings.NewReplacer("{userId}", ada.ID, "{stream}", url.PathEscape("user#"+ada.ID)).Replace(path)
	return path, !strings.Contains(path, "{") || r.Access == api.Public
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

func values(objects map[string]string) (all []string) {
	for _, id := range objects {
		all = append(all, id)
	}
	return all
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
