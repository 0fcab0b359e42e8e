package gateway_test

import (
	"fmt"
	"maps"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
)

const (
	rightLogin   = `{"email":"ada@example.com","password":"correct horse"}`
	wrongLogin   = `{"email":"ada@example.com","password":"wrong horse"}`
	unknownLogin = `{"email":"nobody@example.com","password":"wrong horse"}`
)

func login(body, source string) call {
	return call{method: "POST", path: "/auth/login", body: body, source: source}
}

// network gives the n-th address, each in a network of its own.
func network(n int) string { return fmt.Sprintf("198.51.%d.%d", 100+n/200, n%200+1) }

// limited runs a test with a server that has Ada's account, without waiting.
func limited(t *testing.T, test func(t *testing.T, s *server, id string)) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		test(t, s, s.register(t))
	})
}

// attack sends a login from many networks, ten times from each, and counts what is answered.
func (s *server) attack(t *testing.T, body string, networks int) map[int]int {
	statuses := map[int]int{}
	for n := range networks {
		for range 10 {
			out, _ := s.send(t, login(body, network(n)))
			statuses[out.StatusCode]++
		}
	}
	return statuses
}

func TestManyNetworksGetAHundredPasswordsAnHourForAnAddressKnownOrNot(t *testing.T) {
	limited(t, func(t *testing.T, s *server, _ string) {
		for _, body := range []string{wrongLogin, unknownLogin} {
			if got, want := s.attack(t, body, 30), map[int]int{401: 100, 429: 200}; !maps.Equal(got, want) {
				t.Errorf("%s: statuses %v, want %v", body, got, want)
			}
		}
	})
}

func TestWhoeverAttacksAnAccountDoesNotLockItsOwnerOut(t *testing.T) {
	limited(t, func(t *testing.T, s *server, _ string) {
		const home, away = "203.0.113.1", "203.0.113.2"
		s.expect(t, login(rightLogin, home), 200, "")
		s.attack(t, wrongLogin, 30)
		s.expect(t, login(rightLogin, away), 429, "too-many-tries")
		s.expect(t, login(rightLogin, home), 200, "")
		for range 10 {
			s.expect(t, login(wrongLogin, home), 401, "wrong-login")
		}
		s.expect(t, login(wrongLogin, home), 429, "too-many-tries")
	})
}

func TestOneNetworkDoesNotUseUpWhatAllHaveForAnAccount(t *testing.T) {
	limited(t, func(t *testing.T, s *server, _ string) {
		for range 500 {
			s.send(t, login(wrongLogin, network(0)))
		}
		s.expect(t, login(rightLogin, network(1)), 200, "")
	})
}

func TestOfManyWrongPasswordsAtTheSameMomentTenAreCompared(t *testing.T) {
	limited(t, func(t *testing.T, s *server, _ string) {
		var wg sync.WaitGroup
		var mu sync.Mutex
		statuses := map[int]int{}
		for range 100 {
			wg.Go(func() {
				out, _ := s.send(t, login(wrongLogin, network(0)))
				mu.Lock()
				defer mu.Unlock()
				statuses[out.StatusCode]++
			})
		}
		wg.Wait()
		if want := map[int]int{401: 10, 429: 90}; !maps.Equal(statuses, want) {
			t.Errorf("statuses %v, want %v", statuses, want)
		}
	})
}

func TestANetworkGetsAHundredWrongPasswordsHoweverManyAccountsItTries(t *testing.T) {
	limited(t, func(t *testing.T, s *server, _ string) {
		for n := range 100 {
			s.expect(t, login(fmt.Sprintf(`{"email":"u%d@example.com","password":"wrong horse"}`, n), network(0)), 401, "wrong-login")
		}
		s.expect(t, login(rightLogin, network(0)), 429, "too-many-tries")
		s.expect(t, login(rightLogin, network(1)), 200, "")
	})
}

func TestRightPasswordsUseUpNoLimit(t *testing.T) {
	limited(t, func(t *testing.T, s *server, _ string) {
		for range 110 {
			s.expect(t, login(rightLogin, network(0)), 200, "")
		}
	})
}

func TestAllAddressesOfAnIPv6CustomerAreOneNetwork(t *testing.T) {
	limited(t, func(t *testing.T, s *server, _ string) {
		for n := range 10 {
			s.expect(t, login(wrongLogin, fmt.Sprintf("2001:db8:0:1:%x::1", n)), 401, "wrong-login")
		}
		s.expect(t, login(wrongLogin, "2001:db8:0:1:ffff::1"), 429, "too-many-tries")
		s.expect(t, login(wrongLogin, "2001:db8:0:2::1"), 401, "wrong-login")
	})
}

func TestANetworkOpensAHundredAccountsAnHour(t *testing.T) {
	s := newServer()
	open := func(n int, source string) call {
		return call{method: "POST", path: "/auth/users", body: fmt.Sprintf(`{"email":"u%d@example.com","password":"correct horse","name":"U"}`, n), source: source}
	}
	for n := range 100 {
		s.expect(t, open(n, network(0)), 201, "")
	}
	out, _ := s.expect(t, open(100, network(0)), 429, "too-many-tries")
	if out.Headers["Retry-After"] == "" {
		t.Error("no Retry-After")
	}
	s.expect(t, open(0, network(0)), 429, "too-many-tries") // as if its address were not taken
	s.expect(t, open(101, network(1)), 201, "")
	for n := range 110 {
		s.expect(t, open(200+n, "127.0.0.1"), 201, "")
	}
}

func TestResetsAreAskedForTenTimesAnHourForAnAddressKnownOrNot(t *testing.T) {
	s := newServer()
	s.register(t)
	for _, email := range []string{"ada@example.com", "nobody@example.com"} {
		forgot := func(n int) call {
			return call{method: "POST", path: "/auth/password/forgot", body: fmt.Sprintf(`{"email":%q}`, email), source: network(n)}
		}
		for n := range 10 {
			s.expect(t, forgot(n), 202, "")
		}
		s.expect(t, forgot(10), 429, "too-many-tries")
	}
}

func TestTheCurrentPasswordIsGuessedTenTimesInALogin(t *testing.T) {
	s := newServer()
	id := s.register(t)
	stolen, own := s.logIn(t), s.logIn(t)
	change := func(current, session string) call {
		return call{method: "POST", path: "/auth/users/" + id + "/password", body: fmt.Sprintf(`{"current":%q,"new":"correct horse"}`, current), caller: id, session: session}
	}
	for range 10 {
		s.expect(t, change("wrong horse", stolen), 422, "wrong-password")
	}
	s.expect(t, change("correct horse", stolen), 429, "too-many-tries")
	for range 11 {
		s.expect(t, change("correct horse", own), 200, "")
	}
}

func TestALoginHashesAPasswordAnewOnceIfItsHashIsNotLikeTodays(t *testing.T) {
	limited(t, func(t *testing.T, s *server, id string) {
		ada := login(rightLogin, "")
		rehashed := func() (n int) {
			for c, err := range s.store.Read(t.Context(), es.NewStream("user", id), es.Range{}) {
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range c.Events {
					if e.Type == "user.password-rehashed.v1" {
						n++
					}
				}
			}
			return n
		}
		s.expect(t, ada, 200, "")
		s.module.Passwords = quick{"new pepper "}
		s.expect(t, login(wrongLogin, ""), 401, "wrong-login")
		if n := rehashed(); n != 0 {
			t.Errorf("hashed anew %d times before", n)
		}
		s.store.Fail(estest.Before, estest.Before, estest.Before)
		s.expect(t, ada, 200, "") // although that could not be stored
		if n := rehashed(); n != 0 {
			t.Errorf("hashed anew %d times although that could not be stored", n)
		}
		for range 3 {
			s.expect(t, ada, 200, "")
		}
		if n := rehashed(); n != 1 {
			t.Errorf("hashed anew %d times", n)
		}
	})
}
