package app

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	random "math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/stats"
	"github.com/interview-sandbox/annals/localstack/dynoxide"
	"github.com/interview-sandbox/annals/localstack/tables"
)

// logins are the functions for accounts on a database of their own.
type logins struct {
	config     Config
	auth, user lambda.Handler
	networks   int // that have been used
}

const (
	known    = "correct horse battery"
	mistaken = "correct horse staple"
	office   = "office@example.com" // the operator's
)

func startLogins(t *testing.T) *logins {
	t.Helper()
	server, err := dynoxide.Start(t.Context(), dynoxide.Options{Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	c := Config{
		Prefix: "annals", Region: "us-east-1", Endpoint: server.URL(), KeyFile: filepath.Join(t.TempDir(), "key"), SigningFiles: []string{filepath.Join(t.TempDir(), "1.pem")},
		Credentials: aws.CredentialsProviderFunc(newSystem(Config{}).Credentials.Retrieve),
		Now:         time.Now, Rand: rand.Reader, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	client := dynamo.NewClient(dynamo.Settings{Region: c.Region, Endpoint: c.Endpoint, Credentials: c.Credentials})
	if err := tables.Create(t.Context(), client, c.Prefix); err != nil {
		t.Fatal(err)
	}
	if err := Bootstrap(t.Context(), c, office, known); err != nil {
		t.Fatal(err)
	}
	auth, err := CommandAuth(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	user, err := CommandUser(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return &logins{config: c, auth: auth.Handler, user: user.Handler}
}

// answer is what came of a request.
type answer struct {
	events.APIGatewayV2HTTPResponse
	body map[string]any
	cost stats.Cost
	time time.Duration
}

// send sends a POST as API Gateway does; operator says whether it is one who asks.
func (l *logins) send(t *testing.T, h lambda.Handler, route, network string, operator bool, id string, body map[string]string) (a answer) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	in := events.APIGatewayV2HTTPRequest{RouteKey: route, RawPath: strings.TrimPrefix(route, "POST "), Body: string(text), PathParameters: map[string]string{"id": id}}
	in.RequestContext.HTTP.Method, in.RequestContext.HTTP.SourceIP = "POST", network
	if operator {
		in.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{Lambda: map[string]any{"caller": operatorID(office), "roles": "operator"}}
	}
	payload, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	ctx, record := stats.Begin(t.Context())
	begun := time.Now()
	out, err := h.Invoke(ctx, payload)
	a.time, a.cost = time.Since(begun), record.Cost()
	if err == nil {
		err = json.Unmarshal(out, &a.APIGatewayV2HTTPResponse)
	}
	if err == nil {
		err = json.Unmarshal([]byte(a.Body), &a.body)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// network gives an address of a network that has not been used yet.
func (l *logins) network() string {
	l.networks++
	return fmt.Sprintf("198.18.%d.%d", l.networks/250, l.networks%250+1)
}

// person gives an address of which there is an active account, a suspended one, or none.
func (l *logins) person(t *testing.T, who string, numbers ...int) (email string) {
	t.Helper()
	for _, n := range numbers {
		email += fmt.Sprint(n, ".")
	}
	email += who + "@example.com"
	if who == "unknown" {
		return email
	}
	a := l.send(t, l.auth, "POST /auth/users", l.network(), false, "", map[string]string{"email": email, "password": known, "name": "Ada"})
	if a.StatusCode != 201 {
		t.Fatalf("%d %s", a.StatusCode, a.Body)
	}
	if who == "active" {
		return email
	}
	id := a.body["id"].(string)
	if a := l.send(t, l.user, "POST /users/{id}/suspend", l.network(), true, id, map[string]string{"reason": "spam"}); a.StatusCode != 200 {
		t.Fatalf("%d %s", a.StatusCode, a.Body)
	}
	return email
}

func (l *logins) try(t *testing.T, email, password, network string) answer {
	t.Helper()
	return l.send(t, l.auth, "POST /auth/login", network, false, "", map[string]string{"email": email, "password": password})
}

// tells is what an answer says apart from when and where it was asked.
func (a answer) tells() string {
	delete(a.body, "correlationId")
	return fmt.Sprint(a.StatusCode, a.Headers["Content-Type"], a.Headers["WWW-Authenticate"], a.Headers["ETag"], a.body, a.cost.RoundTrips)
}

// The cases of a login that is refused, each with a few accounts because of the limits.
var refusedLogins = [...]struct{ who, password string }{
	{"unknown", known}, {"active", mistaken}, {"suspended", known}, {"suspended", mistaken},
}

const (
	accounts = 4   // of each kind
	timed    = 200 // tries of each case
	runs     = 3   // so that what comes by chance comes about equally often to each case
)

func TestALoginThatIsRefusedTakesEquallyLongWhateverIsWrong(t *testing.T) {
	l := startLogins(t)
	var times [len(refusedLogins)][]float64 // ms
	apart := 1.0
	for run := range runs {
		l.measure(t, run, &times)
		apart = report(t, times)
	}
	if apart >= 0.05 {
		t.Errorf("a stranger can tell the cases apart by their time")
	}
}

// measure tries every case so many times more.
func (l *logins) measure(t *testing.T, run int, times *[len(refusedLogins)][]float64) {
	t.Helper()
	var addresses [len(refusedLogins)][accounts]string
	for i, c := range refusedLogins {
		for n := range accounts {
			addresses[i][n] = l.person(t, c.who, run, i, n)
		}
	}
	first := ""
	for n := range timed + accounts {
		// In turn, but in another order each time: a hash leaves work to the garbage collector that
		// the next one pays for.
		for _, i := range random.Perm(len(refusedLogins)) {
			c := refusedLogins[i]
			a := l.try(t, addresses[i][n%accounts], c.password, l.network())
			if n < accounts {
				continue // now everything about the account is loaded
			}
			if first == "" {
				first = a.tells()
			}
			if a.StatusCode != 401 || a.tells() != first {
				t.Fatalf("%v: %s, and before that %s", c, a.tells(), first)
			}
			times[i] = append(times[i], float64(a.time.Microseconds())/1000)
		}
	}
}

// report gives by how much the medians of the cases differ, each time taken against those of the
// other cases in its turn, so that it does not matter when the machine has other work.
func report(t *testing.T, times [len(refusedLogins)][]float64) (apart float64) {
	t.Helper()
	low, high := math.Inf(1), 0.0
	for i, c := range refusedLogins {
		relative := make([]float64, len(times[i]))
		for n := range relative {
			turn := 0.0
			for _, all := range times {
				turn += all[n] / float64(len(times))
			}
			relative[n] = times[i][n] / turn
		}
		m := median(relative)
		low, high = min(low, m), max(high, m)
		t.Logf("%-10s %-22s %d tries, median %6.2f ms, %5.1f%% of its turn", c.who, c.password, len(times[i]), median(times[i]), 100*m)
	}
	t.Logf("the medians are %.1f%% apart", 100*(high/low-1))
	return high/low - 1
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

func TestATooManyTriesTellsNothingAboutAnAccount(t *testing.T) {
	l := startLogins(t)
	first := ""
	for i, c := range refusedLogins {
		email, network := l.person(t, c.who, i), l.network()
		for range 10 {
			l.try(t, email, mistaken, network)
		}
		for _, password := range []string{known, mistaken} {
			a := l.try(t, email, password, network)
			if first == "" {
				first = a.tells()
			}
			if a.StatusCode != 429 || a.Headers["Retry-After"] == "" || a.tells() != first {
				t.Errorf("%s: %s, and before that %s", c.who, a.tells(), first)
			}
		}
	}
}

func TestWhatLoginsCost(t *testing.T) {
	l := startLogins(t)
	email, network := l.person(t, "active"), l.network()
	l.try(t, email, known, network)
	for _, c := range []struct {
		name, password string
		limit          stats.Cost
	}{
		{"right", known, stats.Cost{RoundTrips: 10, ReadUnits: 2, WriteUnits: 8}},
		{"wrong", mistaken, stats.Cost{RoundTrips: 5, ReadUnits: 2, WriteUnits: 3}},
	} {
		used := l.try(t, email, c.password, network).cost
		t.Logf("%-6s %d requests, %v read units, %v write units", c.name, used.RoundTrips, used.ReadUnits, used.WriteUnits)
		if used != c.limit {
			t.Errorf("%s used %+v, want %+v", c.name, used, c.limit)
		}
	}
}

func TestALoginThatGoesOnForLongIsReadFromItsSnapshot(t *testing.T) {
	l := startLogins(t)
	email, network := l.person(t, "active"), l.network()
	refreshed := l.try(t, email, known, network)
	refresh := func() {
		t.Helper()
		token, _ := refreshed.body["refreshToken"].(string)
		if refreshed = l.send(t, l.auth, "POST /auth/token", network, false, "", map[string]string{"refreshToken": token}); refreshed.StatusCode != 200 {
			t.Fatalf("%d %s", refreshed.StatusCode, refreshed.Body)
		}
	}
	var costs []stats.Cost
	for _, times := range []int{12, 240} {
		for range times {
			refresh()
		}
		l.project(t)
		cold, err := CommandAuth(t.Context(), l.config)
		if err != nil {
			t.Fatal(err)
		}
		l.auth = cold.Handler
		refresh()
		costs = append(costs, refreshed.cost)
	}
	if costs[0] != costs[1] {
		t.Errorf("for a function that has just started, a refresh costs %+v after 12 others and %+v after 253", costs[0], costs[1])
	}
}

// project has the projector follow all streams.
func (l *logins) project(t *testing.T) {
	t.Helper()
	s := newSystem(l.config)
	vault, _, err := s.vault()
	if err != nil {
		t.Fatal(err)
	}
	p := s.projector(vault)
	for page, err := range s.store().Scan(t.Context(), 0, 1, nil) {
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Commits {
			if failed := p.Project(t.Context(), []es.Commit{item.Commit}); len(failed) > 0 {
				t.Fatal(failed)
			}
		}
	}
}
