package notification

import (
	"maps"
	"reflect"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
)

type given = events.Notification

var (
	requested = events.NotificationRequested{UserID: ada, Kind: "verify-address", Stream: "user#" + ada, Version: 1}
	attempted = events.NotificationMailAttempted{Attempt: 1, At: estest.Now}
	long      = events.NotificationMailAttempted{Attempt: 1, At: estest.Now.Add(-underWay)}
	again     = events.NotificationMailAttempted{Attempt: 2, At: estest.Now.Add(-underWay)}
	refused   = events.NotificationMailRefused{Attempt: 1, Reason: "TooManyRequestsException"}
	sent      = events.NotificationMailSent{MessageID: "m"}
	skipped   = events.NotificationMailSkipped{Reason: skipErased}
	givenUp   = events.NotificationMailGivenUp{Attempts: 2}
)

func TestANotificationIsRequestedOnce(t *testing.T) {
	request := Request{UserID: ada, Kind: VerifyAddress, Stream: account_, Version: 1}
	estest.Given[Notification, given](t).When(request).Then(requested)
	estest.Given[Notification, given](t, requested).When(request).Then()
}

func TestANotificationIsReadOnceAndByItsOwner(t *testing.T) {
	read := events.NotificationRead{UserID: ada}
	estest.Given[Notification, given](t, requested).When(Read{ada}).Then(read)
	estest.Given[Notification, given](t, requested, sent, read).When(Read{ada}).Then()
	estest.Given[Notification, given](t, requested).When(Read{"another"}).ThenRefused(api.ErrNotFound)
	estest.Given[Notification, given](t).When(Read{ada}).ThenRefused(api.ErrNotFound)
	estest.Given[Notification, given](t).When(Read{}).ThenRefused(api.ErrNotFound)
}

func TestAMailIsAttemptedTwiceAtMostWithoutKnowingWhatCameOfIt(t *testing.T) {
	first, second := AttemptMail{1}, AttemptMail{2}
	now := events.NotificationMailAttempted{Attempt: 2, At: estest.Now}
	estest.Given[Notification, given](t, requested).When(first).Then(attempted)
	estest.Given[Notification, given](t, requested, long).When(second).Then(now)
	estest.Given[Notification, given](t, requested, attempted, refused).When(second).Then(now)
	for _, settled := range []given{sent, skipped, givenUp} {
		estest.Given[Notification, given](t, requested, settled).When(first).ThenRefused(errNotNow)
	}
	estest.Given[Notification, given](t).When(first).ThenRefused(errNotNow)
	estest.Given[Notification, given](t, requested, long).When(first).ThenRefused(errNotNow)
	estest.Given[Notification, given](t, requested, attempted).When(second).ThenRefused(errNotNow) // it is under way
	estest.Given[Notification, given](t, requested, long, again).When(AttemptMail{3}).ThenRefused(errNotNow)
}

func TestAMailIsSettledOnce(t *testing.T) {
	for _, c := range []struct {
		command es.Command[Notification, given]
		event   given
	}{
		{RecordMail{"m"}, sent}, {SkipMail{skipErased}, skipped}, {GiveUpMail{}, givenUp},
	} {
		estest.Given[Notification, given](t, requested, long, again).When(c.command).Then(c.event)
		for _, settled := range []given{sent, skipped, givenUp} {
			estest.Given[Notification, given](t, requested, long, again, settled).When(c.command).Then()
		}
	}
	refusal := RefuseMail{1, "TooManyRequestsException"}
	estest.Given[Notification, given](t, requested, attempted).When(refusal).Then(refused)
	estest.Given[Notification, given](t, requested, attempted, sent).When(refusal).Then()
}

func TestAnInboxIsReadThroughTheMoment(t *testing.T) {
	read := events.InboxRead{Through: estest.Now}
	estest.Given[Inbox, events.Inbox](t).When(ReadAll{}).Then(read)
	estest.Given[Inbox, events.Inbox](t, events.InboxRead{Through: estest.Now.Add(-1)}).When(ReadAll{}).Then(read)
	estest.Given[Inbox, events.Inbox](t, read).When(ReadAll{}).Then()
}

func TestPreferencesAreSetOnce(t *testing.T) {
	off := events.InboxPreferencesSet{EmailOff: []string{"files"}}
	estest.Given[Inbox, events.Inbox](t).When(SetPreferences{[]Group{Files}}).Then(off)
	estest.Given[Inbox, events.Inbox](t, off).When(SetPreferences{[]Group{Files}}).Then()
	estest.Given[Inbox, events.Inbox](t, off).When(SetPreferences{}).Then(events.InboxPreferencesSet{EmailOff: []string{}})
	estest.Given[Inbox, events.Inbox](t).When(SetPreferences{}).Then()
}

func TestAnAddressIsSuppressedForGoodReasonOnce(t *testing.T) {
	bounced := events.MailboxSuppressed{Reason: "bounce", NotificationID: "n"}
	estest.Given[Mailbox, events.Mailbox](t).When(SuppressMailbox{"bounce", true, "n"}).Then(bounced)
	estest.Given[Mailbox, events.Mailbox](t).When(SuppressMailbox{"bounce", false, "n"}).Then()
	estest.Given[Mailbox, events.Mailbox](t, bounced).When(SuppressMailbox{"complaint", true, "m"}).Then()
}

func TestAViewShowsANotificationAndWhetherItIsRead(t *testing.T) {
	var row NotificationRow
	for i, e := range []events.Event{requested, attempted, sent} {
		row = applyToNotification(row, es.Recorded{Event: e, Stream: "notification#n", Version: es.Version(i + 1), At: estest.Now.Add(time.Duration(i))})
	}
	want := NotificationRow{ID: "n", UserID: ada, Kind: VerifyAddress, Stream: account_, CreatedAt: estest.Now, Version: 3}
	if row != want {
		t.Errorf("got %+v, want %+v", row, want)
	}
	places := func(r NotificationRow) [2]bool {
		return [2]bool{!Notifications.Lists[all](r).Nowhere(), !Notifications.Lists[unread](r).Nowhere()}
	}
	if got := places(row); got != [2]bool{true, true} {
		t.Errorf("unread, it is listed %v", got)
	}
	row = applyToNotification(row, es.Recorded{Event: events.NotificationRead{UserID: ada}, Stream: "notification#n", Version: 4})
	if got := places(row); !row.Read || got != [2]bool{true, false} {
		t.Errorf("read, it is %+v and listed %v", row, got)
	}
	earlier, later := newestFirst(estest.Now), newestFirst(estest.Now.Add(time.Millisecond))
	if later >= earlier {
		t.Errorf("%s is not before %s", later, earlier)
	}
	for read, want := range map[time.Duration]bool{-1: false, 0: true, 1: true} {
		shown := want && row.reply(Inbox{ReadThrough: row.CreatedAt}).Read
		if (Inbox{ReadThrough: row.CreatedAt.Add(read)}).covers(row) != want || shown != want {
			t.Errorf("read through %v after it, it counts as read: %v", read, !want)
		}
	}
}

func TestEveryKindSaysSomethingOfItsOwn(t *testing.T) {
	titles := map[string]Kind{}
	for kind, says := range kinds {
		if says.Title == "" || says.Text == "" || says.Group == "" || titles[says.Title] != "" {
			t.Errorf("%s says %+v", kind, says)
		}
		titles[says.Title] = kind
	}
	if unknown := Kind("of-tomorrow").about(); unknown.Title == "" || unknown.Group != Security {
		t.Errorf("an unknown kind says %+v", unknown)
	}
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
		w := newWorld(t)
		w.happens(account_, created, c.more...)
		w.runs(2, c.passes)
		got := w.told()
		delete(got, EmailChanged)
		want := map[Kind]int{VerifyAddress: 1 + len(c.more)/2}
		if c.reminders > 0 {
			want[VerifyAddressReminder] = c.reminders
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
}

func TestPeopleAreToldOnceOfWhatHappensToTheirAccount(t *testing.T) {
	for what, c := range map[string]struct {
		event events.Event
		want  map[Kind]int
	}{
		"changed address":  {events.UserEmailChanged{Old: "ada@example.com", New: "ada@lovelace.example"}, map[Kind]int{EmailChanged: 1, VerifyAddress: 1}},
		"changed password": {events.UserPasswordChanged{PasswordHash: "other"}, map[Kind]int{PasswordChanged: 1}},
		"asked again":      {events.UserVerificationRequested{}, map[Kind]int{VerifyAddress: 1}},
		"asked for reset":  {events.UserPasswordResetRequested{RequestID: "r", ExpiresAt: since.Add(2 * time.Hour)}, map[Kind]int{ResetPassword: 1}},
		"changed name":     {events.UserNameChanged{Old: "Ada", New: "Countess"}, map[Kind]int{}},
	} {
		w := newWorld(t)
		w.happens(account_, created)
		w.happens(account_, c.event)
		w.runs(2, time.Minute)
		want := maps.Clone(c.want)
		want[VerifyAddress]++ // of the account
		if got := w.told(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
		if p := w.parked(); len(p) > 0 {
			t.Errorf("%s: %+v", what, p)
		}
	}
}

func TestPeopleAreToldOfFilesSharedWithThemAndOfTheirOwnThatAreRejected(t *testing.T) {
	upload := events.FileUploadRequested{OwnerID: ada, Name: "notes.txt", Size: 1, ContentType: "text/plain"}
	other := upload
	other.OwnerID = "0197a0f0-0000-7000-8000-000000000002"
	for what, c := range map[string]struct {
		file []events.Event
		want map[Kind]int
	}{
		"shared":   {[]events.Event{other, events.FileAvailable{}, events.FileShared{UserID: ada, Permission: "read"}}, map[Kind]int{FileShared: 1}},
		"rejected": {[]events.Event{upload, events.FileRejected{Reason: "checksum-mismatch"}}, map[Kind]int{FileRejected: 1}},
		"expired":  {[]events.Event{upload, events.FileRejected{Reason: "expired"}}, map[Kind]int{}},
		"renamed":  {[]events.Event{upload, events.FileRenamed{OwnerID: ada, Old: "a", New: "b"}}, map[Kind]int{}},
	} {
		w := newWorld(t)
		w.happens(account_, created, events.UserEmailVerified{})
		w.happens("file#f", c.file[0], c.file[1:]...)
		w.runs(2, time.Minute)
		want := maps.Clone(c.want)
		want[VerifyAddress] = 1
		if got := w.told(); !reflect.DeepEqual(got, want) || len(w.parked()) > 0 {
			t.Errorf("%s: got %v, want %v; parked %+v", what, got, want, w.parked())
		}
	}
}

func TestPeopleAreToldOfTheirPayments(t *testing.T) {
	asked := events.PaymentRequested{PayerID: ada, Amount: 1999, Currency: "EUR", Method: "approve", Capture: "automatic", Provider: "sandbox"}
	for what, c := range map[string]struct {
		payment []events.Event
		want    map[Kind]int
	}{
		"requested": {[]events.Event{asked, events.PaymentAuthorized{PayerID: ada}}, map[Kind]int{}},
		"captured":  {[]events.Event{asked, events.PaymentAuthorized{PayerID: ada}, events.PaymentCaptured{PayerID: ada}}, map[Kind]int{PaymentCaptured: 1}},
		"declined":  {[]events.Event{asked, events.PaymentDeclined{PayerID: ada}}, map[Kind]int{PaymentDeclined: 1}},
		"refunded twice": {[]events.Event{asked, events.PaymentCaptured{PayerID: ada}, events.PaymentRefunded{PayerID: ada, RefundID: "1"}, events.PaymentRefunded{PayerID: ada, RefundID: "2"}},
			map[Kind]int{PaymentCaptured: 1, PaymentRefunded: 2}},
	} {
		w := newWorld(t)
		w.happens(account_, created)
		w.happens("payment#p", c.payment[0], c.payment[1:]...)
		w.runs(2, time.Minute)
		want := maps.Clone(c.want)
		want[VerifyAddress] = 1
		if got := w.told(); !reflect.DeepEqual(got, want) || len(w.parked()) > 0 {
			t.Errorf("%s: got %v, want %v; parked %+v", what, got, want, w.parked())
		}
	}
}
