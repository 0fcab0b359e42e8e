package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/localstack/scenario"
	"github.com/interview-sandbox/annals/localstack/stacktest"
)

var kills = flag.Int("kills", 4, "how often the stack is killed under load")

// acknowledged is what a client was told.
type acknowledged struct {
	id, email string
	version   int
}

// load is clients that use a stack which is killed now and then. Each repeats a request until
// it is answered.
type load struct {
	ctx   context.Context
	url   atomic.Value
	wg    sync.WaitGroup
	tries atomic.Int64 // requests that were answered with an error, or not at all

	mu    sync.Mutex
	kept  []acknowledged
	wrong []string
}

// ask sends a command until it is carried out. ok is false if the load ends before.
func (l *load) ask(token, path, key string, body any) (a scenario.Answer, ok bool) {
	for l.ctx.Err() == nil {
		c := scenario.Client{URL: l.url.Load().(string), Token: token}
		a, err := c.Send(l.ctx, "POST", path, body, scenario.Header{Name: "Idempotency-Key", Value: key})
		var breach *scenario.BreachError
		switch {
		case errors.As(err, &breach):
			l.mu.Lock()
			l.wrong = append(l.wrong, err.Error())
			l.mu.Unlock()
			return a, false
		case err != nil || a.Status >= 500:
			l.tries.Add(1)
			time.Sleep(10 * time.Millisecond) // the stack is down, or coming up
		case a.Status >= 300:
			l.mu.Lock()
			l.wrong = append(l.wrong, fmt.Sprintf("POST %s: %d %s", path, a.Status, a.Raw))
			l.mu.Unlock()
			return a, false
		default:
			return a, true
		}
	}
	return a, false
}

func (l *load) keep(a scenario.Answer, email string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept = append(l.kept, acknowledged{a.Text("id"), email, int(a.Body["version"].(float64))})
}

// client opens accounts, logs in, and changes addresses many times.
func (l *load) client(name string) {
	const password = "correct horse battery"
	for n := 0; ; n++ {
		email := fmt.Sprintf("%s-%d@example.com", name, n)
		created, ok := l.ask("", "/auth/users", email, map[string]string{"email": email, "password": password, "name": name})
		if !ok {
			return
		}
		l.keep(created, email)
		login, ok := l.ask("", "/auth/login", "login-"+email, map[string]string{"email": email, "password": password})
		if !ok {
			return
		}
		for i := range 15 {
			email := fmt.Sprintf("%s-%d-%d@example.com", name, n, i)
			changed, ok := l.ask(login.Text("accessToken"), "/auth/users/"+created.Text("id")+"/email", email, map[string]string{"email": email})
			if !ok {
				return
			}
			l.keep(changed, email)
		}
	}
}

// operator rebuilds views, and switches, rolls back and cancels whatever is there.
func (l *load) operator(token string, random *rand.Rand) {
	for l.ctx.Err() == nil {
		view := []string{"users", "accounts", "sessions"}[random.IntN(3)]
		command := []string{"rebuild", "rebuild", "rebuild", "switch", "switch", "rollback", "cancel"}[random.IntN(7)]
		c := scenario.Client{URL: l.url.Load().(string), Token: token}
		c.Send(l.ctx, "POST", "/admin/views/"+view+"/"+command, nil) // what is refused is
		time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
	}
}

func TestEverythingConvergesHoweverOftenTheStackIsKilled(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1))
	s := stacktest.Start(t)
	ctx, stop := context.WithCancel(t.Context())
	l := &load{ctx: ctx}
	defer l.wg.Wait()
	defer stop()
	l.url.Store(s.URL())
	for i := range 3 {
		l.wg.Go(func() { l.client(fmt.Sprint("client", i)) })
	}
	token, operators := operatorOf(t, s).Token, rand.New(rand.NewPCG(seed, 2))
	l.wg.Go(func() { l.operator(token, operators) })
	for range *kills {
		time.Sleep(time.Duration(random.IntN(1500)) * time.Millisecond) // any moment will do
		s.Kill9()
		s.Restart()
		l.url.Store(s.URL())
	}
	stop()
	l.wg.Wait()

	operator := operatorOf(t, s)
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		out, err := verified(s)
		if quiet(t, operator.Client) && err == nil && !behind.MatchString(out) {
			t.Logf("killed %d times, %d requests repeated, %d acknowledged (seed %d):\n%s", *kills, l.tries.Load(), len(l.kept), seed, out)
			break
		}
		if bad := err != nil || time.Now().After(deadline); bad {
			t.Fatalf("after %d kills (seed %d): %v\n%s", *kills, seed, err, out)
		}
	}
	for _, a := range l.kept {
		path := fmt.Sprintf("/auth/users/%s?version=%d", a.id, a.version)
		if got := operator.Expect(t, http.StatusOK, "GET", path, nil); got.Text("email") != a.email {
			t.Errorf("acknowledged %+v, and lost: %s", a, got.Raw)
		}
	}
	if len(l.kept) == 0 || len(l.wrong) > 0 {
		t.Errorf("%d acknowledged, refused: %s", len(l.kept), strings.Join(l.wrong, "\n"))
	}
}

var behind = regexp.MustCompile(`[1-9]\d* (behind|parked|of what)`)

// quiet reports whether no view is being built.
func quiet(t *testing.T, operator scenario.Client) bool {
	t.Helper()
	return !strings.Contains(operator.Expect(t, http.StatusOK, "GET", "/admin/views", nil).Raw, `"building"`)
}
