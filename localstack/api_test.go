package main

import (
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/localstack/scenario"
	"github.com/interview-sandbox/annals/localstack/stacktest"
)

func operatorOf(t *testing.T, s *stacktest.Stack) scenario.Person {
	t.Helper()
	login := s.Operator()
	return scenario.Person{Client: scenario.Client{URL: s.URL()}, Email: login.Email, Password: login.Password}.LogIn(t)
}

func TestTheAPIKeepsItsContract(t *testing.T) {
	t.Parallel()
	keepsContract(t, stacktest.Start(t))
}

func keepsContract(t *testing.T, s *stacktest.Stack) {
	t.Helper()
	operator := operatorOf(t, s)
	auditor := auditorOf(t, s)
	for _, part := range scenario.Parts() {
		part.Walk(t, s.URL(), "1", operator, auditor)
	}
	names, me := 0, operator.Expect(t, 200, "GET", "/users/me", nil).Text("id")
	eventually(t, "views have as many rows as there are streams, and tell how late they are", func() bool {
		// What an environment of the projector has counted it stores with a later invocation.
		names++
		operator.Expect(t, 200, "PATCH", "/users/"+me, map[string]string{"name": fmt.Sprint("Operator ", names)})
		for view, category := range map[string]string{"users": "user", "accounts": "user", "sessions": "session", "notifications": "notification", "files": "file", "shares": "share"} {
			v := viewOf(t, operator.Client, view)
			if v["lag"] == nil || v["rows"] != float64(streams(t, s, category)) {
				return false
			}
		}
		return true
	})
	expectCovered(t, s.URL())
	expectPrivate(t, s)
}

// streams counts the streams of a category.
func streams(t *testing.T, s *stacktest.Stack, category string) (n int) {
	t.Helper()
	for page, err := range eventsOf(s).Scan(t.Context(), 0, 1, nil) {
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Commits {
			if item.Commit.Stream.Category() == category && item.Commit.Version == 1 {
				n++
			}
		}
	}
	return n
}

func TestNoNumberIsLostWhenTheStackStops(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	scenario.Register(t, s.URL(), "ada@example.com")
	s.Terminate()
	s.Restart()
	stats := operatorOf(t, s).Expect(t, 200, "GET", "/admin/stats", nil)
	if n, _ := stats.Body["commands"].(float64); n < 3 {
		t.Errorf("after a registration and two logins: %s", stats.Raw)
	}
}

// auditorOf opens an account and gives it a role that no route gives.
func auditorOf(t *testing.T, s *stacktest.Stack) scenario.Person {
	t.Helper()
	auditor := scenario.Register(t, s.URL(), "auditor@example.com")
	store, tip := eventsOf(s), es.StartOf(es.NewStream("user", auditor.ID))
	for c, err := range store.Read(t.Context(), tip.Stream(), es.Range{}) {
		if err == nil {
			tip, err = tip.Follow(c)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	p, err := tip.Next(es.Meta{Actor: "system:test"}, time.Now(), events.UserRoleGranted{Role: api.RoleAuditor})
	if err == nil {
		err = store.Append(t.Context(), p)
	}
	if err != nil {
		t.Fatal(err)
	}
	return auditor.LogIn(t)
}

func eventsOf(s *stacktest.Stack) *dynamo.Store {
	return &dynamo.Store{Table: "annals-events", Client: dynamo.NewClient(dynamo.Settings{Region: "us-east-1", Endpoint: s.Endpoints().DynamoDB, Credentials: credentials})}
}

// together sends requests at the same time and counts their statuses.
func together(t *testing.T, n int, send func(int) (scenario.Answer, error)) map[int]int {
	t.Helper()
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		start = make(chan struct{})
		count = map[int]int{}
	)
	for i := range n {
		wg.Go(func() {
			<-start
			a, err := send(i)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			count[a.Status]++
		})
	}
	close(start)
	wg.Wait()
	return count
}

func TestOfTwentyChangesOfOneVersionOneTakesEffect(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	ada := scenario.Register(t, s.URL(), "ada@example.com")
	got := together(t, 20, func(i int) (scenario.Answer, error) {
		return ada.Send(t.Context(), "POST", ada.Path("/email"), map[string]string{"email": fmt.Sprintf("ada%d@example.com", i)}, scenario.Header{Name: "If-Match", Value: `"1"`})
	})
	if want := map[int]int{200: 1, 412: 19}; !maps.Equal(got, want) {
		t.Errorf("statuses %v, want %v", got, want)
	}
	if a := ada.Expect(t, 200, "GET", ada.Path("?atLeast=2"), nil); a.Body["version"] != 2.0 {
		t.Errorf("the account is %s", a.Raw)
	}
	expectClaims(t, s, 1)
}

func TestOfFiftyRegistrationsOfOneAddressOneTakesEffect(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	got := together(t, 50, func(n int) (a scenario.Answer, err error) {
		// Fifty passwords to hash at once can take longer than a function may. A client that is
		// told that the outcome is not known asks again.
		for a.Status = 503; err == nil && a.Status == 503; {
			a, err = scenario.Client{URL: s.URL()}.Send(t.Context(), "POST", "/auth/users",
				map[string]string{"email": "ada@example.com", "password": "correct horse battery", "name": "Ada"},
				scenario.Header{Name: "Idempotency-Key", Value: fmt.Sprint("client-", n)})
		}
		return a, err
	})
	if want := map[int]int{201: 1, 409: 49}; !maps.Equal(got, want) {
		t.Errorf("statuses %v, want %v", got, want)
	}
	expectClaims(t, s, 1)
}

// expectClaims reads the events table of a stack and demands that it has so many accounts
// besides the operator's, that each account's address is claimed for it, and that nothing
// else is.
func expectClaims(t *testing.T, s *stacktest.Stack, accounts int) {
	t.Helper()
	store := eventsOf(s)
	users, holders := map[string]bool{}, map[es.Stream]string{}
	for page, err := range store.Scan(t.Context(), 0, 1, nil) {
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Commits {
			c := item.Commit
			switch last := c.Events[len(c.Events)-1]; {
			case c.Stream.Category() == "user":
				users[c.Stream.ID()] = true
			case last.Type == "email.claimed.v1":
				holders[c.Stream] = holderOf(t, c)
			case last.Type == "email.released.v1":
				delete(holders, c.Stream)
			}
		}
	}
	if len(users) != accounts+1 || len(holders) != len(users) {
		t.Errorf("%d accounts have %d addresses, want %d of both", len(users), len(holders), accounts+1)
	}
	for stream, user := range holders {
		if !users[user] {
			t.Errorf("%s is claimed for %s, which does not exist", stream, user)
		}
		delete(users, user)
	}
}

func holderOf(t *testing.T, c es.Commit) string {
	t.Helper()
	recorded, err := c.Recorded()
	if err != nil {
		t.Fatal(err)
	}
	return recorded[len(recorded)-1].Event.(events.EmailClaimed).UserID
}
