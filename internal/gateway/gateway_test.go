package gateway_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/auth"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
	"github.com/interview-sandbox/annals/internal/gateway"
	"github.com/interview-sandbox/annals/internal/password"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/projection/projectiontest"
	"github.com/interview-sandbox/annals/internal/stats"
	"github.com/interview-sandbox/annals/internal/stats/statstest"
	"github.com/interview-sandbox/annals/internal/trace"
	"github.com/interview-sandbox/annals/internal/user"
)

// server is the modules of accounts behind a gateway, on a store in memory.
type server struct {
	*gateway.Gateway
	store  *estest.Memory
	module *auth.Module
	log    *bytes.Buffer // a line for each request
	lines  *slog.Logger  // writes it
}

func newServer(extra ...api.Route) *server {
	s := &server{store: new(estest.Memory), log: new(bytes.Buffer)}
	now := func() time.Time { return estest.Now }
	rows := new(projectiontest.Memory)
	executor := es.Executor{Repository: es.Repository{Store: s.store}, Now: now}
	views := &projection.Reader{Store: s.store, Rows: rows, Generations: rows, Now: now}
	limits := &api.Limiter{Tries: &tries{counts: map[string]int{}, until: map[string]time.Time{}}, Key: []byte("key"), Now: now}
	module := &auth.Module{
		Executor:   executor,
		Views:      views,
		AddressKey: []byte("key"),
		Passwords:  quick{},
		Limits:     limits,
		Tokens:     plain{},
	}
	people := &user.Module{Executor: executor, Views: views}
	routes := slices.Concat(module.Routes(), people.Routes(), extra)
	s.module, s.lines = module, slog.New(slog.NewJSONHandler(s.log, nil))
	s.Gateway = &gateway.Gateway{Routes: routes, All: routes, Secret: []byte("secret"), Limits: limits, Now: now, Rand: rand.Reader}
	return s
}

// recordOf gives the record of a context, a new one if it has none.
func recordOf(ctx context.Context) (context.Context, *stats.Record) {
	if record := stats.From(ctx); record != nil {
		return ctx, record
	}
	return stats.Begin(ctx)
}

// quick hashes passwords faster than anybody should.
type quick struct{ pepper string }

func (q quick) Hash(p string) string {
	h := sha256.Sum256([]byte(p))
	return q.pepper + hex.EncodeToString(h[:])
}

func (q quick) Matches(hash, p string) (matches, today bool) {
	return strings.HasSuffix(hash, quick{}.Hash(p)), hash == q.Hash(p)
}

func (quick) Normal(p string) string { return password.Normal(p) }
func (quick) Common(p string) bool   { return password.Common(p) }

// plain issues tokens that say who they are for.
type plain struct{}

func (plain) Issue(_ context.Context, c api.Caller, _ time.Time) (string, time.Duration, error) {
	return c.ID + "/" + c.Session, time.Minute, nil
}

// call is one request; zero values are those of a request without any such thing.
type call struct {
	method, path, body string
	headers            map[string]string
	query              map[string]string
	agent              string // the program that calls
	caller             string // "" is nobody
	session            string // the caller's
	source             string // the network address
	roles              string
}

func (s *server) send(t testing.TB, c call) (events.APIGatewayV2HTTPResponse, map[string]any) {
	t.Helper()
	return s.sendIn(t.Context(), t, c)
}

func (s *server) sendIn(ctx context.Context, t testing.TB, c call) (events.APIGatewayV2HTTPResponse, map[string]any) {
	t.Helper()
	in := events.APIGatewayV2HTTPRequest{RawPath: c.path, Headers: map[string]string{}, QueryStringParameters: c.query, Body: c.body}
	maps.Copy(in.Headers, c.headers)
	in.RequestContext.HTTP.Method, in.RequestContext.HTTP.UserAgent = c.method, c.agent
	in.RequestContext.HTTP.SourceIP = c.source
	route, params := api.Match(s.All, c.method, c.path)
	in.RouteKey, in.PathParameters = "$default", params
	if route.Path != "" {
		in.RouteKey = route.Key()
	}
	if c.caller != "" {
		in.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
			Lambda: map[string]any{"caller": c.caller, "roles": c.roles, "session": c.session},
		}
	}
	ctx, record := recordOf(ctx)
	out, err := s.Handle(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	record.Log(ctx, s.lines, stats.Run{}, false)
	var body map[string]any
	if strings.Contains(out.Headers["Content-Type"], "json") {
		if err := json.Unmarshal([]byte(out.Body), &body); err != nil {
			t.Fatalf("the body is no JSON object: %s", out.Body)
		}
	}
	for _, name := range []string{"X-Correlation-Id", "Content-Security-Policy", "Referrer-Policy", "Strict-Transport-Security", "X-Content-Type-Options"} {
		if out.Headers[name] == "" {
			t.Errorf("%s %s: no %s", c.method, c.path, name)
		}
	}
	return out, body
}

// expect sends a request and demands a status, and of a refusal the whole problem document.
func (s *server) expect(t testing.TB, c call, status int, problem string) (events.APIGatewayV2HTTPResponse, map[string]any) {
	t.Helper()
	out, body := s.send(t, c)
	if out.StatusCode != status {
		t.Fatalf("%s %s: status %d, want %d: %s", c.method, c.path, out.StatusCode, status, out.Body)
	}
	if status < 400 {
		return out, body
	}
	want := map[string]any{"type": "/problems/" + problem, "status": float64(status), "title": http.StatusText(status), "instance": c.path, "correlationId": out.Headers["X-Correlation-Id"]}
	for name, v := range want {
		if body[name] != v {
			t.Errorf("%s %s: %s is %v, want %v", c.method, c.path, name, body[name], v)
		}
	}
	if body["detail"] == "" || out.Headers["Content-Type"] != "application/problem+json" {
		t.Errorf("%s %s: %v %s", c.method, c.path, out.Headers, out.Body)
	}
	return out, body
}

const ada = `{"email":"ada@example.com","password":"correct horse","name":"Ada"}`

func (s *server) register(t testing.TB) string {
	t.Helper()
	_, body := s.expect(t, call{method: "POST", path: "/auth/users", body: ada}, 201, "")
	return body["id"].(string)
}

// logIn begins a login of who has registered and gives its id.
func (s *server) logIn(t testing.TB) string {
	t.Helper()
	_, body := s.expect(t, call{method: "POST", path: "/auth/login", body: `{"email":"ada@example.com","password":"correct horse"}`}, 200, "")
	_, session, _ := strings.Cut(body["accessToken"].(string), "/")
	return session
}

func TestBodiesThatCannotBeReadAreRefusedWithAPointerToTheFault(t *testing.T) {
	s := newServer()
	for name, c := range map[string]struct{ body, pointer string }{
		"nothing":          {``, ""},
		"no JSON":          {`{"email":`, ""},
		"a list":           {`[]`, ""},
		"null":             {`null`, ""},
		"a wrong type":     {`{"email":7,"password":"correct horse","name":"Ada"}`, "/email"},
		"an array":         {`{"email":[],"password":"correct horse","name":"Ada"}`, "/email"},
		"a null":           {`{"email":null,"password":"correct horse","name":"Ada"}`, "/email"},
		"an unknown field": {`{"email":"ada@example.com","password":"correct horse","name":"Ada","admin":true}`, "/admin"},
		"another case":     {`{"Email":"ada@example.com","password":"correct horse","name":"Ada"}`, "/Email"},
		"a field twice":    {`{"email":"ada@example.com","email":"eve@example.com","password":"correct horse","name":"Ada"}`, "/email"},
		"trailing data":    {ada + `{}`, ""},
		"invalid UTF-8":    {"{\"email\":\"\xff\"}", "/email"},
	} {
		t.Run(name, func(t *testing.T) {
			_, body := s.expect(t, call{method: "POST", path: "/auth/users", body: c.body}, 400, "malformed")
			if c.pointer != "" {
				if got := pointers(body); got != c.pointer {
					t.Errorf("points to %q, want %q", got, c.pointer)
				}
			}
		})
	}
}

func pointers(body map[string]any) string {
	var all []string
	list, _ := body["errors"].([]any)
	for _, e := range list {
		all = append(all, e.(map[string]any)["pointer"].(string))
	}
	return strings.Join(all, " ")
}

func TestEveryValueThatIsNotAcceptableIsNamed(t *testing.T) {
	for body, want := range map[string]string{
		`{"email":"ada","password":"password123","name":" "}`:                                     "/email /name /password",
		`{"email":"` + strings.Repeat("a", 255) + `","password":"short","name":""}`:               "/email /password /name",
		`{"email":"ada@example.com","password":"correct horse","name":"Ada\u0000"}`:               "/name",
		`{"email":"ada@example.com","password":"correct horse","name":"Ada\nBcc: x"}`:             "/name",
		`{"email":"ada@example.com","password":"correct horse","name":"\u202egnp.exe"}`:           "/name",
		`{"email":"ada@example.com","password":"correct horse","name":"Ada\u2028Subject"}`:        "/name",
		`{"email":"ada@example.com","password":"correct horse","name":"\u200b\u200d"}`:            "/name",
		`{"email":"ada@example.com","password":"correct horse","name":"\u3164 \ufe0f"}`:           "/name",
		`{"email":"ada@example.com\nBcc: x@example.com","password":"correct horse","name":"Ada"}`: "/email",
	} {
		_, problem := newServer().expect(t, call{method: "POST", path: "/auth/users", body: body}, 422, "invalid")
		if got := pointers(problem); got != want {
			t.Errorf("%s: points to %q, want %q", body, got, want)
		}
	}
}

func TestARequestHasOnlySoMuch(t *testing.T) {
	many := func(n int) map[string]string {
		all := map[string]string{}
		for i := range n {
			all[fmt.Sprint("x", i)] = "1"
		}
		return all
	}
	s := newServer()
	s.expect(t, call{method: "GET", path: "/" + strings.Repeat("x", 2047), headers: many(100), query: many(32)}, 404, "no-such-route")
	for what, c := range map[string]call{
		"headers":               {method: "GET", path: "/x", headers: many(101)},
		"parameters":            {method: "GET", path: "/x", query: many(33)},
		"the path":              {method: "GET", path: "/" + strings.Repeat("x", 2048)},
		"the body's depth":      {method: "POST", path: "/auth/users", body: `{"email":` + strings.Repeat("[", 8) + strings.Repeat("]", 8) + `}`},
		"a body without an end": {method: "POST", path: "/auth/users", body: `{"email":` + strings.Repeat("[", 200_000)},
		"a cursor":              {method: "GET", path: "/auth/users/x/history", caller: "x", query: map[string]string{"cursor": strings.Repeat("A", 6001)}},
	} {
		t.Run(what, func(t *testing.T) {
			out, _ := s.expect(t, c, 400, "malformed")
			if len(out.Body) > 4000 {
				t.Errorf("the answer has %d bytes", len(out.Body))
			}
		})
	}
}

func TestAPasswordThatIsEasilyGuessedIsRefused(t *testing.T) {
	for _, weak := range []string{"password123", "PASSWORD123", "aaaaaaaa", "        ", "ada@example.com", "short", strings.Repeat("x", 129)} {
		_, body := newServer().expect(t, call{method: "POST", path: "/auth/users", body: `{"email":"ada@example.com","password":"` + weak + `","name":"Ada"}`}, 422, "invalid")
		if got := pointers(body); got != "/password" {
			t.Errorf("%q points to %q", weak, got)
		}
	}
}

func TestEveryLoginHasASecretOfItsOwn(t *testing.T) {
	s := newServer()
	s.register(t)
	seen := map[string]bool{}
	for _, key := range []string{"", "", "one", "two"} {
		c := call{method: "POST", path: "/auth/login", body: `{"email":"ada@example.com","password":"correct horse"}`}
		if key != "" {
			c.headers = map[string]string{"idempotency-key": key}
		}
		_, body := s.expect(t, c, 200, "")
		if token := body["refreshToken"].(string); len(token) != 64 || seen[token] {
			t.Errorf("refresh token %q", token)
		} else {
			seen[token] = true
		}
	}
	s.expect(t, call{method: "POST", path: "/auth/login", body: `{"email":" ADA@example.com "}`}, 422, "invalid")
	s.expect(t, call{method: "POST", path: "/auth/login", body: `{"email":" ADA@example.com ","password":"correct horse"}`}, 200, "")
}

// unsigned is a key that does not answer.
type unsigned struct{}

func (unsigned) Issue(context.Context, api.Caller, time.Time) (string, time.Duration, error) {
	return "", 0, &es.Error{Kind: es.Unavailable, Code: "unavailable", Message: "The signing keys cannot be used."}
}

func TestARefreshTokenIsNotUsedUpWhileNothingCanBeSigned(t *testing.T) {
	s := newServer()
	s.register(t)
	_, body := s.expect(t, call{method: "POST", path: "/auth/login", body: `{"email":"ada@example.com","password":"correct horse"}`}, 200, "")
	refresh := call{method: "POST", path: "/auth/token", body: fmt.Sprintf(`{"refreshToken":%q}`, body["refreshToken"])}
	s.module.Tokens = unsigned{}
	s.expect(t, refresh, 503, "unavailable")
	s.module.Tokens = plain{}
	if a, _ := s.expect(t, refresh, 200, ""); a.Headers["ETag"] != `"2"` {
		t.Errorf("after a refresh that failed and one that did not, the login has version %s", a.Headers["ETag"])
	}
}

func TestARequestIsAnsweredBeforeItsFunctionsTimeIsUp(t *testing.T) {
	hanging := api.Query("GET /hanging", api.Public, func(context.Context, api.Call) (api.Reply[struct{}], error) {
		select {} // does not even heed its context
	})
	s := newServer(hanging)
	ctx, cancel := context.WithTimeout(t.Context(), 550*time.Millisecond)
	defer cancel()
	in := events.APIGatewayV2HTTPRequest{RouteKey: "GET /hanging", RawPath: "/hanging"}
	in.RequestContext.HTTP.Method = "GET"
	out, err := s.Handle(ctx, in)
	if err != nil || ctx.Err() != nil || out.StatusCode != 503 || out.Headers["X-Correlation-Id"] == "" || out.Headers["Retry-After"] == "" {
		t.Errorf("status %d, error %v, context %v", out.StatusCode, err, ctx.Err())
	}
}

func TestABodyOverTheLimitIsRefused(t *testing.T) {
	s := newServer()
	s.expect(t, call{method: "POST", path: "/auth/users", body: `{"name":"` + strings.Repeat("x", 300<<10) + `"}`}, 413, "body-too-large")
	s.expect(t, call{method: "POST", path: "/auth/users", body: ada + strings.Repeat(" ", gateway.MaxBody-len(ada))}, 201, "")
}

func TestARequestThatNoRouteMatchesGetsAProblem(t *testing.T) {
	s := newServer()
	s.expect(t, call{method: "GET", path: "/nowhere"}, 404, "no-such-route")
	out, _ := s.expect(t, call{method: "DELETE", path: "/auth/users/x/email"}, 405, "method-not-allowed")
	if out.Headers["Allow"] != "POST" {
		t.Errorf("Allow is %q", out.Headers["Allow"])
	}
}

func TestOnlyTheOwnerReachesAnAccountAndOthersCannotTellThatItIsThere(t *testing.T) {
	s := newServer()
	id := s.register(t)
	read := call{method: "GET", path: "/auth/users/" + id}
	change := call{method: "POST", path: "/auth/users/" + id + "/email", session: s.logIn(t), body: `{"email":"new@example.com"}`}
	as := func(c call, caller, roles string) call { c.caller, c.roles = caller, roles; return c }
	const eve = "0197a0f0-0000-7000-8000-000000000002"

	out, _ := s.expect(t, read, 401, "unauthenticated")
	if out.Headers["Www-Authenticate"]+out.Headers["WWW-Authenticate"] == "" {
		t.Error("no WWW-Authenticate")
	}
	s.expect(t, change, 401, "unauthenticated")
	s.expect(t, as(read, eve, ""), 404, "not-found")
	s.expect(t, as(change, eve, ""), 404, "not-found")
	if _, seen := s.expect(t, as(read, eve, "auditor"), 200, ""); seen["email"] != "" || seen["name"] != "" || seen["status"] != "active" {
		t.Errorf("an auditor sees %v", seen)
	}
	history := call{method: "GET", path: read.path + "/history"}
	if out, _ := s.expect(t, as(history, eve, "auditor"), 200, ""); strings.Contains(out.Body, "ada@example.com") {
		t.Errorf("an auditor sees %s", out.Body)
	}
	s.expect(t, as(change, eve, "auditor"), 404, "not-found")
	s.expect(t, as(read, eve, "operator"), 200, "")
	s.expect(t, as(change, eve, "operator"), 403, "forbidden")
	s.expect(t, as(read, id, ""), 200, "")
	s.expect(t, as(change, id, ""), 200, "")
}

func TestIfMatchLetsACommandThroughAtItsVersionOnly(t *testing.T) {
	s := newServer()
	id := s.register(t)
	session := s.logIn(t)
	change := func(ifMatch, email string) call {
		return call{method: "POST", path: "/auth/users/" + id + "/email", caller: id, session: session, headers: map[string]string{"if-match": ifMatch}, body: `{"email":"` + email + `"}`}
	}
	s.expect(t, change(`"2"`, "a@example.com"), 412, "version-mismatch")
	out, body := s.expect(t, change(`"1"`, "a@example.com"), 200, "")
	if out.Headers["ETag"] != `"2"` || body["version"] != 2.0 || body["id"] != id {
		t.Errorf("ETag %s, body %v", out.Headers["ETag"], body)
	}
	s.expect(t, change(`"1"`, "b@example.com"), 412, "version-mismatch")
	s.expect(t, change(`*`, "b@example.com"), 200, "")
	creation := call{method: "POST", path: "/auth/users", headers: map[string]string{"if-match": `"7"`}, body: strings.Replace(ada, "ada@", "eve@", 1)}
	s.expect(t, creation, 412, "version-mismatch")
	creation.headers["if-match"] = `"0"`
	s.expect(t, creation, 201, "")
	for _, bad := range []string{`1`, `"x"`, `W/"1"`, `"-1"`, `""`} {
		s.expect(t, change(bad, "c@example.com"), 400, "malformed")
	}
}

func TestAForgedTokenDoesNotTellTheVersionOfAnAccount(t *testing.T) {
	s := newServer()
	id := es.PackID(s.register(t))
	forged := base64.RawURLEncoding.EncodeToString(slices.Concat(id[:], []byte{0, 0, 1, 0, 0, 0, 0, 0}, make([]byte, 32)))
	for path, body := range map[string]string{
		"/auth/email/verify":   `{"token":"` + forged + `"}`,
		"/auth/password/reset": `{"token":"` + forged + `","new":"correct horse staple"}`,
	} {
		for _, version := range []string{`"0"`, `"1"`, `"2"`} {
			s.expect(t, call{method: "POST", path: path, headers: map[string]string{"if-match": version}, body: body}, 422, "wrong-token")
		}
	}
}

func TestARepeatWithTheSameKeyGivesTheFirstAnswerAndChangesNothing(t *testing.T) {
	s := newServer()
	key := map[string]string{"idempotency-key": "first"}
	create := call{method: "POST", path: "/auth/users", headers: key, body: ada}
	first, _ := s.expect(t, create, 201, "")
	again := create
	again.body = `{ "name":"Ada", "password":"correct horse", "email":"ada@example.com" }`
	second, _ := s.expect(t, again, 201, "")
	if first.Body != second.Body || first.Headers["Location"] != second.Headers["Location"] || second.Headers["Idempotent-Replay"] != "true" || first.Headers["Idempotent-Replay"] != "" {
		t.Errorf("first  %v %s\nsecond %v %s", first.Headers, first.Body, second.Headers, second.Body)
	}
	other := create
	other.body = strings.Replace(ada, "Ada", "Eve", 1)
	s.expect(t, other, 422, "idempotency-key-reused")

	login := call{method: "POST", path: "/auth/login", headers: key, body: `{"email":"ada@example.com","password":"correct horse"}`}
	one, _ := s.expect(t, login, 200, "")
	two, _ := s.expect(t, login, 200, "")
	if one.Body != two.Body || two.Headers["Idempotent-Replay"] != "true" {
		t.Errorf("first  %s\nsecond %v %s", one.Body, two.Headers, two.Body)
	}
	for _, bad := range []string{"", "a b", "é", strings.Repeat("x", 256)} {
		create.headers = map[string]string{"idempotency-key": bad}
		s.expect(t, create, 400, "malformed")
	}
}

func TestEveryAnswerIsCounted(t *testing.T) {
	s := newServer()
	sums := new(statstest.Memory)
	r := &stats.Recorder{Store: sums, Function: "f", Now: s.Now}
	create := call{method: "POST", path: "/auth/users", headers: map[string]string{"idempotency-key": "k"}, body: ada}
	bad := create
	bad.body = "{"
	for _, c := range []call{create, create, bad, {method: "GET", path: "/auth/users/x"}, {method: "GET", path: "/nowhere"}} {
		ctx, record := stats.Begin(t.Context())
		s.sendIn(ctx, t, c)
		r.Add(record, s.Now())
	}
	if err := r.StoreAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	sum, err := (&stats.Reader{Store: sums, Functions: []string{"f"}}).Summary(t.Context(), s.Now(), s.Now())
	if err != nil || sum.Commands != 3 || sum.Accepted != 2 || sum.Replays != 1 || sum.Refused != 1 || sum.Reads != 2 {
		t.Errorf("%+v, error %v", sum, err)
	}
}

func TestReadsAnswerConditionsAndMoments(t *testing.T) {
	s := newServer()
	id := s.register(t)
	read := call{method: "GET", path: "/auth/users/" + id, caller: id}
	with := func(query, headers map[string]string) call { read.query, read.headers = query, headers; return read }
	out, body := s.expect(t, with(nil, nil), 200, "")
	if out.Headers["ETag"] != `"1"` || out.Headers["Vary"] != "Authorization" || body["email"] != "ada@example.com" || body["version"] != 1.0 {
		t.Errorf("headers %v, body %v", out.Headers, body)
	}
	for _, tag := range []string{`"1"`, `W/"1"`, `"7", "1"`, `*`} {
		out, _ := s.expect(t, with(nil, map[string]string{"if-none-match": tag}), 304, "")
		if out.Body != "" || out.Headers["ETag"] != `"1"` || out.Headers["Vary"] != "Authorization" {
			t.Errorf("If-None-Match %s: %v %s", tag, out.Headers, out.Body)
		}
	}
	s.expect(t, with(nil, map[string]string{"if-none-match": `"2"`}), 200, "")
	s.expect(t, with(map[string]string{"version": "2"}, nil), 404, "not-found")
	s.expect(t, with(map[string]string{"at": "2026-01-02T03:04:04Z"}, nil), 404, "not-found")
	s.expect(t, with(map[string]string{"at": "2026-01-02T04:04:05+01:00"}, nil), 200, "")
	for _, bad := range []map[string]string{{"version": "x"}, {"version": "0"}, {"version": "-1"}, {"at": "noon"}, {"atLeast": "1.5"}, {"version": "1", "at": "2026-01-02T03:04:05Z"}} {
		s.expect(t, with(bad, nil), 400, "malformed")
	}
	s.expect(t, call{method: "GET", path: "/auth/users/x", caller: "x"}, 404, "not-found")
}

func TestHistoryTellsWhoDidWhatWithoutSecrets(t *testing.T) {
	s := newServer()
	id := s.register(t)
	s.expect(t, call{method: "POST", path: "/auth/users/" + id + "/email", caller: id, session: s.logIn(t), headers: map[string]string{"x-correlation-id": "my-request"}, body: `{"email":"new@example.com"}`}, 200, "")
	read := call{method: "GET", path: "/auth/users/" + id + "/history", caller: id, query: map[string]string{"limit": "1"}}
	out, first := s.expect(t, read, 200, "")
	if strings.Contains(out.Body, "passwordHash") {
		t.Errorf("the password's hash is shown: %s", out.Body)
	}
	read.query["cursor"] = first["nextCursor"].(string)
	_, second := s.expect(t, read, 200, "")
	item := func(page map[string]any) map[string]any { return page["items"].([]any)[0].(map[string]any) }
	if got := item(first); got["type"] != "user.created.v1" || got["version"] != 1.0 || got["actor"] != "anonymous" || got["at"] != "2026-01-02T03:04:05Z" {
		t.Errorf("first item %v", got)
	}
	if got := item(second); got["type"] != "user.email-changed.v1" || got["actor"] != id || got["correlationId"] != "my-request" || got["data"].(map[string]any)["new"] != "new@example.com" {
		t.Errorf("second item %v", got)
	}
	if second["nextCursor"] != nil {
		t.Errorf("the last page has the cursor %v", second["nextCursor"])
	}
	read.query = map[string]string{"order": "desc"}
	_, newest := s.expect(t, read, 200, "")
	if got := item(newest); got["version"] != 2.0 {
		t.Errorf("the newest item is %v", got)
	}
	for _, bad := range []map[string]string{{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"cursor": "!"}, {"cursor": "eA"}, {"cursor": "MC4w"}, {"cursor": "MS4wIA"}, {"order": "up"}} {
		read.query = bad
		s.expect(t, read, 400, "malformed")
	}
}

func TestWhatGoesWrongInsideStaysInside(t *testing.T) {
	const internal = "table annals-events is on fire"
	failing := api.Query("GET /failing", api.Public, func(context.Context, api.Call) (api.Reply[struct{}], error) {
		return api.Reply[struct{}]{}, errors.New(internal)
	})
	panicking := api.Query("GET /panicking", api.Public, func(context.Context, api.Call) (api.Reply[struct{}], error) {
		panic(internal)
	})
	s := newServer(failing, panicking)
	for _, path := range []string{"/failing", "/panicking"} {
		out, _ := s.expect(t, call{method: "GET", path: path}, 500, "internal")
		if strings.Contains(out.Body, internal) {
			t.Errorf("%s shows %s", path, out.Body)
		}
		if logged := s.log.String(); !strings.Contains(logged, internal) || !strings.Contains(logged, out.Headers["X-Correlation-Id"]) {
			t.Errorf("%s is logged as %s", path, logged)
		}
	}
}

func TestAnUnknownOutcomeAsksForARepeat(t *testing.T) {
	s := newServer()
	s.store.Fail(estest.Before, estest.Before, estest.Before)
	out, _ := s.expect(t, call{method: "POST", path: "/auth/users", body: ada}, 503, "unavailable")
	if out.Headers["Retry-After"] == "" {
		t.Error("no Retry-After")
	}
}

func TestCorrelationIdsOfOthersAreTakenIfTheyAreSane(t *testing.T) {
	s := newServer()
	for given, taken := range map[string]bool{"trace-1.a:b_c": true, "a b": false, "<script>": false, strings.Repeat("x", 65): false} {
		out, _ := s.expect(t, call{method: "GET", path: "/nowhere", headers: map[string]string{"x-correlation-id": given}}, 404, "no-such-route")
		if got := out.Headers["X-Correlation-Id"]; (got == given) != taken || !taken && !es.ValidID(got) {
			t.Errorf("%q became %q", given, got)
		}
	}
}

func TestWhatARequestSaysOfItselfIsFitToBeStored(t *testing.T) {
	var got api.Call
	s := newServer(api.Query("GET /echo", api.Public, func(_ context.Context, call api.Call) (r api.Reply[struct{}], err error) {
		got = call
		return r, nil
	}))
	long := strings.Repeat("x", 199)
	for _, c := range []struct{ agent, kept string }{
		{"", ""}, {"curl/8.5.0", "curl/8.5.0"}, {long + "y", long + "y"}, {long + "yz", long + "y"}, {long + "é", long}, {"a\xffb", "ab"},
	} {
		s.expect(t, call{method: "GET", path: "/echo", agent: c.agent}, 200, "")
		if got.Client != c.kept {
			t.Errorf("the program %q is kept as %q, want %q", c.agent, got.Client, c.kept)
		}
	}
}

func TestARequestIsASpanOfTheTraceThatItComesFromOrBeginsOne(t *testing.T) {
	var own trace.Context
	s := newServer(api.Query("GET /echo", api.Public, func(_ context.Context, call api.Call) (r api.Reply[struct{}], err error) {
		own, _ = trace.Parse(call.Meta.Trace)
		return r, nil
	}))
	const whole, state = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "rojo=00f067aa0ba902b7"
	parent, _ := trace.Parse(whole)
	for sent, isPart := range map[string]bool{whole: true, "": false, whole[1:]: false, strings.Replace(whole, "0af7", "0AF7", 1): false} {
		ctx, record := stats.Begin(t.Context())
		out, _ := s.sendIn(ctx, t, call{method: "GET", path: "/echo", headers: map[string]string{"traceparent": sent, "tracestate": state}})
		if own == (trace.Context{}) || own.Span == parent.Span || (own.Trace == parent.Trace) != isPart || own.Sampled != isPart {
			t.Errorf("traceparent %q makes a span %v", sent, own)
		}
		if out.Headers["traceparent"] != "" || out.Headers["Traceparent"] != "" {
			t.Errorf("the answer has the headers %v", out.Headers)
		}
		spans := record.Spans("", stats.Run{Context: own}, rand.Reader)
		if isPart && (len(spans) != 1 || spans[0].Parent != parent.Span || spans[0].State != state || spans[0].Context != own) {
			t.Errorf("traceparent %q is told as %+v", sent, spans)
		}
		if !isPart && len(spans) > 0 {
			t.Errorf("traceparent %q is told as %+v, though nobody wants to know", sent, spans)
		}
	}
}

func TestABodyInBase64IsDecoded(t *testing.T) {
	s := newServer()
	in := events.APIGatewayV2HTTPRequest{RouteKey: "POST /auth/users", Body: base64.StdEncoding.EncodeToString([]byte(ada)), IsBase64Encoded: true}
	if out, _ := s.Handle(t.Context(), in); out.StatusCode != 201 {
		t.Errorf("status %d: %s", out.StatusCode, out.Body)
	}
	in.Body = "!"
	if out, _ := s.Handle(t.Context(), in); out.StatusCode != 400 {
		t.Errorf("status %d: %s", out.StatusCode, out.Body)
	}
}

// Whatever comes in, what goes out is a response of the contract and never a 500.
func FuzzHandle(f *testing.F) {
	const id = "0197a0f0-0000-7000-8000-000000000001"
	f.Add("POST", "/auth/users", "", "", ada, "", false)
	f.Add("POST", "/auth/users/"+id+"/email", "if-match", `"1"`, `{"email":"a@b.cd"}`, id, false)
	f.Add("POST", "/auth/users/"+id+"/password", "idempotency-key", "k", `{"current":"correct horse","new":"battery staple"}`, id, false)
	f.Add("POST", "/auth/login", "idempotency-key", "k", `{"email":"ada@example.com","password":"correct horse"}`, "", false)
	f.Add("GET", "/auth/users/"+id, "if-none-match", `"1"`, "at=2026-01-02T03:04:05Z", id, false)
	f.Add("GET", "/auth/users/"+id+"/history", "x-correlation-id", "c", "cursor=MS4w", id, true)
	f.Add("TRACE", "/auth/../users", "traceparent", "00-0-0-0", "\xff{}", "operator", true)
	f.Fuzz(func(t *testing.T, method, path, header, value, body, caller string, encoded bool) {
		s := newServer()
		s.register(t)
		in := events.APIGatewayV2HTTPRequest{RawPath: path, RouteKey: "$default", Headers: map[string]string{header: value}, Body: body, IsBase64Encoded: encoded}
		in.RequestContext.HTTP.Method = method
		if route, params := api.Match(s.All, method, path); route.Path != "" {
			in.RouteKey, in.PathParameters = route.Key(), params
		}
		if name, v, ok := strings.Cut(body, "="); ok {
			in.QueryStringParameters = map[string]string{name: v}
		}
		if caller != "" {
			in.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{Lambda: map[string]any{"caller": caller, "roles": header}}
		}
		out, err := s.Handle(t.Context(), in)
		if err != nil || out.StatusCode < 200 || out.StatusCode >= 500 {
			t.Fatalf("status %d, error %v: %s\n%s", out.StatusCode, err, out.Body, s.log)
		}
		if out.Headers["X-Correlation-Id"] == "" {
			t.Error("no correlation id")
		}
		if out.StatusCode >= 400 {
			var p gateway.Problem
			if err := json.Unmarshal([]byte(out.Body), &p); err != nil || p.Status != out.StatusCode || p.Type == "" || p.Title == "" || p.Detail == "" {
				t.Errorf("status %d with the problem %s", out.StatusCode, out.Body)
			}
		}
	})
}

func TestARawBodyComesAsItWasSentAndHeadersWithIt(t *testing.T) {
	type got struct {
		Body   string `json:"body"`
		Header string `json:"header"`
		Keyed  bool   `json:"keyed"`
	}
	s := newServer(api.Raw("POST /hooks/{sender}", api.Public, func(_ context.Context, c api.Call, body []byte) (api.Reply[got], error) {
		return api.Reply[got]{Body: got{string(body), c.Headers["the-signature"], c.Keyed()}}, nil
	}))
	const body = " {\"a\": 1,\n\"a\":2} trailing"
	for _, sent := range []string{body, ""} {
		_, answer := s.expect(t, call{method: "POST", path: "/hooks/x", body: sent, headers: map[string]string{"the-signature": "v1"}}, 200, "")
		if answer["body"] != sent || answer["header"] != "v1" || answer["keyed"] != false {
			t.Errorf("got %v", answer)
		}
	}
	_, answer := s.expect(t, call{method: "POST", path: "/hooks/x", headers: map[string]string{"idempotency-key": "k"}}, 200, "")
	if answer["keyed"] != true {
		t.Errorf("a call with a key: %v", answer)
	}
	s.expect(t, call{method: "POST", path: "/hooks/x", body: strings.Repeat("x", gateway.MaxBody+1)}, 413, "body-too-large")
}

func TestACallerMayPreferToWait(t *testing.T) {
	s := newServer(api.Command("POST /slow", api.Public, func(_ context.Context, c api.Call, _ struct{}) (api.Reply[api.Changed], error) {
		return api.Reply[api.Changed]{Waited: c.Wait()}, nil
	}))
	for prefer, want := range map[string]string{
		"": "", "wait=5": "wait=5", "Wait = 5": "wait=5", `wait="5"`: "wait=5", "respond-async, wait=5;x=y, z": "wait=5", "wait=8": "wait=8", "wait=3600": "wait=8",
		"wait=0": "", "wait=-1": "", "wait=x": "", "wait": "", "wait=99999999999999999999": "", "await=5": "",
	} {
		out, _ := s.expect(t, call{method: "POST", path: "/slow", headers: map[string]string{"prefer": prefer}}, 200, "")
		if got := out.Headers["Preference-Applied"]; got != want {
			t.Errorf("%q: Preference-Applied is %q, want %q", prefer, got, want)
		}
	}
}

func TestAnAnswerSaysHowLongAnybodyMayKeepIt(t *testing.T) {
	s := newServer(
		api.Query("GET /keys", api.Public, func(context.Context, api.Call) (api.Reply[auth.KeySet], error) {
			return api.Reply[auth.KeySet]{Fresh: 5 * time.Minute}, nil
		}),
		api.Query("GET /other", api.Public, func(context.Context, api.Call) (api.Reply[auth.KeySet], error) {
			return api.Reply[auth.KeySet]{}, nil
		}))
	for path, want := range map[string]string{"/keys": "public, max-age=300", "/other": "no-store"} {
		out, _ := s.expect(t, call{method: "GET", path: path}, 200, "")
		if got := out.Headers["Cache-Control"]; got != want || out.Body != `{"keys":[]}` { // a set without a key is one (RFC 7517, 5)
			t.Errorf("%s: Cache-Control is %q, want %q; the body is %s", path, got, want, out.Body)
		}
	}
}

func TestAHandlerSeesWhatItsRouteDeclares(t *testing.T) {
	var seen map[string]string
	s := newServer(api.Query("GET /page", api.Public, func(_ context.Context, c api.Call) (api.Reply[api.HTML], error) {
		seen = c.Query
		return api.Reply[api.HTML]{Body: "<p>&amp;</p>"}, nil
	}).Takes(api.InQuery("declared", "", "maxLength=10")))
	out, _ := s.send(t, call{method: "GET", path: "/page", query: map[string]string{"declared": "1", "other": "2"}})
	if !maps.Equal(seen, map[string]string{"declared": "1"}) {
		t.Errorf("the handler sees %v", seen)
	}
	if out.Body != "<p>&amp;</p>" || out.Headers["Content-Type"] != "text/html; charset=utf-8" {
		t.Errorf("the page is sent as %s, %s", out.Headers["Content-Type"], out.Body)
	}
}

// tries counts in memory.
type tries struct {
	mu     sync.Mutex
	counts map[string]int
	until  map[string]time.Time
}

func (t *tries) Add(_ context.Context, counts ...api.Count) (all []int, _ error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range counts {
		t.counts[c.Name] += c.N
		t.until[c.Name] = c.Until
		all = append(all, t.counts[c.Name])
	}
	return all, nil
}

func (t *tries) Until(_ context.Context, name string) (time.Time, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.until[name], nil
}
