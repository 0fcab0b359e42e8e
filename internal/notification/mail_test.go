package notification

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
)

func TestMailGoesWhereItBelongsWithWhatIsNeeded(t *testing.T) {
	w := newWorld(t)
	w.happens(account_, created)
	w.runs(1, time.Minute)
	w.happens(account_, events.UserEmailChanged{Old: "ada@example.com", New: "ada@lovelace.example"})
	w.runs(1, time.Minute)
	w.happens(account_, events.UserPasswordResetRequested{RequestID: "r", ExpiresAt: w.now.Add(time.Hour)})
	w.runs(1, time.Minute)
	w.happens(account_, events.UserPasswordChanged{PasswordHash: "other"})
	w.runs(3, time.Minute)
	want := []string{
		"ada@example.com: Confirm your email address",
		"ada@lovelace.example: Confirm your email address",
		"ada@example.com: Your email address was changed",
		"ada@lovelace.example: Set another password",
		"ada@lovelace.example: Your password was changed",
	}
	got := w.mailed()
	slices.Sort(got)
	slices.Sort(want)
	if !reflect.DeepEqual(got, want) || len(w.post.keys) != len(want) {
		t.Errorf("under %d keys %q was mailed, want %q", len(w.post.keys), got, want)
	}
	for _, m := range w.post.sent {
		token := map[string]string{"Confirm your email address": "verify_" + m.To, "Set another password": "reset_r"}[m.Subject]
		for part, text := range map[string]string{"text": m.Text, "HTML": m.HTML} {
			if !strings.Contains(text, m.Subject) || token == "" == strings.Contains(text, "#token=") || !strings.Contains(text, token) {
				t.Errorf("the %s of %s to %s is %s", part, m.Subject, m.To, text)
			}
		}
		if m.From != "annals@example.com" || !es.ValidID(m.NotificationID) {
			t.Errorf("%s is from %s for %s", m.Subject, m.From, m.NotificationID)
		}
	}
}

func TestTheLinkInMailIsOneThatBrowsersTake(t *testing.T) {
	l := letter{told: kinds[ResetPassword], Origin: "https://annals.example", Path: "/auth/password/reset", Token: "a-b_c"}
	text, html := l.write()
	const link = "https://annals.example/auth/password/reset#token=a-b_c"
	if !strings.Contains(text, link+"\n") || !strings.Contains(html, `href="`+link+`"`) {
		t.Errorf("text %s, HTML %s", text, html)
	}
	l.Text = "<b> & co"
	if text, html = l.write(); !strings.Contains(text, "<b> & co") || !strings.Contains(html, "&lt;b&gt; &amp; co") {
		t.Errorf("text %s, HTML %s", text, html)
	}
}

func TestThereIsNoMailThatShouldNotBe(t *testing.T) {
	inbox := es.NewStream("inbox", ada)
	changed := []events.Event{created, events.UserPasswordChanged{PasswordHash: "other"}}
	for what, c := range map[string]struct {
		account []events.Event
		more    map[es.Stream]events.Event
		want    []string // sorted
	}{
		"erased":                          {[]events.Event{events.UserCreated{UserID: ada, Email: events.Erased, Name: events.Erased}, events.UserPasswordChanged{}}, nil, []string{skipErased, skipErased}},
		"about to be erased":              {[]events.Event{created, events.UserPasswordChanged{}, events.UserErasureRequested{}}, nil, []string{skipErased, skipErased}},
		"suspended, but about security":   {append(changed[:2:2], events.UserSuspended{Reason: "spam"}), nil, nil},
		"files, of somebody suspended":    {[]events.Event{created, events.UserSuspended{Reason: "spam"}}, nil, []string{skipSuspended}},
		"files, of somebody reactivated":  {[]events.Event{created, events.UserSuspended{Reason: "spam"}, events.UserReactivated{}}, nil, nil},
		"files, switched off":             {[]events.Event{created}, map[es.Stream]events.Event{inbox: events.InboxPreferencesSet{EmailOff: []string{"files"}}}, []string{skipPreferences}},
		"verified in the meantime":        {[]events.Event{created, events.UserEmailVerified{}}, nil, []string{skipObsolete}},
		"another address in the meantime": {[]events.Event{created, events.UserEmailChanged{Old: "ada@example.com", New: "ada@lovelace.example"}}, nil, []string{skipObsolete}},
		"another password in the meantime": {[]events.Event{events.UserCreated{UserID: ada, Email: "a@example.com"}, events.UserEmailVerified{},
			events.UserPasswordResetRequested{RequestID: "r", ExpiresAt: since.Add(9 * time.Hour)}, events.UserPasswordChanged{}}, nil, []string{skipObsolete, skipObsolete}},
		"another address since a request": {[]events.Event{events.UserCreated{UserID: ada, Email: "a@example.com"}, events.UserPasswordResetRequested{RequestID: "r", ExpiresAt: since.Add(9 * time.Hour)},
			events.UserEmailChanged{Old: "a@example.com", New: "b@example.com"}, events.UserEmailVerified{}}, nil, []string{skipObsolete, skipObsolete, skipObsolete}},
		"a request that is over":           {[]events.Event{created, events.UserEmailVerified{}, events.UserPasswordResetRequested{RequestID: "r", ExpiresAt: since}}, nil, []string{skipObsolete, skipObsolete}},
		"suppressed":                       {changed, map[es.Stream]events.Event{"mailbox#ada@example.com": events.MailboxSuppressed{Reason: "bounce"}}, []string{skipSuppressed, skipSuppressed}},
		"switched off, but about security": {changed, map[es.Stream]events.Event{inbox: events.InboxPreferencesSet{EmailOff: []string{"security", "files"}}}, nil},
	} {
		w := newWorld(t)
		for s, e := range c.more {
			w.happens(s, e)
		}
		w.happens(account_, c.account[0], c.account[1:]...)
		if strings.HasPrefix(what, "files") {
			w.happens("file#f", events.FileShared{UserID: ada, Permission: "read"})
		}
		w.runs(3, time.Minute)
		got := w.skipped()
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: skipped %v, want %v; mailed %v", what, got, c.want, w.mailed())
		}
		if total := w.told(); len(w.post.sent)+len(got) != sum(total) {
			t.Errorf("%s: of %v %d were mailed and %d skipped", what, total, len(w.post.sent), len(got))
		}
	}
}

func sum(counts map[Kind]int) (n int) {
	for _, count := range counts {
		n += count
	}
	return n
}

func TestARefusedMailIsSentLaterOnce(t *testing.T) {
	w := newWorld(t)
	w.post.refuses = 3
	w.happens(account_, created)
	w.runs(1, 0)
	if len(w.post.sent) > 0 {
		t.Fatalf("mailed %v", w.mailed())
	}
	w.runs(20, time.Minute)
	if len(w.post.sent) != 1 || w.post.refuses > 0 || len(w.parked()) > 0 {
		t.Errorf("mailed %v, parked %+v", w.mailed(), w.parked())
	}
}

func TestAProviderThatNeverAnswersGetsAMailTwice(t *testing.T) {
	w := newWorld(t)
	w.post.silences = 100
	w.happens(account_, created)
	w.runs(20, time.Minute)
	if len(w.post.sent) != 2 || len(w.post.keys) != 1 {
		t.Errorf("mailed %v under %d keys", w.mailed(), len(w.post.keys))
	}
	all := w.happened("notification")
	if last := all[len(all)-1].Event; last != (events.NotificationMailGivenUp{Attempts: 2}) {
		t.Errorf("at last %+v", last)
	}
}

// crashes runs a new account through processes that die at these steps, and then through one
// that lives, each after some time. It gives how often the mail was sent, and how many steps the
// last one took.
func crashes(t *testing.T, passes time.Duration, steps ...int) (sent, took int) {
	t.Helper()
	w := newWorld(t)
	w.happens(account_, created)
	for _, step := range steps {
		w.crash.at(step)
		w.runs(2, passes)
		w.restart()
	}
	w.crash.steps = 0
	w.runs(1, passes) // at first, everything comes again at once
	w.runs(6, 2*time.Minute)
	took = w.crash.steps
	settled, givenUp := 0, false
	for _, r := range w.happened("notification") {
		switch r.Event.(type) {
		case events.NotificationMailSent:
			settled++
		case events.NotificationMailGivenUp:
			settled, givenUp = settled+1, true
		case events.NotificationMailSkipped:
			t.Errorf("crashes at %v: the mail was skipped", steps)
		}
	}
	if settled != 1 || len(w.parked()) > 0 || !reflect.DeepEqual(w.told(), map[Kind]int{VerifyAddress: 1}) {
		t.Errorf("crashes at %v: told %v, settled %d times, parked %+v", steps, w.told(), settled, w.parked())
	}
	if sent = len(w.post.sent); sent > 2 || sent == 0 && !givenUp {
		t.Errorf("crashes at %v: it was sent %d times, given up: %v", steps, sent, givenUp)
	}
	return sent, took
}

func TestACrashAtAnyStepSendsOneMoreAtMostEver(t *testing.T) {
	for _, passes := range []time.Duration{0, 2 * time.Minute} {
		sent, steps := crashes(t, passes)
		if sent != 1 || steps < 10 {
			t.Fatalf("without a crash it was sent %d times in %d steps", sent, steps)
		}
		twice := 0
		for first := range steps {
			sent, _ := crashes(t, passes, first)
			if sent < 1 {
				t.Errorf("a crash at step %d: it was never sent", first)
			}
			if sent == 2 {
				twice++
			}
			for second := range steps {
				crashes(t, passes, first, second)
				crashes(t, passes, first, second, second)
			}
		}
		// Between the mail and its record there is the end of the call, and the beginning and
		// the end of the append.
		if twice < 1 || twice > 3 {
			t.Errorf("crashes at %d of %d steps had it sent twice", twice, steps)
		}
	}
}

func TestMailToAnAddressEndsWithWhatCameBack(t *testing.T) {
	w := newWorld(t)
	w.happens(account_, created)
	w.runs(1, time.Minute)
	soft := Feedback{ID: "f1", Reason: "bounce", Addresses: []string{"ada@example.com"}, NotificationID: "n"}
	hard := Feedback{ID: "f2", Reason: "bounce", Permanent: true, Addresses: []string{"other@example.com", "ada@example.com"}, NotificationID: "n"}
	tell := func(f Feedback) {
		t.Helper()
		for range 2 {
			if err := w.module.Take(t.Context(), f); err != nil {
				t.Fatal(err)
			}
		}
		w.happens(account_, events.UserPasswordChanged{PasswordHash: "other"})
		w.runs(2, time.Minute)
	}
	tell(soft)
	if len(w.post.sent) != 2 || len(w.skipped()) > 0 {
		t.Errorf("after a bounce that may pass: mailed %v, skipped %v", w.mailed(), w.skipped())
	}
	tell(hard)
	if len(w.post.sent) != 2 || !slices.Equal(w.skipped(), []string{skipSuppressed}) || len(w.happened("mailbox")) != 2 {
		t.Errorf("after one that will not: mailed %v, skipped %v, mailboxes %v", w.mailed(), w.skipped(), w.happened("mailbox"))
	}
}

func TestNothingIsLeftToPurge(t *testing.T) {
	if steps, err := new(Module).Purge(t.Context(), ada); len(steps) > 0 || err != nil {
		t.Errorf("%v, error %v", steps, err)
	}
}
