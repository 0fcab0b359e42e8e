package payment

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/projection/projectiontest"
)

const (
	ada = "0197a0f0-0000-7000-8000-000000000001"
	eve = "0197a0f0-0000-7000-8000-000000000002"
	id  = "0197a0f0-0000-7000-8000-000000000003"
)

var (
	requested  = events.PaymentRequested{PayerID: ada, Amount: 100, Currency: "EUR", Method: "approve", Capture: "manual", Provider: "sandbox", Description: "Order 7"}
	automatic  = events.PaymentRequested{PayerID: ada, Amount: 100, Currency: "EUR", Method: "approve", Capture: "automatic", Provider: "sandbox", Description: "Order 7"}
	authorized = events.PaymentAuthorized{PayerID: ada, Reference: "ref", Amount: 100, ExpiresAt: estest.Now.Add(authorizationLife)}
	capturing  = events.PaymentCaptureRequested{CaptureID: "c1", Reference: "ref", Amount: 60, Currency: "EUR"}
	captured   = events.PaymentCaptured{PayerID: ada, Amount: 60, Currency: "EUR"}
	canceling  = events.PaymentCancelRequested{PayerID: ada, Reference: "ref"}
	early      = events.PaymentCancelRequested{PayerID: ada}
	canceled   = events.PaymentCanceled{PayerID: ada}
	declined   = events.PaymentDeclined{PayerID: ada, Amount: 100, Currency: "EUR", Code: "lost_card"}
	expired    = events.PaymentExpired{PayerID: ada, Reference: "ref"}
	refunding  = events.PaymentRefundRequested{RefundID: "r1", Reference: "ref", Amount: 40, Currency: "EUR"}
	refunded   = events.PaymentRefunded{PayerID: ada, RefundID: "r1", Amount: 40, Currency: "EUR"}
	bounced    = events.PaymentRefundFailed{RefundID: "r1", Code: "closed"}
	disputed   = events.PaymentDisputed{PayerID: ada}
	erased     = events.PaymentPayerErased{PayerID: ada}

	payer = Actor{ID: ada}
)

func given(t *testing.T, history ...events.Payment) *estest.Spec[Payment, events.Payment] {
	t.Helper()
	return estest.Given[Payment, events.Payment](t, history...)
}

func TestAPaymentIsRequestedOnce(t *testing.T) {
	c := Request{PayerID: ada, Provider: "sandbox", Method: "approve", Currency: "EUR", Capture: "manual", Description: "Order 7", Amount: 100}
	given(t).When(c).Then(requested)
	given(t, requested).When(c).ThenRefused(ErrExists)
}

func TestAPaymentIsCapturedWhenItIsAuthorized(t *testing.T) {
	c := RequestCapture{By: payer, CaptureID: "c1", Amount: 60}
	given(t, requested, authorized).When(c).Then(capturing)
	given(t, requested, authorized).When(RequestCapture{By: Actor{ID: eve, Operator: true}, CaptureID: "c1", Amount: 60}).Then(capturing)
	given(t, requested, authorized).When(RequestCapture{By: payer, CaptureID: "c1"}).Then(events.PaymentCaptureRequested{CaptureID: "c1", Reference: "ref", Amount: 100, Currency: "EUR"})
	given(t, requested, authorized, capturing, events.PaymentCaptureFailed{CaptureID: "c1", Code: "x"}).When(c).Then(capturing)
	given(t, requested, authorized).When(RequestCapture{By: payer, Amount: 101}).ThenRefused(ErrCaptureTooHigh)
	given(t).When(c).ThenRefused(ErrNotFound)
	given(t, requested, authorized).When(RequestCapture{By: Actor{ID: eve}}).ThenRefused(ErrNotFound)
	late := authorized
	late.ExpiresAt = estest.Now
	for _, history := range [][]events.Payment{
		{requested}, {requested, declined}, {requested, authorized, capturing}, {requested, authorized, captured}, {requested, authorized, canceling},
		{requested, authorized, canceled}, {requested, authorized, expired}, {automatic, authorized}, {requested, late},
	} {
		given(t, history...).When(c).ThenRefused(ErrNotCapturable)
	}
}

func TestAPaymentIsCanceledBeforeItIsCaptured(t *testing.T) {
	c := RequestCancel{payer}
	given(t, requested).When(c).Then(early)
	given(t, automatic).When(c).Then(early)
	given(t, requested, authorized).When(c).Then(canceling)
	given(t, requested, authorized).When(RequestCancel{Actor{ID: eve, Operator: true}}).Then(canceling)
	given(t, requested, authorized, canceling).When(c).Then()
	given(t, requested, early).When(c).Then()
	given(t, requested, authorized, canceling, canceled).When(c).Then()
	given(t, requested, authorized, canceled).When(c).Then()
	given(t).When(c).ThenRefused(ErrNotFound)
	given(t, requested).When(RequestCancel{Actor{ID: eve}}).ThenRefused(ErrNotFound)
	for _, history := range [][]events.Payment{
		{requested, declined}, {requested, authorized, capturing}, {requested, authorized, captured}, {requested, authorized, expired},
		{automatic, early, authorized, captured},
	} {
		given(t, history...).When(c).ThenRefused(ErrNotCancelable)
	}
}

func TestWhatWasCapturedIsGivenBackOnce(t *testing.T) {
	c := RequestRefund{By: payer, RefundID: "r1", Amount: 40, Reason: "Late"}
	reason := events.PaymentRefundReasonGiven{PayerID: ada, RefundID: "r1", Reason: "Late"}
	paid := []events.Payment{requested, authorized, captured}
	after := func(more ...events.Payment) *estest.Spec[Payment, events.Payment] {
		return given(t, slices.Concat(paid, more)...)
	}
	after().When(c).Then(refunding, reason)
	after().When(RequestRefund{By: payer, RefundID: "r1", Reason: "Late"}).Then(events.PaymentRefundRequested{RefundID: "r1", Reference: "ref", Amount: 60, Currency: "EUR"}, reason)
	after(refunding).When(RequestRefund{By: payer, RefundID: "r2", Amount: 21}).ThenRefused(ErrRefundTooHigh)
	after(refunding, refunded).When(RequestRefund{By: payer, RefundID: "r2", Amount: 21}).ThenRefused(ErrRefundTooHigh)
	after(refunding, bounced).When(RequestRefund{By: payer, RefundID: "r1", Amount: 40, Reason: "Late"}).Then(refunding, reason)
	after(erased).When(c).Then(refunding)
	after().When(RequestRefund{By: payer, Amount: 61}).ThenRefused(ErrRefundTooHigh)
	after(disputed).When(c).ThenRefused(ErrNotRefundable)
	after(events.PaymentRefundRequested{RefundID: "r0", Amount: 60}).When(c).ThenRefused(ErrNotRefundable)
	after().When(RequestRefund{By: Actor{ID: eve}}).ThenRefused(ErrNotFound)
	given(t).When(c).ThenRefused(ErrNotFound)
	given(t, requested, authorized).When(c).ThenRefused(ErrNotRefundable)
}

func TestAPaymentIsGivenBackInSoManyPartsThatItsRowCanBeStored(t *testing.T) {
	history := []events.Payment{requested, authorized, captured}
	row := applyToPayment(PaymentRow{}, recorded(history...)[0])
	for n := range maxRefunds {
		c := RequestRefund{By: payer, RefundID: es.DeriveID(strconv.Itoa(n)), Amount: 1, Reason: strings.Repeat("\U0001f4b6", 500)}
		asked := events.PaymentRefundRequested{RefundID: c.RefundID, Reference: "ref", Amount: 1, Currency: "EUR"}
		given(t, history...).When(c).Then(asked, events.PaymentRefundReasonGiven{PayerID: ada, RefundID: c.RefundID, Reason: c.Reason})
		history = append(history, asked)
		row = applyToPayment(row, es.Recorded{Version: 2, Event: asked})
		row = applyToPayment(row, es.Recorded{Version: 3, Event: events.PaymentRefundReasonGiven{RefundID: c.RefundID, Reason: c.Reason}})
		history = append(history, events.PaymentRefundFailed{RefundID: c.RefundID, Code: "closed"})
	}
	given(t, history...).When(RequestRefund{By: payer, RefundID: "r1", Amount: 1, Reason: "Late"}).ThenRefused(ErrTooManyRefunds)
	if text, err := json.Marshal(row); err != nil || len(text) > 200<<10 {
		t.Errorf("the row has %d bytes (%v)", len(text), err)
	}
}

func TestAnAuthorizationExpiresUnlessSomethingIsUnderWay(t *testing.T) {
	late := authorized
	late.ExpiresAt = estest.Now
	given(t, requested, late).When(Expire{}).Then(expired)
	for _, history := range [][]events.Payment{
		nil, {requested}, {requested, authorized}, {requested, late, capturing}, {requested, late, canceling}, {requested, late, captured}, {requested, late, expired},
	} {
		given(t, history...).When(Expire{}).Then()
	}
}

func TestAPayerIsErasedOnce(t *testing.T) {
	given(t, requested).When(ErasePayer{ada}).Then(erased)
	given(t, requested, erased).When(ErasePayer{ada}).Then()
	given(t, requested).When(ErasePayer{eve}).Then()
	given(t).When(ErasePayer{ada}).Then()
}

func record(r Report) Record {
	r.Reference = "ref"
	return Record{PaymentID: id, Provider: "sandbox", Report: r}
}

func TestWhatTheProviderReportsIsRecordedOnce(t *testing.T) {
	back := events.PaymentRefundRequested{RefundID: es.DeriveID("cancel", id), Reference: "ref", Amount: 60, Currency: "EUR"}
	unwanted := authorized
	unwanted.Unwanted = true
	for _, c := range []struct {
		history []events.Payment
		report  Report
		want    []events.Payment
	}{
		{[]events.Payment{requested}, Report{}, nil},
		{[]events.Payment{requested}, Report{Authorized: 100}, []events.Payment{authorized}},
		{[]events.Payment{requested, early}, Report{Authorized: 100}, []events.Payment{unwanted}},
		{[]events.Payment{requested}, Report{Declined: "lost_card"}, []events.Payment{declined}},
		{[]events.Payment{automatic}, Report{Authorized: 100, Captured: 60}, []events.Payment{authorized, captured}},
		{[]events.Payment{automatic, early}, Report{Authorized: 100, Captured: 60}, []events.Payment{authorized, captured, back}},
		{[]events.Payment{automatic, early, unwanted}, Report{Authorized: 100, Captured: 60}, []events.Payment{captured, back}},
		{[]events.Payment{requested, authorized, capturing}, Report{Authorized: 100, Captured: 60}, []events.Payment{captured}},
		{[]events.Payment{requested, authorized, capturing}, Report{CaptureFailed: CaptureFailure{"c1", "x"}}, []events.Payment{events.PaymentCaptureFailed{CaptureID: "c1", Code: "x"}}},
		{[]events.Payment{requested, authorized, capturing}, Report{CaptureFailed: CaptureFailure{"c0", "x"}}, nil},
		{[]events.Payment{requested, authorized, canceling}, Report{Authorized: 100, Released: true}, []events.Payment{canceled}},
		{[]events.Payment{requested}, Report{Authorized: 100, Released: true}, []events.Payment{authorized, canceled}},
		{[]events.Payment{requested, authorized}, Report{Released: true, Expired: true}, []events.Payment{expired}},
		{[]events.Payment{requested, authorized, expired}, Report{Released: true}, nil},
		{[]events.Payment{requested, declined}, Report{Released: true}, nil},
		{[]events.Payment{requested, authorized, captured, refunding}, Report{Refunds: []RefundReport{{ID: "r1", Amount: 40}}}, []events.Payment{refunded}},
		{[]events.Payment{requested, authorized, captured, refunding}, Report{Refunds: []RefundReport{{ID: "r1", Amount: 40, Failed: "closed"}}}, []events.Payment{bounced}},
		{[]events.Payment{requested, authorized, captured, refunding, refunded}, Report{Refunds: []RefundReport{{ID: "r1", Amount: 40, Failed: "closed"}}}, []events.Payment{bounced}},
		{[]events.Payment{requested, authorized, captured, refunding, bounced}, Report{Refunds: []RefundReport{{ID: "r1", Amount: 40}}}, nil},
		{[]events.Payment{requested, authorized, captured}, Report{Refunds: []RefundReport{{ID: "not ours", Amount: 40}}}, nil},
		{[]events.Payment{requested, authorized, captured}, Report{Disputed: true}, []events.Payment{disputed}},
		{nil, Report{Authorized: 100}, nil},
	} {
		given(t, c.history...).When(record(c.report)).Then(c.want...)
		given(t, slices.Concat(c.history, c.want)...).When(record(c.report)).Then()
	}
	given(t, requested).When(Record{id, "stripe", Report{Authorized: 100}}).Then()
}

func TestAReportOfMoreThanWasAskedForIsRefused(t *testing.T) {
	given(t, requested).When(record(Report{Authorized: 101})).ThenRefused(ErrImpossible)
	given(t, requested).When(record(Report{Captured: 101})).ThenRefused(ErrImpossible)
	less := authorized
	less.Amount = 50
	given(t, requested, less).When(record(Report{Captured: 51})).ThenRefused(ErrImpossible)
	given(t, requested, authorized, captured, refunding).When(record(Report{Refunds: []RefundReport{{ID: "r1", Amount: 41}}})).ThenRefused(ErrImpossible)
}

func TestTheStatusFollowsFromWhatHappened(t *testing.T) {
	for _, c := range []struct {
		history  []events.Payment
		status   string
		underWay bool
	}{
		{nil, "", false},
		{[]events.Payment{requested}, Requested, true},
		{[]events.Payment{requested, early}, Requested, true},
		{[]events.Payment{requested, authorized}, Authorized, false},
		{[]events.Payment{automatic, authorized}, Authorized, true},
		{[]events.Payment{requested, authorized, capturing}, Authorized, true},
		{[]events.Payment{requested, authorized, canceling}, Authorized, true},
		{[]events.Payment{requested, authorized, captured}, Captured, false},
		{[]events.Payment{requested, authorized, expired, captured}, Captured, false},
		{[]events.Payment{requested, authorized, captured, refunding}, Captured, true},
		{[]events.Payment{requested, authorized, captured, refunding, refunded}, PartiallyRefunded, false},
		{[]events.Payment{requested, authorized, captured, refunding, refunded, bounced}, Captured, false},
		{[]events.Payment{requested, authorized, captured, events.PaymentRefundRequested{RefundID: "r2", Amount: 60}, events.PaymentRefunded{RefundID: "r2", Amount: 60}}, Refunded, false},
		{[]events.Payment{requested, authorized, captured, refunding, refunded, disputed}, Disputed, false},
		{[]events.Payment{requested, declined}, Declined, false},
		{[]events.Payment{requested, authorized, canceled}, Canceled, false},
		{[]events.Payment{requested, authorized, expired}, Expired, false},
	} {
		var p Payment
		for _, e := range c.history {
			p = p.Evolve(e)
		}
		if p.Status() != c.status || p.UnderWay() != c.underWay {
			t.Errorf("%v: status %q, under way %v, want %q, %v", c.history, p.Status(), p.UnderWay(), c.status, c.underWay)
		}
	}
}

// recorded gives events as a view sees them, a second apart.
func recorded(all ...events.Payment) (out []es.Recorded) {
	for i, e := range all {
		out = append(out, es.Recorded{Stream: es.NewStream(category, id), Version: es.Version(i + 1), At: estest.Now.Add(time.Duration(i) * time.Second), Event: e})
	}
	return out
}

func TestTheViewShowsAPaymentAndForgetsItsPayer(t *testing.T) {
	var row PaymentRow
	for _, e := range recorded(requested, authorized, capturing, captured, refunding, events.PaymentRefundReasonGiven{PayerID: ada, RefundID: "r1", Reason: "Late"}, refunded) {
		row = Payments.Apply(row, e)
	}
	expires := authorized.ExpiresAt
	want := PaymentReply{
		ID: id, PayerID: ada, Status: PartiallyRefunded, Amount: 100, Currency: "EUR", Method: "approve", Provider: "sandbox", Description: "Order 7",
		Capture: "manual", Authorized: 100, Captured: 60, Refunded: 40, Refunds: []RefundReply{{"r1", 40, RefundDone, "Late"}}, ExpiresAt: &expires,
		CreatedAt: estest.Now, UpdatedAt: estest.Now.Add(6 * time.Second), Version: 7,
	}
	if got := row.reply(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	place := Payments.Lists[byPayer](row)
	if place.Partition != ada || Payments.Lists[ofAll](row).Partition != "all" {
		t.Errorf("it is listed at %v", place)
	}
	later := row
	later.CreatedAt = later.CreatedAt.Add(time.Second)
	if Payments.Lists[byPayer](later).Sort >= place.Sort {
		t.Error("a newer payment comes after an older one")
	}
	row = Payments.Apply(row, es.Recorded{Stream: es.NewStream(category, id), Version: 8, At: estest.Now, Event: erased})
	if got := row.reply(); got.Description != "" || got.Refunds[0].Reason != "" || got.Status != PartiallyRefunded || !Payments.Lists[byPayer](row).Nowhere() {
		t.Errorf("after the erasure it shows %+v", got)
	}
}

func TestSumsCountEachPaymentWhereItIs(t *testing.T) {
	var p Payment
	for i, want := range []map[string]int64{
		{"requested EUR count": 1, "requested EUR sum": 100}, {"authorized EUR count": 1, "authorized EUR sum": 100}, {"captured EUR count": 1, "captured EUR sum": 60},
	} {
		p = Sums.Apply(p, recorded(requested, authorized, captured)[i])
		if got := Sums.Count(p)[sums]; !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	if got := Sums.Count(Payment{}); got != nil {
		t.Errorf("nothing counts as %v", got)
	}
}

// asking is a provider that notes what it is asked and knows of nothing.
type asking struct {
	Provider
	asked []string
}

func (*asking) Name() string { return "sandbox" }

func (a *asking) note(what, key string) (Report, error) {
	if !es.ValidID(key) {
		what += " without a key"
	}
	a.asked = append(a.asked, what)
	return Report{}, nil
}

func (a *asking) Authorize(_ context.Context, key string, c Charge) (Report, error) {
	if c.Capture {
		return a.note("charge", key)
	}
	return a.note("authorize", key)
}

func (a *asking) Capture(_ context.Context, key string, c Capture) (Report, error) {
	return a.note("capture "+c.Reference+c.CaptureID, key)
}

func (a *asking) Void(_ context.Context, key, _, reference string) (Report, error) {
	return a.note("void "+reference, key)
}

func (a *asking) Refund(_ context.Context, key string, r Repayment) (Report, error) {
	return a.note("refund "+r.Reference+r.RefundID, key)
}

func TestTheProviderIsAskedForWhatWasRequested(t *testing.T) {
	unwanted := authorized
	unwanted.Unwanted = true
	for _, c := range []struct {
		history []events.Payment
		passes  time.Duration
		want    []string
	}{
		{[]events.Payment{requested}, 0, []string{"authorize"}},
		{[]events.Payment{automatic}, 0, []string{"charge"}},
		{[]events.Payment{requested, early}, 0, []string{"authorize"}},
		{[]events.Payment{requested, early, unwanted}, 0, []string{"authorize", "void ref"}},
		{[]events.Payment{requested, authorized, canceling}, 0, []string{"authorize", "void ref"}},
		{[]events.Payment{requested, authorized, capturing}, 0, []string{"authorize", "capture refc1"}},
		{[]events.Payment{requested, authorized, captured, refunding}, 8 * 24 * time.Hour, []string{"authorize", "refund refr1"}},
		{[]events.Payment{requested, authorized}, authorizationLife - time.Hour, []string{"authorize"}},
		{[]events.Payment{requested, authorized}, authorizationLife + time.Hour, []string{"authorize", "void ref"}},
	} {
		if got := askedFor(t, 0, c.passes, c.history); !slices.Equal(got, c.want) {
			t.Errorf("%v, after %v: asked for %v, want %v", c.history, c.passes, got, c.want)
		}
	}
}

// A provider does not remember keys for ever.
func TestWhatIsDecidedIsNotAskedForAgainLongAfter(t *testing.T) {
	for _, c := range []struct {
		history []events.Payment
		want    []string
	}{
		{[]events.Payment{requested}, []string{"authorize"}},
		{[]events.Payment{requested, authorized}, nil},
		{[]events.Payment{requested, declined}, nil},
		{[]events.Payment{automatic, authorized}, []string{"charge"}},
		{[]events.Payment{requested, authorized, capturing}, []string{"capture refc1"}},
		{[]events.Payment{requested, authorized, capturing, events.PaymentCaptureFailed{CaptureID: "c1", Code: "x"}}, nil},
		{[]events.Payment{requested, authorized, canceling}, []string{"void ref"}},
		{[]events.Payment{requested, authorized, canceling, canceled}, nil},
		{[]events.Payment{requested, authorized, captured, refunding}, []string{"refund refr1"}},
		{[]events.Payment{requested, authorized, captured, refunding, bounced}, nil},
	} {
		if got := askedFor(t, keyLife, 0, c.history); !slices.Equal(got, c.want) {
			t.Errorf("%v: asked for %v, want %v", c.history, got, c.want)
		}
	}
}

// askedFor runs what happened to a payment some time ago through the reactor, lets more time
// pass, and tells what the provider is asked for.
func askedFor(t *testing.T, ago, passes time.Duration, history []events.Payment) []string {
	t.Helper()
	var (
		ctx      = t.Context()
		provider = new(asking)
		now      = time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
		clock    = func() time.Time { return now }
		store    = new(estest.Memory)
		memory   = new(projectiontest.Memory)
	)
	p := &projection.Projector{
		Store: store, Rows: memory, Parked: memory, Deadlines: memory, Projections: (&Module{Executor: es.Executor{Repository: es.Repository{Store: store}, Now: clock}, Provider: provider}).Reactors(), Now: clock,
		Executor: &es.Executor{Repository: es.Repository{Store: store}, Now: clock},
	}
	tip := es.StartOf(es.NewStream(category, id))
	for _, e := range history {
		if a, ok := e.(events.PaymentAuthorized); ok {
			a.ExpiresAt = now.Add(authorizationLife)
			e = a
		}
		pending, err := tip.Next(es.Meta{CommandID: e.EventType()}, now, e)
		if err == nil {
			err = store.Append(ctx, pending)
		}
		if err == nil {
			tip, err = tip.Follow(pending.Commit())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	deliver := func() {
		for c, err := range store.Read(ctx, tip.Stream(), es.Range{}) {
			if err != nil {
				t.Fatal(err)
			}
			if failed := p.Project(ctx, []es.Commit{c}); len(failed) > 0 {
				t.Fatal(failed)
			}
		}
	}
	now = now.Add(ago)
	deliver()
	now = now.Add(passes)
	if _, err := (&projection.Clock{Projector: p}).Tick(ctx, now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	deliver()
	return provider.asked
}

func TestACurrencyIsOneOfISO4217(t *testing.T) {
	for _, code := range []string{"EUR", "JPY", "KWD", "ZWG"} {
		if !isCurrency(code) {
			t.Errorf("%s is no currency", code)
		}
	}
	for _, code := range []string{"", "EU", "eur", "XYZ", "R U", "EURO", "UR ", "MGA"} {
		if isCurrency(code) {
			t.Errorf("%q is a currency", code)
		}
	}
}
