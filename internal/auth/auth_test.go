package auth

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
	"github.com/interview-sandbox/annals/internal/projection"
)

const (
	ada  = "0197a0f0-0000-7000-8000-000000000001"
	eve  = "0197a0f0-0000-7000-8000-000000000002"
	hash = "hash of the first password"
)

var created = events.UserCreated{UserID: ada, Email: "ada@example.com", Name: "Ada", PasswordHash: hash}

// What has become of an account that is not active any more.
var (
	suspended = []events.Auth{created, events.UserSuspended{Reason: "spam"}, events.UserSessionsEnded{Reason: "suspended"}}
	erasing   = []events.Auth{created, events.UserErasureRequested{}, events.UserSessionsEnded{Reason: "erasure"}}
	erased    = append(erasing[:3:3], events.UserAddressReleased{Email: events.Erased}, events.UserKeyDestroyed{}, events.UserErased{})
)

// refusedAnyway demands that a command is refused for accounts that are not there or not
// active.
func refusedAnyway(t *testing.T, c es.Command[User, events.Auth], missing, locked, gone error) {
	t.Helper()
	given(t).When(c).ThenRefused(missing)
	given(t, suspended...).When(c).ThenRefused(locked)
	given(t, erasing...).When(c).ThenRefused(gone)
	given(t, erased...).When(c).ThenRefused(gone)
}

func given(t *testing.T, history ...events.Auth) *estest.Spec[User, events.Auth] {
	return estest.Given[User](t, history...)
}

// Whether the login of whoever asks goes on.
func goesOn(User) bool { return true }
func ended(User) bool  { return false }

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
	to := func(email string) ChangeEmail { return ChangeEmail{email, goesOn} }
	t.Run("gives the account another address", func(t *testing.T) {
		given(t, created).When(to("ada@lovelace.example")).
			Then(events.UserEmailChanged{Old: "ada@example.com", New: "ada@lovelace.example"})
	})
	t.Run("goes on from the last change", func(t *testing.T) {
		given(t, created, events.UserEmailChanged{Old: "ada@example.com", New: "ada@lovelace.example"}).
			When(to("ada@example.com")).
			Then(events.UserEmailChanged{Old: "ada@lovelace.example", New: "ada@example.com"})
	})
	t.Run("is refused for the address the account has", func(t *testing.T) {
		given(t, created).When(to("ada@example.com")).ThenRefused(ErrEmailUnchanged)
	})
	t.Run("is refused for the same address in capitals", func(t *testing.T) {
		given(t, created).When(to("ADA@Example.com")).ThenRefused(ErrEmailUnchanged)
	})
	t.Run("is refused when repeated", func(t *testing.T) {
		given(t, created, events.UserEmailChanged{Old: "ada@example.com", New: "ada@lovelace.example"}).
			When(to("ada@lovelace.example")).ThenRefused(ErrEmailUnchanged)
	})
	t.Run("is refused to a login that has ended, whatever the address", func(t *testing.T) {
		for _, email := range []string{"ada@lovelace.example", created.Email} {
			given(t, created, events.UserSessionsEnded{Reason: "logout-all"}).When(ChangeEmail{email, ended}).ThenRefused(errLoggedOut)
		}
	})
	t.Run("is refused for an account that is not active", func(t *testing.T) {
		refusedAnyway(t, to("new@example.com"), ErrNotFound, ErrSuspended, es.ErrErased)
	})
}

func TestChangePassword(t *testing.T) {
	knows := func(want string) func(string) bool { return func(got string) bool { return got == want } }
	hashed := func(hash string) func() string { return func() string { return hash } }
	t.Run("replaces the password of somebody who knows it", func(t *testing.T) {
		given(t, created).When(ChangePassword{knows(hash), hashed("second"), goesOn, "s"}).
			Then(events.UserPasswordChanged{PasswordHash: "second"}, events.UserSessionsEnded{Except: "s", Reason: "password-changed"})
	})
	t.Run("compares with the newest password", func(t *testing.T) {
		given(t, created, events.UserPasswordChanged{PasswordHash: "second"}).
			When(ChangePassword{knows("second"), hashed("third"), goesOn, "s"}).
			Then(events.UserPasswordChanged{PasswordHash: "third"}, events.UserSessionsEnded{Except: "s", Reason: "password-changed"})
	})
	t.Run("is refused to a login that has ended, whether somebody knows it or not", func(t *testing.T) {
		for _, password := range []string{hash, "another"} {
			given(t, created, events.UserSessionsEnded{Reason: "logout-all"}).
				When(ChangePassword{knows(password), hashed("second"), ended, "s"}).ThenRefused(errLoggedOut)
		}
	})
	t.Run("is refused to somebody who does not know it", func(t *testing.T) {
		given(t, created).When(ChangePassword{knows("another"), hashed("second"), goesOn, "s"}).ThenRefused(ErrWrongPassword)
	})
	t.Run("is refused when repeated", func(t *testing.T) {
		given(t, created, events.UserPasswordChanged{PasswordHash: "second"}, events.UserSessionsEnded{Except: "s", Reason: "password-changed"}).
			When(ChangePassword{knows(hash), hashed("second"), goesOn, "s"}).ThenRefused(ErrWrongPassword)
	})
	t.Run("is refused for an account that is not active", func(t *testing.T) {
		refusedAnyway(t, ChangePassword{knows(hash), hashed("second"), goesOn, "s"}, ErrNotFound, ErrSuspended, es.ErrErased)
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
	t.Run("is undone once", func(t *testing.T) {
		claim(t, events.EmailClaimed{UserID: ada}, events.EmailReleased{UserID: ada}).When(ReleaseEmail{ada}).Then()
	})
}

func TestStartSession(t *testing.T) {
	estest.Given[Session, events.Session](t).When(StartSession{ada, []byte{1}, "curl/8.0", 2}).
		Then(events.SessionStarted{UserID: ada, RefreshHash: []byte{1}, ExpiresAt: estest.Now.Add(30 * 24 * time.Hour), Client: "curl/8.0", Epoch: 2})
}

// next is how one refresh token follows the other in these tests.
func next(secret []byte) []byte { return append([]byte("next "), secret...) }

func TestRefreshSession(t *testing.T) {
	start := events.SessionStarted{UserID: ada, RefreshHash: hashOf([]byte("1")), ExpiresAt: estest.Now.Add(time.Hour)}
	refreshed := func(ago time.Duration) events.Session {
		return events.SessionRefreshed{RefreshHash: hashOf([]byte("next 1")), At: estest.Now.Add(-ago), ExpiresAt: estest.Now.Add(time.Hour)}
	}
	given := func(t *testing.T, history ...events.Session) *estest.Spec[Session, events.Session] {
		return estest.Given[Session](t, append([]events.Session{start}, history...)...)
	}
	t.Run("replaces the token", func(t *testing.T) {
		given(t).When(RefreshSession{[]byte("1"), next}).
			Then(events.SessionRefreshed{RefreshHash: hashOf([]byte("next 1")), At: estest.Now, ExpiresAt: estest.Now.Add(sessionLife)})
	})
	t.Run("replaces the one that replaced it", func(t *testing.T) {
		given(t, refreshed(time.Hour)).When(RefreshSession{[]byte("next 1"), next}).
			Then(events.SessionRefreshed{RefreshHash: hashOf([]byte("next next 1")), At: estest.Now, ExpiresAt: estest.Now.Add(sessionLife)})
	})
	t.Run("changes nothing for another tab a moment later", func(t *testing.T) {
		given(t, refreshed(grace)).When(RefreshSession{[]byte("1"), next}).Then()
	})
	t.Run("ends the login when an old token is used again", func(t *testing.T) {
		given(t, refreshed(grace+1)).When(RefreshSession{[]byte("1"), next}).Then(events.SessionEnded{Reason: "reused"})
	})
	t.Run("ends the login when an older token is used again at once", func(t *testing.T) {
		second := events.SessionRefreshed{RefreshHash: hashOf([]byte("next next 1")), At: estest.Now, ExpiresAt: estest.Now.Add(time.Hour)}
		given(t, refreshed(0), second).When(RefreshSession{[]byte("1"), next}).Then(events.SessionEnded{Reason: "reused"})
	})
	for name, history := range map[string][]events.Session{
		"that was never given":      {},
		"of a login that has ended": {refreshed(0), events.SessionEnded{Reason: "logout"}},
		"after its time":            {events.SessionRefreshed{RefreshHash: hashOf([]byte("2")), At: estest.Now, ExpiresAt: estest.Now}},
	} {
		t.Run("is refused for a token "+name, func(t *testing.T) {
			given(t, history...).When(RefreshSession{[]byte("2"), next}).ThenRefused(ErrWrongRefreshToken)
		})
	}
	t.Run("is refused where there is no login", func(t *testing.T) {
		estest.Given[Session, events.Session](t).When(RefreshSession{[]byte("1"), next}).ThenRefused(ErrWrongRefreshToken)
	})
	t.Run("ends a login that was refreshed as often as one may be", func(t *testing.T) {
		history := slices.Repeat([]events.Session{refreshed(0)}, maxRefreshes)
		given(t, history...).When(RefreshSession{[]byte("next 1"), next}).Then(events.SessionEnded{Reason: "used-up"})
		given(t, history[1:]...).When(RefreshSession{[]byte("next 1"), next}).
			Then(events.SessionRefreshed{RefreshHash: hashOf([]byte("next next 1")), At: estest.Now, ExpiresAt: estest.Now.Add(sessionLife)})
	})
}

func TestEndSession(t *testing.T) {
	start := events.SessionStarted{UserID: ada, RefreshHash: []byte{1}, ExpiresAt: estest.Now}
	given := estest.Given[Session, events.Session]
	t.Run("ends a login", func(t *testing.T) {
		given(t, start).When(EndSession{ada, "logout"}).Then(events.SessionEnded{Reason: "logout"})
	})
	t.Run("does nothing when repeated", func(t *testing.T) {
		given(t, start, events.SessionEnded{Reason: "logout"}).When(EndSession{ada, "revoked"}).Then()
	})
	t.Run("is refused to another user", func(t *testing.T) { given(t, start).When(EndSession{eve, "revoked"}).ThenRefused(ErrNotFound) })
	t.Run("is refused where there is none", func(t *testing.T) { given(t).When(EndSession{"", "revoked"}).ThenRefused(ErrNotFound) })
}

func TestEndSessions(t *testing.T) {
	ended := events.UserSessionsEnded{Reason: "logout-all"}
	given(t, created).When(EndSessions{"logout-all"}).Then(ended)
	given(t, created, ended).When(EndSessions{"logout-all"}).Then(ended) // there may be new ones
	refusedAnyway(t, EndSessions{"logout-all"}, ErrNotFound, ErrSuspended, es.ErrErased)
}

func TestAnAccountKeepsTheLoginsOfItsEpochAndTheOneThatWasSpared(t *testing.T) {
	var u User
	for _, e := range []events.Auth{created, events.UserSessionsEnded{Reason: "logout-all"}, events.UserSessionsEnded{Except: "a", Reason: "password-changed"}} {
		u = u.Evolve(e)
	}
	for id, want := range map[string]bool{"a": true, "b": false} {
		if got := u.keeps(id, Session{UserID: ada, Epoch: 1}); got != want {
			t.Errorf("%s of the epoch before: %v", id, got)
		}
	}
	if !u.keeps("c", Session{UserID: ada, Epoch: 2}) {
		t.Error("a new login is not kept")
	}
	if (User{}).keeps("c", Session{}) {
		t.Error("an account that does not exist keeps a login")
	}
}

func TestOnlyAnActiveAccountKeepsLogins(t *testing.T) {
	for name, history := range map[string][]events.Auth{"suspended": suspended, "erasing": erasing, "erased": erased} {
		var u User
		for _, e := range history {
			u = u.Evolve(e)
		}
		if u.keeps("a", Session{UserID: ada, Epoch: u.Epoch}) {
			t.Errorf("one that is %s keeps a login", name)
		}
	}
	var u User
	for _, e := range append(slices.Clone(suspended), events.UserReactivated{}) {
		u = u.Evolve(e)
	}
	if u.keeps("a", Session{UserID: ada}) || !u.keeps("b", Session{UserID: ada, Epoch: 1}) {
		t.Error("after a suspension an account keeps its old logins, or not its new ones")
	}
}

func TestAnAccountHasTheRolesThatItWasGivenAndThatWereNotTaken(t *testing.T) {
	var u User
	for _, e := range []events.Auth{created, events.UserRoleGranted{Role: "operator"}, events.UserRoleGranted{Role: "auditor"}, events.UserRoleRevoked{Role: "operator"}} {
		u = u.Evolve(e)
	}
	if !slices.Equal(u.Roles, []string{"auditor"}) {
		t.Errorf("it has %v", u.Roles)
	}
}

func TestReleaseAddress(t *testing.T) {
	t.Run("frees the address of somebody who is being erased", func(t *testing.T) {
		given(t, erasing...).When(ReleaseAddress{}).Then(events.UserAddressReleased{Email: created.Email})
	})
	t.Run("does nothing when repeated", func(t *testing.T) {
		given(t, append(slices.Clone(erasing), events.UserAddressReleased{Email: created.Email})...).When(ReleaseAddress{}).Then()
	})
	t.Run("does nothing to others", func(t *testing.T) {
		given(t).When(ReleaseAddress{}).Then()
		given(t, created).When(ReleaseAddress{}).Then()
		given(t, erased...).When(ReleaseAddress{}).Then()
	})
	t.Run("goes with the claim", func(t *testing.T) {
		m := &Module{AddressKey: []byte("key")}
		if steps := m.users().Coupled(es.NewStream("user", ada), []events.Auth{events.UserAddressReleased{Email: created.Email}}); len(steps) != 1 {
			t.Errorf("%d more streams change", len(steps))
		}
	})
}

func TestALoginThatHasEndedIsNotListedAndTellsNothing(t *testing.T) {
	s := es.NewStream("session", eve)
	row := Sessions.Apply(SessionRow{}, es.Recorded{Stream: s, Version: 1, At: estest.Now, Event: events.SessionStarted{UserID: ada, Client: "curl/8.0"}})
	later := row
	later.CreatedAt = row.CreatedAt.Add(time.Second)
	if Sessions.Lists[0](later).Sort >= Sessions.Lists[0](row).Sort {
		t.Error("the newest is not the first")
	}
	if row.Client != "curl/8.0" || Sessions.Lists[0](row).Partition != ada {
		t.Errorf("the row is %+v", row)
	}
	row = Sessions.Apply(row, es.Recorded{Stream: s, Version: 2, Event: events.SessionEnded{Reason: "logout"}})
	if row.Client != "" || Sessions.Lists[0](row) != (projection.Place{}) {
		t.Errorf("the row is %+v", row)
	}
}

func TestVerifyEmail(t *testing.T) {
	isFor := func(want string) VerifyEmail { return VerifyEmail{func(email string) bool { return email == want }} }
	t.Run("verifies the address that the token is for", func(t *testing.T) {
		given(t, created).When(isFor(created.Email)).Then(events.UserEmailVerified{Email: created.Email})
	})
	t.Run("does nothing when repeated", func(t *testing.T) {
		given(t, created, events.UserEmailVerified{Email: created.Email}).When(isFor(created.Email)).Then()
	})
	t.Run("is refused for the address before", func(t *testing.T) {
		given(t, created, events.UserEmailChanged{Old: created.Email, New: "new@example.com"}).When(isFor(created.Email)).ThenRefused(ErrWrongToken)
	})
	t.Run("is to be done again for another address", func(t *testing.T) {
		given(t, created, events.UserEmailVerified{Email: created.Email}, events.UserEmailChanged{Old: created.Email, New: "new@example.com"}).
			When(isFor("new@example.com")).Then(events.UserEmailVerified{Email: "new@example.com"})
	})
	t.Run("is refused for an account that is not active", func(t *testing.T) {
		refusedAnyway(t, isFor(created.Email), ErrWrongToken, ErrWrongToken, ErrWrongToken)
	})
}

func TestResetPassword(t *testing.T) {
	asked := events.UserPasswordResetRequested{RequestID: "r1", ExpiresAt: estest.Now.Add(time.Minute)}
	with := func(request string) ResetPassword {
		return ResetPassword{func(id string) bool { return id == request }, func() string { return "second" }}
	}
	t.Run("can be asked for again", func(t *testing.T) {
		given(t, created, asked).When(RequestPasswordReset{"r2"}).Then(events.UserPasswordResetRequested{RequestID: "r2", ExpiresAt: estest.Now.Add(resetLife)})
	})
	t.Run("is not asked for again at once", func(t *testing.T) {
		lately := events.UserPasswordResetRequested{RequestID: "r1", ExpiresAt: estest.Now.Add(resetLife - resetPause + time.Second)}
		given(t, created, lately).When(RequestPasswordReset{"r2"}).Then()
		given(t, created, lately, events.UserPasswordChanged{PasswordHash: "second"}).When(RequestPasswordReset{"r2"}).
			Then(events.UserPasswordResetRequested{RequestID: "r2", ExpiresAt: estest.Now.Add(resetLife)})
	})
	t.Run("can be asked for", func(t *testing.T) {
		given(t, created).When(RequestPasswordReset{"r1"}).Then(events.UserPasswordResetRequested{RequestID: "r1", ExpiresAt: estest.Now.Add(resetLife)})
		refusedAnyway(t, RequestPasswordReset{"r1"}, ErrNotFound, ErrSuspended, es.ErrErased)
	})
	t.Run("replaces the password, ends all logins and shows that mail arrives", func(t *testing.T) {
		given(t, created, asked).When(with("r1")).Then(events.UserPasswordChanged{PasswordHash: "second"},
			events.UserSessionsEnded{Reason: "password-reset"}, events.UserEmailVerified{Email: created.Email})
	})
	for name, history := range map[string][]events.Auth{
		"that nobody asked for":     {created},
		"that was used":             {created, asked, events.UserPasswordChanged{PasswordHash: "second"}},
		"after its time":            {created, events.UserPasswordResetRequested{RequestID: "r1", ExpiresAt: estest.Now}},
		"when another came after":   {created, asked, events.UserPasswordResetRequested{RequestID: "r2", ExpiresAt: estest.Now.Add(time.Hour)}},
		"mailed to another address": {created, asked, events.UserEmailChanged{Old: created.Email, New: "new@example.com"}},
		"of an account that is not": {},
		"of a suspended account":    append(slices.Clone(suspended), asked),
		"of one being erased":       append(slices.Clone(erasing), asked),
		"of one that was erased":    append(slices.Clone(erased), asked),
	} {
		t.Run("is refused for a request "+name, func(t *testing.T) { given(t, history...).When(with("r1")).ThenRefused(ErrWrongToken) })
	}
}

func TestAMailedTokenIsForOneUserOnePurposeOneThingAndATime(t *testing.T) {
	now := estest.Now
	m := &Module{MailKey: []byte("key")}
	m.Now = func() time.Time { return now }
	token := m.mailed(verification, ada, now.Add(time.Minute), "what")
	opens := func(m *Module, purpose, token, what string) bool {
		t, err := m.openMailed(purpose, token)
		return err == nil && t.userID == ada && t.isFor(what)
	}
	if !opens(m, verification, token, "what") {
		t.Error("it does not open")
	}
	other := &Module{MailKey: []byte("other")}
	other.Now = m.Now
	flipped := []byte(token)
	flipped[3] ^= 1
	for name, opened := range map[string]bool{
		"for another thing":    opens(m, verification, token, "other"),
		"for another purpose":  opens(m, reset, token, "what"),
		"with another key":     opens(other, verification, token, "what"),
		"changed":              opens(m, verification, string(flipped), "what"),
		"cut off":              opens(m, verification, token[:40], "what"),
		"that is none":         opens(m, verification, "?", "what"),
		"of another user's id": opens(m, verification, m.mailed(verification, eve, now.Add(time.Minute), "what"), "what"),
	} {
		if opened {
			t.Errorf("it opens %s", name)
		}
	}
	now = now.Add(time.Minute)
	if opens(m, verification, token, "what") {
		t.Error("it opens after its time")
	}
}

func TestStatesMarkWhatTheirEventsMark(t *testing.T) {
	const personal, secret = "PERSONAL", "SECRET"
	store := new(estest.Memory)
	for s, e := range map[es.Stream]events.Event{
		"user#a":    events.UserCreated{UserID: "a", Email: personal, Name: personal, PasswordHash: secret},
		"user#b":    events.UserEmailChanged{Old: personal, New: personal},
		"user#c":    events.UserPasswordChanged{PasswordHash: secret},
		"user#d":    events.UserNameChanged{Old: personal, New: personal},
		"user#e":    events.UserAddressReleased{Email: personal},
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

func TestAnotherVerification(t *testing.T) {
	asked := func(at time.Time) events.Auth { return events.UserVerificationRequested{At: at} }
	t.Run("can be asked for", func(t *testing.T) {
		given(t, created).When(RequestVerification{}).Then(asked(estest.Now))
		refusedAnyway(t, RequestVerification{}, ErrNotFound, ErrSuspended, es.ErrErased)
	})
	t.Run("is not asked for again at once", func(t *testing.T) {
		given(t, created, asked(estest.Now.Add(time.Second-verifyPause))).When(RequestVerification{}).Then()
		given(t, created, asked(estest.Now.Add(-verifyPause))).When(RequestVerification{}).Then(asked(estest.Now))
	})
	t.Run("of a verified address is none", func(t *testing.T) {
		given(t, created, events.UserEmailVerified{Email: created.Email}).When(RequestVerification{}).Then()
	})
}
