package auth

import (
	"strings"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
)

const (
	ada  = "0197a0f0-0000-7000-8000-000000000001"
	eve  = "0197a0f0-0000-7000-8000-000000000002"
	hash = "hash of the first password"
)

var created = events.UserCreated{UserID: ada, Email: "ada@example.com", Name: "Ada", PasswordHash: hash}

func given(t *testing.T, history ...events.Auth) *estest.Spec[User, events.Auth] {
	return estest.Given[User](t, history...)
}

func TestCreateUser(t *testing.T) {
	create := CreateUser{ID: ada, Email: "ada@example.com", Name: "Ada", PasswordHash: hash}
	t.Run("opens an account", func(t *testing.T) {
		given(t).When(create).Then(created)
	})
	t.Run("grants the roles it comes with", func(t *testing.T) {
		operator := create
		operator.Roles = []string{"operator"}
		given(t).When(operator).Then(created, events.UserRoleGranted{Role: "operator"})
	})
	t.Run("is refused for an account that exists", func(t *testing.T) {
		given(t, created).When(create).ThenRefused(ErrUserExists)
	})
}

func TestChangeEmail(t *testing.T) {
	t.Run("gives the account another address", func(t *testing.T) {
		given(t, created).When(ChangeEmail{"ada@lovelace.example"}).
			Then(events.UserEmailChanged{Old: "ada@example.com", New: "ada@lovelace.example"})
	})
	t.Run("goes on from the last change", func(t *testing.T) {
		given(t, created, events.UserEmailChanged{Old: "ada@example.com", New: "ada@lovelace.example"}).
			When(ChangeEmail{"ada@example.com"}).
			Then(events.UserEmailChanged{Old: "ada@lovelace.example", New: "ada@example.com"})
	})
	t.Run("is refused for the address the account has", func(t *testing.T) {
		given(t, created).When(ChangeEmail{"ada@example.com"}).ThenRefused(ErrEmailUnchanged)
	})
	t.Run("is refused for the same address in capitals", func(t *testing.T) {
		given(t, created).When(ChangeEmail{"ADA@Example.com"}).ThenRefused(ErrEmailUnchanged)
	})
	t.Run("is refused for an account that does not exist", func(t *testing.T) {
		given(t).When(ChangeEmail{"ada@example.com"}).ThenRefused(ErrNotFound)
	})
}

func TestAnotherAddressIsNotVerifiedYet(t *testing.T) {
	for _, c := range []struct {
		event    events.Event
		verified bool
	}{
		{events.UserEmailChanged{Old: "ada@example.com", New: "ada@lovelace.example"}, false},
		{events.UserNameChanged{Old: "Ada", New: "Ada Lovelace"}, true},
		{events.UserPasswordChanged{PasswordHash: hash}, true},
	} {
		row := Users.Apply(UserRow{ID: ada, EmailVerified: true}, es.Recorded{Event: c.event, Version: 2})
		if row.EmailVerified != c.verified {
			t.Errorf("after %s the address is verified: %v", c.event.EventType(), row.EmailVerified)
		}
	}
}

func TestChangePassword(t *testing.T) {
	knows := func(want string) func(string) bool { return func(got string) bool { return got == want } }
	hashed := func(hash string) func() string { return func() string { return hash } }
	t.Run("replaces the password of somebody who knows it", func(t *testing.T) {
		given(t, created).When(ChangePassword{knows(hash), hashed("second")}).Then(events.UserPasswordChanged{PasswordHash: "second"})
	})
	t.Run("compares with the newest password", func(t *testing.T) {
		given(t, created, events.UserPasswordChanged{PasswordHash: "second"}).
			When(ChangePassword{knows("second"), hashed("third")}).Then(events.UserPasswordChanged{PasswordHash: "third"})
	})
	t.Run("is refused to somebody who does not know it", func(t *testing.T) {
		given(t, created).When(ChangePassword{knows("another"), hashed("second")}).ThenRefused(ErrWrongPassword)
	})
	t.Run("is refused for an account that does not exist", func(t *testing.T) {
		given(t).When(ChangePassword{knows(""), hashed("second")}).ThenRefused(ErrNotFound)
	})
}

func TestClaimEmail(t *testing.T) {
	claim := func(t *testing.T, history ...events.Email) *estest.Spec[Claim, events.Email] {
		return estest.Given[Claim](t, history...)
	}
	t.Run("gives a free address to an account", func(t *testing.T) {
		claim(t).When(ClaimEmail{ada}).Then(events.EmailClaimed{UserID: ada})
	})
	t.Run("gives an address that was released to another account", func(t *testing.T) {
		claim(t, events.EmailClaimed{UserID: ada}, events.EmailReleased{UserID: ada}).
			When(ClaimEmail{eve}).Then(events.EmailClaimed{UserID: eve})
	})
	t.Run("does nothing when repeated", func(t *testing.T) {
		claim(t, events.EmailClaimed{UserID: ada}).When(ClaimEmail{ada}).Then()
	})
	t.Run("is refused for an address of another account", func(t *testing.T) {
		claim(t, events.EmailClaimed{UserID: ada}).When(ClaimEmail{eve}).ThenRefused(ErrEmailTaken)
	})
	t.Run("is undone by ReleaseEmail", func(t *testing.T) {
		claim(t, events.EmailClaimed{UserID: ada}).When(ReleaseEmail{ada}).Then(events.EmailReleased{UserID: ada})
	})
	t.Run("is not undone by another account's ReleaseEmail", func(t *testing.T) {
		claim(t, events.EmailClaimed{UserID: ada}).When(ReleaseEmail{eve}).Then()
	})
}

func TestStartSession(t *testing.T) {
	estest.Given[Session, events.Session](t).When(StartSession{ada, []byte{1}, "curl/8.0"}).
		Then(events.SessionStarted{UserID: ada, RefreshHash: []byte{1}, ExpiresAt: estest.Now.Add(30 * 24 * time.Hour), Client: "curl/8.0"})
}

func TestStatesMarkWhatTheirEventsMark(t *testing.T) {
	const personal, secret = "PERSONAL", "SECRET"
	store := new(estest.Memory)
	for s, e := range map[es.Stream]events.Event{
		"user#a":    events.UserCreated{UserID: "a", Email: personal, Name: personal, PasswordHash: secret},
		"user#b":    events.UserEmailChanged{Old: personal, New: personal},
		"user#c":    events.UserPasswordChanged{PasswordHash: secret},
		"user#d":    events.UserNameChanged{Old: personal, New: personal},
		"session#a": events.SessionStarted{UserID: "a", RefreshHash: []byte(secret), Client: personal},
	} {
		p, err := es.StartOf(s).Next(es.Meta{}, estest.Now, e)
		if err == nil {
			err = store.Append(t.Context(), p)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range new(Module).Aggregates() {
			if !a.Folds(s) {
				continue
			}
			state, _, ok, err := a.FoldAny(t.Context(), store, s, es.Moment{})
			if err != nil || !ok {
				t.Fatal(ok, err)
			}
			shown, err := events.Disclose(state, false)
			if err != nil || strings.Contains(string(shown), personal) || strings.Contains(string(shown), secret) {
				t.Errorf("the state after %s shows %s, error %v", e.EventType(), shown, err)
			}
		}
	}
}
