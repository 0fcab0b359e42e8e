package user

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
)

const (
	ada = "0197a0f0-0000-7000-8000-000000000001"
	eve = "0197a0f0-0000-7000-8000-000000000002"
)

var (
	created   = events.UserCreated{UserID: ada, Email: "ada@example.com", Name: "Ada", PasswordHash: "hash"}
	suspended = events.UserSuspended{Reason: "spam"}
	requested = events.UserErasureRequested{}
	operator  = events.UserRoleGranted{Role: api.RoleOperator}
)

func given(t *testing.T, history ...events.Auth) *estest.Spec[Profile, events.Auth] {
	return estest.Given[Profile](t, history...)
}

func text(s string) *string { return &s }

// refusedAnyway demands that a command is refused for accounts that are not there, or being
// erased, or have been.
func refusedAnyway(t *testing.T, c es.Command[Profile, events.Auth]) {
	t.Helper()
	given(t).When(c).ThenRefused(api.ErrNotFound)
	given(t, created, requested).When(c).ThenRefused(es.ErrErased)
	given(t, created, requested, events.UserErased{}).When(c).ThenRefused(es.ErrErased)
}

func TestUpdateProfile(t *testing.T) {
	all := UpdateProfile{text("Ada Lovelace"), text("en-GB"), text(eve)}
	changed := []events.Auth{events.UserNameChanged{Old: "Ada", New: "Ada Lovelace"}, events.UserLocaleChanged{Locale: "en-GB"}, events.UserAvatarChanged{FileID: eve}}
	t.Run("changes everything at once", func(t *testing.T) { given(t, created).When(all).Then(changed...) })
	t.Run("changes what is given alone", func(t *testing.T) {
		given(t, created).When(UpdateProfile{Locale: text("en-GB")}).Then(changed[1])
	})
	t.Run("does nothing when repeated", func(t *testing.T) { given(t, append([]events.Auth{created}, changed...)...).When(all).Then() })
	t.Run("does nothing if nothing is given", func(t *testing.T) { given(t, created).When(UpdateProfile{}).Then() })
	t.Run("takes away what there was", func(t *testing.T) {
		given(t, append([]events.Auth{created}, changed...)...).When(UpdateProfile{Locale: text(""), AvatarID: text("")}).
			Then(events.UserLocaleChanged{}, events.UserAvatarChanged{})
	})
	t.Run("is refused for a suspended account", func(t *testing.T) { given(t, created, suspended).When(all).ThenRefused(ErrSuspended) })
	t.Run("is refused anyway", func(t *testing.T) { refusedAnyway(t, all) })
}

func TestSuspend(t *testing.T) {
	suspend := Suspend{"spam", eve}
	t.Run("keeps a person out and ends all logins", func(t *testing.T) {
		given(t, created).When(suspend).Then(suspended, events.UserSessionsEnded{Reason: "suspended"})
	})
	t.Run("can be done again after a reactivation", func(t *testing.T) {
		given(t, created, suspended, events.UserReactivated{}).When(suspend).Then(suspended, events.UserSessionsEnded{Reason: "suspended"})
	})
	t.Run("does nothing when repeated", func(t *testing.T) { given(t, created, suspended).When(suspend).Then() })
	t.Run("is refused of oneself", func(t *testing.T) { given(t, created, operator).When(Suspend{"spam", ada}).ThenRefused(ErrOwnAccount) })
	t.Run("is refused anyway", func(t *testing.T) { refusedAnyway(t, suspend) })
}

func TestReactivate(t *testing.T) {
	t.Run("lets a person in again", func(t *testing.T) { given(t, created, suspended).When(Reactivate{}).Then(events.UserReactivated{}) })
	t.Run("does nothing when repeated", func(t *testing.T) {
		given(t, created, suspended, events.UserReactivated{}).When(Reactivate{}).Then()
	})
	t.Run("is refused anyway", func(t *testing.T) { refusedAnyway(t, Reactivate{}) })
}

func TestGrantRole(t *testing.T) {
	t.Run("gives a role", func(t *testing.T) { given(t, created).When(GrantRole{"operator"}).Then(operator) })
	t.Run("does nothing when repeated", func(t *testing.T) { given(t, created, operator).When(GrantRole{"operator"}).Then() })
	t.Run("is refused for what is no role", func(t *testing.T) {
		for _, role := range []string{"user", "king", ""} {
			given(t, created).When(GrantRole{role}).ThenRefused(ErrUnknownRole)
		}
	})
	t.Run("is refused anyway", func(t *testing.T) { refusedAnyway(t, GrantRole{"auditor"}) })
}

func TestRevokeRole(t *testing.T) {
	revoke := RevokeRole{"operator", eve}
	t.Run("takes a role", func(t *testing.T) {
		given(t, created, operator).When(revoke).Then(events.UserRoleRevoked{Role: "operator"})
	})
	t.Run("does nothing when repeated", func(t *testing.T) {
		given(t, created, operator, events.UserRoleRevoked{Role: "operator"}).When(revoke).Then()
	})
	t.Run("is refused of one's own role of operator", func(t *testing.T) {
		given(t, created, operator).When(RevokeRole{"operator", ada}).ThenRefused(ErrOwnRole)
	})
	t.Run("takes one's own role of auditor", func(t *testing.T) {
		given(t, created, events.UserRoleGranted{Role: "auditor"}).When(RevokeRole{"auditor", ada}).Then(events.UserRoleRevoked{Role: "auditor"})
	})
	t.Run("is refused for what is no role", func(t *testing.T) { given(t, created).When(RevokeRole{"king", eve}).ThenRefused(ErrUnknownRole) })
	t.Run("is refused anyway", func(t *testing.T) { refusedAnyway(t, revoke) })
}

func TestRequestErasure(t *testing.T) {
	begun := []events.Auth{requested, events.UserSessionsEnded{Reason: "erasure"}}
	t.Run("begins an erasure and ends all logins", func(t *testing.T) { given(t, created).When(RequestErasure{}).Then(begun...) })
	t.Run("is for suspended people as well", func(t *testing.T) { given(t, created, suspended).When(RequestErasure{}).Then(begun...) })
	t.Run("does nothing when repeated", func(t *testing.T) {
		given(t, created, requested).When(RequestErasure{}).Then()
		given(t, created, requested, events.UserErased{}).When(RequestErasure{}).Then()
	})
	t.Run("is refused for operators", func(t *testing.T) { given(t, created, operator).When(RequestErasure{}).ThenRefused(ErrIsOperator) })
	t.Run("is refused where there is nobody", func(t *testing.T) { given(t).When(RequestErasure{}).ThenRefused(api.ErrNotFound) })
}

func TestTheStepsOfAnErasureAreRecordedOnce(t *testing.T) {
	given(t, created, requested).When(RecordKeyDestroyed{}).Then(events.UserKeyDestroyed{})
	given(t, created, requested, events.UserKeyDestroyed{}).When(RecordKeyDestroyed{}).Then()
	given(t, created, requested, events.UserKeyDestroyed{}).When(RecordErased{}).Then(events.UserErased{})
	given(t, created, requested, events.UserKeyDestroyed{}, events.UserErased{}).When(RecordErased{}).Then()
	given(t, created).When(RecordErased{}).Then()
}

// rowAfter is the row that events make.
func rowAfter(history ...events.Event) (row UserRow) {
	for i, e := range history {
		row = Users.Apply(row, es.Recorded{Stream: es.NewStream("user", ada), Version: es.Version(i + 1), Event: e, At: estest.Now.Add(time.Duration(i) * time.Hour)})
	}
	return row
}

func TestARowShowsWhatHappenedToItsAccount(t *testing.T) {
	row := rowAfter(created, events.UserNameChanged{Old: "Ada", New: "Ada Lovelace"}, events.UserLocaleChanged{Locale: "en-GB"}, events.UserAvatarChanged{FileID: eve},
		operator, events.UserRoleGranted{Role: "auditor"}, events.UserRoleRevoked{Role: "operator"}, suspended)
	want := UserRow{
		ID: ada, Email: "ada@example.com", Name: "Ada Lovelace", Locale: "en-GB", AvatarFileID: eve, Status: Suspended, Roles: []string{"user", "auditor"},
		CreatedAt: estest.Now, UpdatedAt: estest.Now.Add(7 * time.Hour), Version: 8,
	}
	if !reflect.DeepEqual(row, want) {
		t.Errorf("got  %+v\nwant %+v", row, want)
	}
}

func TestARowIsEmptyFromTheBeginningOfAnErasure(t *testing.T) {
	history := []events.Event{created, events.UserNameChanged{Old: "Ada", New: "Hypatia"}, events.UserEmailChanged{Old: created.Email, New: "new@example.com"},
		events.UserLocaleChanged{Locale: "en-GB"}, events.UserAvatarChanged{FileID: eve}, requested, events.UserSessionsEnded{Reason: "erasure"},
		events.UserAddressReleased{Email: "new@example.com"}, events.UserKeyDestroyed{}}
	for n, status := range map[int]Status{0: Erasing, 1: Erased} {
		row := rowAfter(append(history, []events.Event{events.UserErased{}}[:n]...)...)
		want := UserRow{ID: ada, Email: events.Erased, Name: events.Erased, Status: status, Roles: []string{"user"}, CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt, Version: row.Version}
		if !reflect.DeepEqual(row, want) {
			t.Errorf("got  %+v\nwant %+v", row, want)
		}
	}
}

func TestAnotherAddressIsNotVerifiedYet(t *testing.T) {
	for _, c := range []struct {
		event    events.Event
		verified bool
	}{
		{events.UserEmailChanged{Old: "ada@example.com", New: "ada@lovelace.example"}, false},
		{events.UserNameChanged{Old: "Ada", New: "Ada Lovelace"}, true},
		{events.UserPasswordChanged{PasswordHash: "hash"}, true},
	} {
		if row := rowAfter(created, events.UserEmailVerified{}, c.event); row.EmailVerified != c.verified {
			t.Errorf("after %s the address is verified: %v", c.event.EventType(), row.EmailVerified)
		}
	}
}

func TestEveryAccountIsCountedUnderItsStatus(t *testing.T) {
	for _, c := range []struct {
		history []events.Event
		want    Status
	}{
		{[]events.Event{created}, Active},
		{[]events.Event{created, suspended}, Suspended},
		{[]events.Event{created, suspended, events.UserReactivated{}}, Active},
		{[]events.Event{created, requested, events.UserSessionsEnded{}}, Erasing},
		{[]events.Event{created, requested, events.UserErased{}}, Erased},
	} {
		row := accountRow{}
		for _, e := range c.history {
			row = Accounts.Apply(row, es.Recorded{Event: e})
		}
		want := map[string]map[string]int64{string(c.want): {"accounts": 1}}
		if got := Accounts.Count(row); !reflect.DeepEqual(got, want) {
			t.Errorf("counted %v, want %v", got, want)
		}
	}
	if got := Accounts.Count(accountRow{}); got != nil {
		t.Errorf("an account that is not is counted: %v", got)
	}
}

func TestALocaleIsALanguageTag(t *testing.T) {
	for in, want := range map[string]string{"": "", "de-CH": "de-CH", "DE_ch": "de-CH", "zh-hant-TW": "zh-Hant-TW", "x": "!", "english": "!", "de-??": "!"} {
		var bad api.Invalid
		got := validLocale(&bad, "/locale", in)
		if (bad != nil) != (want == "!") || bad == nil && got != want {
			t.Errorf("%q is %q, refused %v", in, got, bad)
		}
	}
}

func TestAProfileMarksWhatItsEventsMark(t *testing.T) {
	const personal = "PERSONAL"
	var p Profile
	for _, e := range []events.Auth{events.UserCreated{UserID: ada, Email: personal, Name: personal, PasswordHash: personal}, events.UserLocaleChanged{Locale: personal}, events.UserSuspended{Reason: personal}} {
		p = p.Evolve(e)
		if shown, err := events.Disclose(p, false); err != nil || strings.Contains(string(shown), personal) {
			t.Errorf("after %s the state shows %s, error %v", e.EventType(), shown, err)
		}
	}
}

func TestAPictureIsAnImageOfOnesOwnThatIsAvailable(t *testing.T) {
	upload := func(contentType string) events.Event {
		return events.FileUploadRequested{OwnerID: ada, Name: "me", ContentType: contentType}
	}
	for name, c := range map[string]struct {
		history []events.Event
		of      string
		want    bool
	}{
		"available":             {[]events.Event{upload("image/png"), events.FileAvailable{}}, ada, true},
		"of a type in capitals": {[]events.Event{upload("IMAGE/PNG"), events.FileAvailable{}}, ada, true},
		"restored":              {[]events.Event{upload("image/png"), events.FileAvailable{}, events.FileDeleted{}, events.FileRestored{}}, ada, true},
		"of somebody else":      {[]events.Event{upload("image/png"), events.FileAvailable{}}, eve, false},
		"no image":              {[]events.Event{upload("text/plain"), events.FileAvailable{}}, ada, false},
		"not uploaded yet":      {[]events.Event{upload("image/png")}, ada, false},
		"rejected":              {[]events.Event{upload("image/png"), events.FileRejected{}}, ada, false},
		"deleted":               {[]events.Event{upload("image/png"), events.FileAvailable{}, events.FileDeleted{}}, ada, false},
		"purged":                {[]events.Event{upload("image/png"), events.FileAvailable{}, events.FileDeleted{}, events.FilePurged{}}, ada, false},
		"not there":             {nil, ada, false},
	} {
		store := new(estest.Memory)
		s := es.NewStream("file", eve)
		if len(c.history) > 0 {
			p, err := es.StartOf(s).Next(es.Meta{}, estest.Now, c.history[0], c.history[1:]...)
			if err == nil {
				err = store.Append(t.Context(), p)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		m := &Module{Executor: es.Executor{Repository: es.Repository{Store: store}}}
		for id, want := range map[string]bool{eve: c.want, "me.png": false} {
			if got, err := m.isPicture(t.Context(), id, c.of); err != nil || got != want {
				t.Errorf("one that is %s: %v, error %v", name, got, err)
			}
		}
	}
}
