package notification

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/projection/projectiontest"
)

const ada = "0197a0f0-0000-7000-8000-000000000001"

var created = events.UserCreated{UserID: ada, Email: "ada@example.com", Name: "Ada", PasswordHash: "hash"}

func TestANotificationIsRequestedOnce(t *testing.T) {
	request := Request{UserID: ada, Kind: VerifyAddress}
	requested := events.NotificationRequested{UserID: ada, Kind: VerifyAddress}
	estest.Given[Notification, events.Notification](t).When(request).Then(requested)
	estest.Given[Notification, events.Notification](t, requested).When(request).Then()
}

// verification runs what happens to an account through the reactor, twice, each time until some
// time has passed, and counts the notifications that were requested for the person by kind.
func verification(t *testing.T, passes time.Duration, first events.Event, more ...events.Event) (kinds map[string]int) {
	t.Helper()
	var (
		ctx    = context.Background()
		now    = Verification.Triggers[0].Since.Add(time.Hour)
		clock  = func() time.Time { return now }
		store  = new(estest.Memory)
		memory = new(projectiontest.Memory)
	)
	kinds = map[string]int{}
	p := &projection.Projector{
		Store: store, Rows: memory, Parked: memory, Deadlines: memory, Projections: new(Module).Reactors(), Now: clock,
		Executor: &es.Executor{Repository: es.Repository{Store: store}, Now: clock},
	}
	pending, err := es.StartOf(es.NewStream("user", ada)).Next(es.Meta{CommandID: "c"}, now, first, more...)
	if err == nil {
		err = store.Append(ctx, pending)
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if failed := p.Project(ctx, []es.Commit{pending.Commit()}); len(failed) > 0 {
			t.Fatal(failed)
		}
		now = now.Add(passes)
		if _, err := (&projection.Clock{Projector: p}).Tick(ctx, now.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	for page, err := range store.Scan(ctx, 0, 1, nil) {
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Commits {
			recorded, err := item.Commit.Recorded()
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := recorded[0].Event.(events.NotificationRequested); ok {
				kinds[e.Kind]++
				if e.UserID != ada {
					t.Errorf("%s is for %s", e.Kind, e.UserID)
				}
			}
		}
	}
	return kinds
}

func TestANewAddressIsToBeVerifiedAndItsOwnerRemindedOnceIfItIsNot(t *testing.T) {
	for what, c := range map[string]struct {
		passes    time.Duration
		more      []events.Event
		reminders int
	}{
		"at once":              {passes: 0, reminders: 0},
		"too early":            {passes: remindAfter/2 - time.Hour, reminders: 0},
		"unverified":           {passes: remindAfter, reminders: 1},
		"verified":             {passes: remindAfter, more: []events.Event{events.UserEmailVerified{}}, reminders: 0},
		"verified and changed": {passes: remindAfter, more: []events.Event{events.UserEmailVerified{}, events.UserEmailChanged{}}, reminders: 1},
		"changed and verified": {passes: remindAfter, more: []events.Event{events.UserEmailChanged{}, events.UserEmailVerified{}}, reminders: 0},
	} {
		want := map[string]int{VerifyAddress: 1}
		if c.reminders > 0 {
			want[VerifyAddressReminder] = c.reminders
		}
		if got := verification(t, c.passes, created, c.more...); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
}
