package main

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/notification"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/localstack/stacktest"
)

// requested reads from the events which accounts there are and how many notifications of a
// kind have been requested for each.
func requested(t *testing.T, s *stacktest.Stack, kind notification.Kind) (count map[string]int) {
	t.Helper()
	count = map[string]int{}
	store := &dynamo.Store{Table: prefix + "-events", Client: client(s.Endpoints().DynamoDB)}
	for page, err := range store.Scan(t.Context(), 0, 1, nil) {
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Commits {
			switch c := item.Commit; c.Stream.Category() {
			case "user":
				count[c.Stream.ID()] += 0
			case "notification":
				recorded, err := c.Recorded()
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range recorded {
					if e, ok := r.Event.(events.NotificationRequested); ok && e.Kind == string(kind) {
						count[e.UserID]++
					}
				}
			}
		}
	}
	return count
}

// once reports whether every account has one of what was counted.
func once(count map[string]int) bool {
	return !slices.ContainsFunc(slices.Collect(maps.Values(count)), func(n int) bool { return n != 1 })
}

func register(s *stacktest.Stack, email string) (status int, err error) {
	status, _, err = try("POST", s.URL()+"/auth/users", fmt.Sprintf(`{"email":%q,"password":"correct horse battery","name":"U"}`, email))
	return status, err
}

func TestARegistrationLeadsToOneNotificationAlsoAcrossKill9(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	accounts := 1 // the operator's
	for round := range 4 {
		var clients sync.WaitGroup
		enough := make(chan struct{}, 1000)
		for c := range 3 {
			clients.Go(func() {
				for n := 0; ; n++ {
					status, err := register(s, fmt.Sprintf("u%d-%d-%d@example.com", round, c, n))
					if err != nil {
						return // killed
					}
					if status != 201 {
						t.Errorf("status %d", status)
					}
					enough <- struct{}{}
				}
			})
		}
		for range 5 + 3*round {
			<-enough
			accounts++
		}
		s.Kill9()
		clients.Wait()
		s.Restart()
	}
	eventually(t, "every account has a notification", func() bool {
		count := requested(t, s, notification.VerifyAddress)
		return len(count) >= accounts && once(count)
	})
	// One more account is behind all that may still be repeated.
	if status, err := register(s, "last@example.com"); status != 201 || err != nil {
		t.Fatal(status, err)
	}
	before := len(requested(t, s, notification.VerifyAddress))
	eventually(t, "the last account has a notification", func() bool { return once(requested(t, s, notification.VerifyAddress)) })
	if count := requested(t, s, notification.VerifyAddress); len(count) != before || !once(count) {
		t.Errorf("notifications by account: %v", count)
	}
}

func TestADeadlineThatCameWhileTheStackWasDownIsAnsweredOnceItIsUp(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	eventually(t, "the operator's account has a notification", func() bool { return once(requested(t, s, notification.VerifyAddress)) })
	set := func(id, reactor string, user string) {
		t.Helper()
		d := projection.Deadline{Name: "remind", At: time.Now().Add(-time.Hour), ID: id, Reactor: reactor, Stream: es.NewStream("user", user), Version: 1}
		if err := (&dynamo.Deadlines{Table: prefix + "-deadlines", Client: client(s.Endpoints().DynamoDB)}).SetDeadline(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	for user := range requested(t, s, notification.VerifyAddress) {
		set("known", "verification", user)
		set("unknown", "no-such-reactor", user)
	}
	s.Kill9()
	s.Restart()
	eventually(t, "the reminder has been requested", func() bool { return once(requested(t, s, notification.VerifyAddressReminder)) })
	parked := &dynamo.Parked{Table: prefix + "-parked", Client: client(s.Endpoints().DynamoDB)}
	eventually(t, "the deadline that nobody answers is parked", func() bool {
		page, _, err := parked.ListParked(t.Context(), "", 10)
		if err != nil {
			t.Fatal(err)
		}
		return len(page) == 1 && page[0].View == "no-such-reactor" && page[0].Stream == "deadline#unknown"
	})
	deadlines := &dynamo.Deadlines{Table: prefix + "-deadlines", Client: client(s.Endpoints().DynamoDB)}
	eventually(t, "no deadline is due any more", func() bool {
		for shard := range projection.DeadlineShards {
			if due, _, err := deadlines.ListDue(t.Context(), shard, time.Now(), "", 10); err != nil || len(due) > 0 {
				return false
			}
		}
		return true
	})
}

func TestAnOperatorHasAParkedDeadlineAnswered(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	eventually(t, "the operator's account has a notification", func() bool { return once(requested(t, s, notification.VerifyAddress)) })
	db := client(s.Endpoints().DynamoDB)
	for user := range requested(t, s, notification.VerifyAddress) {
		d := projection.Deadline{Name: "remind", At: time.Now(), ID: "parked", Reactor: "verification", Stream: es.NewStream("user", user), Version: 1, Parked: true}
		if err := (&dynamo.Deadlines{Table: prefix + "-deadlines", Client: db}).SetDeadline(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		note := projection.Parked{View: "verification", Generation: 1, Stream: "deadline#parked", Version: 1, Error: "as told", Attempts: 1, FirstAt: d.At, LastAt: d.At}
		if err := (&dynamo.Parked{Table: prefix + "-parked", Client: db}).Park(t.Context(), note); err != nil {
			t.Fatal(err)
		}
	}
	a := operatorOf(t, s).Expect(t, 200, "POST", "/admin/parked/redrive", map[string]string{"view": "verification"})
	if a.Body["healed"] != 1.0 || a.Body["parked"] != 0.0 || a.Body["complete"] != true {
		t.Errorf("redrive: %s", a.Raw)
	}
	if count := requested(t, s, notification.VerifyAddressReminder); !once(count) {
		t.Errorf("reminders by account: %v", count)
	}
}
