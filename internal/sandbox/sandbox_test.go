package sandbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/es/estest"
	"github.com/interview-sandbox/annals/internal/payment"
	"github.com/interview-sandbox/annals/internal/sandbox"
	"github.com/interview-sandbox/annals/internal/sandbox/sandboxtest"
)

func TestTheLedgerInMemoryKeepsTheContract(t *testing.T) {
	sandboxtest.Ledger(t, new(sandboxtest.Memory))
}

const id = "0197a0f0-0000-7000-8000-000000000003"

var secret = []byte("secret")

// inbox receives webhooks, unless it is told to fail.
type inbox struct {
	got  []payment.Report
	ids  []string
	fail bool
	p    *sandbox.Provider
}

func (i *inbox) Send(ctx context.Context, signature string, body []byte) error {
	if i.fail {
		return errors.New("nobody is there")
	}
	w, err := i.p.ParseWebhook(ctx, estest.Now, map[string]string{strings.ToLower(sandbox.Header): signature}, body)
	i.got, i.ids = append(i.got, w.Report), append(i.ids, w.ID)
	return err
}

func provider() (*sandbox.Provider, *inbox) {
	i := new(inbox)
	i.p = &sandbox.Provider{
		Ledger: new(sandboxtest.Memory), Webhooks: i, Now: func() time.Time { return estest.Now },
		Secret: func(context.Context) ([]byte, error) { return secret, nil },
	}
	return i.p, i
}

func charge(method string, capture bool) payment.Charge {
	return payment.Charge{PaymentID: id, Amount: 100, Currency: "EUR", Method: method, Capture: capture}
}

var (
	authorized = payment.Report{Reference: id, Authorized: 100}
	captured   = payment.Report{Reference: id, Authorized: 100, Captured: 100}
	disputed   = payment.Report{Reference: id, Authorized: 100, Captured: 100, Disputed: true}
	unknown    = payment.Report{Reference: id}
)

func TestEachMethodDoesWhatItIsFor(t *testing.T) {
	declined := func(code string) payment.Report { return payment.Report{Reference: id, Declined: code} }
	for _, c := range []struct {
		method string
		answer payment.Report
		hooks  []payment.Report
	}{
		{sandbox.Approve, captured, []payment.Report{authorized, captured}},
		{sandbox.Decline, declined("card_declined"), []payment.Report{declined("card_declined")}},
		{sandbox.InsufficientFunds, declined("insufficient_funds"), []payment.Report{declined("insufficient_funds")}},
		{sandbox.WebhookTwice, unknown, []payment.Report{authorized, authorized, captured, captured}},
		{sandbox.WebhookOutOfOrder, unknown, []payment.Report{captured, authorized}},
		{sandbox.Dispute, disputed, []payment.Report{authorized, captured, disputed}},
	} {
		p, hooks := provider()
		if !p.Accepts(c.method) {
			t.Errorf("%s is not accepted", c.method)
		}
		for range 2 { // the second time nothing happens
			answer, err := p.Authorize(t.Context(), "key", charge(c.method, true))
			if err != nil || !reflect.DeepEqual(answer, c.answer) || !reflect.DeepEqual(hooks.got, c.hooks) {
				t.Errorf("%s: error %v\ngot  %+v, %+v\nwant %+v, %+v", c.method, err, answer, hooks.got, c.answer, c.hooks)
			}
		}
		if account, _, err := p.Account(t.Context(), id); account.Charges != 1 || err != nil {
			t.Errorf("%s: charged %d times, error %v", c.method, account.Charges, err)
		}
	}
	if p, _ := provider(); p.Accepts("pm_card_visa") {
		t.Error("a method of another provider is accepted")
	}
}

func TestACallThatTimesOutHasTakenEffect(t *testing.T) {
	p, _ := provider()
	if _, err := p.Authorize(t.Context(), "key", charge(sandbox.TimeoutThen, true)); !errors.Is(err, sandbox.ErrTimeout) {
		t.Errorf("the first call: error %v", err)
	}
	if answer, err := p.Authorize(t.Context(), "key", charge(sandbox.TimeoutThen, true)); err != nil || !reflect.DeepEqual(answer, captured) {
		t.Errorf("the second call: %+v, error %v", answer, err)
	}
	if account, _, _ := p.Account(t.Context(), id); account.Charges != 1 {
		t.Errorf("charged %d times", account.Charges)
	}
}

func TestTheLedgerNotesWhatWouldHaveBeenTooMuch(t *testing.T) {
	p, _ := provider()
	ctx := t.Context()
	for _, step := range []struct {
		call   func() (payment.Report, error)
		failed string
		excess int
	}{
		{func() (payment.Report, error) { return p.Authorize(ctx, "a", charge(sandbox.Approve, false)) }, "", 0},
		{func() (payment.Report, error) {
			return p.Capture(ctx, "b", payment.Capture{PaymentID: id, Amount: 101})
		}, "amount_too_large", 1},
		{func() (payment.Report, error) {
			return p.Capture(ctx, "c", payment.Capture{PaymentID: id, CaptureID: "c2", Amount: 60})
		}, "", 1},
		{func() (payment.Report, error) {
			return p.Capture(ctx, "d", payment.Capture{PaymentID: id, CaptureID: "c3", Amount: 40})
		}, "amount_too_large", 2},
		{func() (payment.Report, error) {
			return p.Refund(ctx, "e", payment.Repayment{PaymentID: id, RefundID: "r1", Amount: 60})
		}, "", 2},
		{func() (payment.Report, error) {
			return p.Refund(ctx, "f", payment.Repayment{PaymentID: id, RefundID: "r2", Amount: 1})
		}, "amount_too_large", 3},
		{func() (payment.Report, error) { return p.Void(ctx, "g", id, id) }, "", 3},
	} {
		r, err := step.call()
		failed := r.CaptureFailed.Code
		for _, refund := range r.Refunds {
			failed = refund.Failed
		}
		if account, _, _ := p.Account(ctx, id); err != nil || account.Excess != step.excess || r.Released || step.failed != "" && failed != step.failed {
			t.Errorf("%+v, %d times too much, error %v, want %q and %d", r, account.Excess, err, step.failed, step.excess)
		}
	}
}

func TestTheFirstCaptureOrRefundOfSomeMethodsFails(t *testing.T) {
	ctx := t.Context()
	for i, want := range []string{"capture_failed", ""} {
		p, _ := provider()
		p.Authorize(ctx, "a", charge(sandbox.CaptureFails, false))
		var r payment.Report
		for n := range i + 1 {
			r, _ = p.Capture(ctx, "try "+string(rune('0'+n)), payment.Capture{PaymentID: id, CaptureID: "c", Amount: 100})
		}
		if r.CaptureFailed.Code != want || (r.Captured == 100) != (want == "") {
			t.Errorf("capture %d: %+v", i+1, r)
		}
	}
	p, _ := provider()
	p.Authorize(ctx, "a", charge(sandbox.RefundFails, true))
	p.Refund(ctx, "b", payment.Repayment{PaymentID: id, RefundID: "r1", Amount: 100})
	r, err := p.Refund(ctx, "c", payment.Repayment{PaymentID: id, RefundID: "r2", Amount: 100})
	want := []payment.RefundReport{{ID: "r1", Amount: 100, Failed: "refund_failed"}, {ID: "r2", Amount: 100}}
	if err != nil || !slices.Equal(r.Refunds, want) {
		t.Errorf("got %+v, error %v, want %+v", r.Refunds, err, want)
	}
}

func TestAKeyIsForgottenAfterADayAndWhatItDidIsLookedFor(t *testing.T) {
	p, _ := provider()
	ctx, now := t.Context(), estest.Now
	p.Now = func() time.Time { return now }
	all := func(late bool) (reports [3]payment.Report) {
		c, r := charge(sandbox.Approve, false), payment.Repayment{PaymentID: id, RefundID: "r1", Amount: 10, Late: late}
		c.Late = late
		reports[0], _ = p.Authorize(ctx, "a", c)
		reports[1], _ = p.Capture(ctx, "b", payment.Capture{PaymentID: id, CaptureID: "c1", Amount: 100})
		reports[2], _ = p.Refund(ctx, "c", r)
		return reports
	}
	first := all(false)
	now = now.Add(24*time.Hour - time.Second)
	if again := all(false); !reflect.DeepEqual(again, first) {
		t.Errorf("within a day: got %+v, want %+v", again, first)
	}
	now = now.Add(time.Second)
	if late := all(true); late[0].Captured != 100 || late[1].CaptureFailed.Code != "already_captured" || len(late[2].Refunds) != 1 {
		t.Errorf("after a day: got %+v", late)
	}
	if a, _, _ := p.Account(ctx, id); a.Charges != 1 || a.Excess != 0 || a.Refunded() != 10 {
		t.Errorf("the account is %+v", a)
	}
	now = now.Add(24 * time.Hour)
	all(false)
	if a, _, _ := p.Account(ctx, id); a.Charges != 2 || a.Refunded() != 20 {
		t.Errorf("nobody looked, and the account is %+v", a)
	}
}

func TestAWebhookThatDoesNotArriveIsSentAgainWithTheCall(t *testing.T) {
	p, hooks := provider()
	hooks.fail = true
	if _, err := p.Authorize(t.Context(), "key", charge(sandbox.WebhookTwice, false)); err == nil {
		t.Error("a call whose webhook did not arrive went well")
	}
	hooks.fail = false
	if _, err := p.Authorize(t.Context(), "key", charge(sandbox.WebhookTwice, false)); err != nil {
		t.Error(err)
	}
	if len(hooks.got) != 2 || hooks.ids[0] != hooks.ids[1] {
		t.Errorf("arrived: %v %+v", hooks.ids, hooks.got)
	}
}

func TestOnlyWhatTheSandboxHasJustSignedIsAWebhook(t *testing.T) {
	p, _ := provider()
	body, err := json.Marshal(map[string]any{"id": "1", "paymentId": id, "report": authorized})
	if err != nil {
		t.Fatal(err)
	}
	parse := func(signature string, now time.Time, body string) error {
		w, err := p.ParseWebhook(t.Context(), now, map[string]string{strings.ToLower(sandbox.Header): signature}, []byte(body))
		if err == nil && (w.ID != "1" || w.PaymentID != id || !reflect.DeepEqual(w.Report, authorized)) {
			t.Errorf("read as %+v", w)
		}
		return err
	}
	good := sandbox.Sign(secret, estest.Now, body)
	for _, now := range []time.Time{estest.Now, estest.Now.Add(5 * time.Minute), estest.Now.Add(-5 * time.Minute)} {
		if err := parse(good, now, string(body)); err != nil {
			t.Errorf("at %v: %v", now, err)
		}
	}
	_, mac, _ := strings.Cut(good, ",v1=")
	later, _, _ := strings.Cut(sandbox.Sign(secret, estest.Now.Add(time.Second), body), ",")
	for what, err := range map[string]error{
		"too old": parse(good, estest.Now.Add(301*time.Second), string(body)), "from the future": parse(good, estest.Now.Add(-301*time.Second), string(body)),
		"another body": parse(good, estest.Now, string(body)+" "), "another secret": parse(sandbox.Sign([]byte("x"), estest.Now, body), estest.Now, string(body)),
		"another time": parse(later+",v1="+mac, estest.Now, string(body)), "nothing": parse("", estest.Now, string(body)),
		"no JSON": parse(sandbox.Sign(secret, estest.Now, []byte("{")), estest.Now, "{"),
	} {
		if !errors.Is(err, payment.ErrSignature) {
			t.Errorf("%s: error %v", what, err)
		}
	}
}
