package stripe

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v85/webhook"

	"github.com/interview-sandbox/annals/internal/payment"
)

const mock = "github.com/stripe/stripe-mock@v0.203.0"

// startMock starts Stripe's own stand-in, which refuses what does not fit Stripe's description
// of its API, and returns its URL.
func startMock(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	install := exec.Command("go", "install", mock)
	install.Env = append(os.Environ(), "GOBIN="+bin, "GOFLAGS=-buildvcs=false")
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", mock, err, out)
	}
	program := exec.Command(filepath.Join(bin, "stripe-mock"), "-http-addr", "127.0.0.1:0")
	output, err := program.StdoutPipe()
	if err == nil {
		err = program.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		program.Process.Kill()
		program.Wait()
	})
	for lines := bufio.NewScanner(output); lines.Scan(); {
		if _, address, ok := strings.Cut(lines.Text(), "Listening for HTTP at address: "); ok {
			go io.Copy(io.Discard, output)
			return "http://" + address
		}
	}
	t.Fatal("stripe-mock does not say where it listens")
	return ""
}

func TestStripeTakesEveryRequest(t *testing.T) {
	answers := &listening{}
	p := New(Settings{Key: "sk_test_123", URL: startMock(t), Client: &http.Client{Transport: answers}})
	ctx := t.Context()
	for what, call := range map[string]func() (payment.Report, error){
		"authorize": func() (payment.Report, error) {
			return p.Authorize(ctx, "key-1", payment.Charge{PaymentID: "p", Amount: 100, Currency: "EUR", Method: "pm_card_visa"})
		},
		"authorize and capture": func() (payment.Report, error) {
			return p.Authorize(ctx, "key-2", payment.Charge{PaymentID: "p", Amount: 100, Currency: "EUR", Method: "pm_card_visa", Capture: true})
		},
		"capture": func() (payment.Report, error) {
			return p.Capture(ctx, "key-3", payment.Capture{PaymentID: "p", Reference: "pi_1", CaptureID: "c", Amount: 50, Currency: "EUR"})
		},
		"authorize late": func() (payment.Report, error) {
			return p.Authorize(ctx, "key-6", payment.Charge{PaymentID: "p", Amount: 100, Currency: "EUR", Method: "pm_card_visa", Late: true})
		},
		"void": func() (payment.Report, error) { return p.Void(ctx, "key-4", "p", "pi_1") },
		"refund": func() (payment.Report, error) {
			return p.Refund(ctx, "key-5", payment.Repayment{PaymentID: "p", Reference: "pi_1", RefundID: "r", Amount: 50, Currency: "EUR"})
		},
	} {
		answers.statuses = nil
		r, err := call()
		if err != nil || !reflect.DeepEqual(answers.statuses, []int{200}) || what != "refund" && !strings.HasPrefix(r.Reference, "pi_") {
			t.Errorf("%s: statuses %v, %+v, error %v", what, answers.statuses, r, err)
		}
	}
}

// listening notes with which statuses requests are answered.
type listening struct{ statuses []int }

func (l *listening) RoundTrip(r *http.Request) (*http.Response, error) {
	reply, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		l.statuses = append(l.statuses, reply.StatusCode)
	}
	return reply, err
}

// answering is a Stripe that answers every request the same, and keeps the last.
func answering(t *testing.T, status int, body string) (p *Provider, last *http.Request, form *string) {
	t.Helper()
	last, form = new(http.Request), new(string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		*last, *form = *r, string(text)
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return New(Settings{Key: "sk_test_123", WebhookSecret: secret, URL: server.URL}), last, form
}

const refused = `{"error":{"type":"%s","code":"%s","decline_code":"%s","message":"No.","payment_intent":{"id":"pi_1","status":"requires_payment_method","client_secret":"SECRET"}}}`

var charge = payment.Charge{PaymentID: "p", Amount: 100, Currency: "EUR", Method: "pm_card_visa"}

func TestWhatStripeDecidesIsReported(t *testing.T) {
	for body, want := range map[string]payment.Report{
		`{"id":"pi_1","status":"requires_capture","currency":"eur","amount":100,"amount_capturable":100}`: {Reference: "pi_1", Authorized: 100},
		`{"id":"pi_1","status":"succeeded","currency":"eur","amount":100,"amount_received":70}`:           {Reference: "pi_1", Authorized: 100, Captured: 70},
		`{"id":"pi_1","status":"succeeded","currency":"isk","amount":10000,"amount_received":7000}`:       {Reference: "pi_1", Authorized: 100, Captured: 70},
		`{"id":"pi_1","status":"canceled","currency":"eur","amount":100}`:                                 {Reference: "pi_1", Released: true},
		`{"id":"pi_1","status":"canceled","cancellation_reason":"automatic"}`:                             {Reference: "pi_1", Released: true, Expired: true},
		`{"id":"pi_1","status":"processing","amount":100}`:                                                {Reference: "pi_1"},
	} {
		p, last, form := answering(t, 200, body)
		got, err := p.Authorize(t.Context(), "the key", charge)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, error %v, want %+v", body, got, err, want)
		}
		if last.Header.Get("Idempotency-Key") != "the key" || !strings.Contains(*form, "metadata[payment_id]=p") || !strings.Contains(*form, "capture_method=manual") {
			t.Errorf("asked %v %s", last.Header, *form)
		}
	}
}

func TestARefusalByStripeIsAnOutcomeAndAFailureIsNot(t *testing.T) {
	for _, c := range []struct {
		status                      int
		kind, code, decline, wanted string // wanted "": an error
	}{
		{402, "card_error", "card_declined", "insufficient_funds", "insufficient_funds"},
		{402, "card_error", "authentication_required", "", "authentication_required"},
		{400, "invalid_request_error", "amount_too_small", "", "amount_too_small"},
		{404, "invalid_request_error", "resource_missing", "", "resource_missing"},
		{400, "idempotency_error", "", "", ""},
		{429, "invalid_request_error", "lock_timeout", "", ""},
		{400, "invalid_request_error", "lock_timeout", "", ""},
		{401, "invalid_request_error", "", "", ""},
		{429, "invalid_request_error", "rate_limit", "", ""},
		{500, "api_error", "", "", ""},
	} {
		p, _, _ := answering(t, c.status, fmt.Sprintf(refused, c.kind, c.code, c.decline))
		r, err := p.Authorize(t.Context(), "k", charge)
		if r.Declined != c.wanted || (err != nil) != (c.wanted == "") {
			t.Errorf("%+v: got %+v, error %v", c, r, err)
		}
		captured, err := p.Capture(t.Context(), "k", payment.Capture{Reference: "pi_1", CaptureID: "c", Amount: 1, Currency: "EUR"})
		if captured.CaptureFailed.Code != c.wanted || (err != nil) != (c.wanted == "") {
			t.Errorf("capture, %+v: got %+v, error %v", c, captured, err)
		}
		refund, err := p.Refund(t.Context(), "k", payment.Repayment{Reference: "pi_1", RefundID: "r", Amount: 1, Currency: "EUR"})
		if c.wanted != "" && (len(refund.Refunds) != 1 || refund.Refunds[0].Failed != c.wanted) || (err != nil) != (c.wanted == "") {
			t.Errorf("refund, %+v: got %+v, error %v", c, refund, err)
		}
		if err != nil && strings.Contains(err.Error(), "SECRET") {
			t.Errorf("an error tells what nobody may see: %v", err)
		}
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	if _, err := New(Settings{URL: gone.URL}).Authorize(t.Context(), "k", charge); err == nil {
		t.Error("no answer is an outcome")
	}
}

func TestWhatWasDoneLongAgoIsLookedForAndNotDoneAgain(t *testing.T) {
	list := func(object string) string { return `{"object":"list","has_more":false,"data":[` + object + `]}` }
	p, last, _ := answering(t, 200, list(`{"id":"pi_1","status":"succeeded","currency":"eur","amount":100,"amount_received":100}`))
	late := charge
	late.Late = true
	r, err := p.Authorize(t.Context(), "k", late)
	if want := (payment.Report{Reference: "pi_1", Authorized: 100, Captured: 100}); err != nil || !reflect.DeepEqual(r, want) || last.Method != "GET" {
		t.Errorf("%s: got %+v, error %v", last.Method, r, err)
	}
	repayment := payment.Repayment{PaymentID: "p", Reference: "pi_1", RefundID: "r", Amount: 50, Currency: "EUR", Late: true}
	p, last, _ = answering(t, 200, list(`{"id":"re_0","status":"succeeded","amount":5,"metadata":{"refund_id":"q"}},{"id":"re_1","status":"succeeded","amount":50,"metadata":{"refund_id":"r"}}`))
	r, err = p.Refund(t.Context(), "k", repayment)
	if want := []payment.RefundReport{{ID: "r", Amount: 50}}; err != nil || !reflect.DeepEqual(r.Refunds, want) || last.Method != "GET" {
		t.Errorf("%s: got %+v, error %v", last.Method, r, err)
	}
	p, last, _ = answering(t, 200, list(""))
	if _, err := p.Authorize(t.Context(), "k", late); last.Method != "POST" {
		t.Errorf("what was not done is asked for by %s, error %v", last.Method, err)
	}
	if _, err := p.Refund(t.Context(), "k", repayment); last.Method != "POST" {
		t.Errorf("a refund that was not made is asked for by %s, error %v", last.Method, err)
	}
	p, last, _ = answering(t, 500, `{"error":{"type":"api_error"}}`)
	_, err = p.Authorize(t.Context(), "k", late)
	_, err2 := p.Refund(t.Context(), "k", repayment)
	if err == nil || err2 == nil || last.Method != "GET" {
		t.Errorf("it cannot be told whether it was done: errors %v, %v", err, err2)
	}
}

func TestARefundIsDecidedOrNotYet(t *testing.T) {
	for status, want := range map[string][]payment.RefundReport{
		"succeeded": {{ID: "r", Amount: 50}}, "failed": {{ID: "r", Amount: 50, Failed: "expired_or_canceled_card"}},
		"canceled": {{ID: "r", Amount: 50, Failed: "expired_or_canceled_card"}}, "pending": nil, "requires_action": nil,
	} {
		p, _, form := answering(t, 200, `{"id":"re_1","amount":50,"currency":"eur","status":"`+status+`","failure_reason":"expired_or_canceled_card","metadata":{"refund_id":"r"}}`)
		got, err := p.Refund(t.Context(), "k", payment.Repayment{PaymentID: "p", Reference: "pi_1", RefundID: "r", Amount: 50, Currency: "EUR"})
		if status == "succeeded" && !strings.Contains(*form, "metadata[refund_id]=r") {
			t.Errorf("asked %s", *form)
		}
		if err != nil || !reflect.DeepEqual(got.Refunds, want) {
			t.Errorf("%s: got %+v, error %v, want %+v", status, got.Refunds, err, want)
		}
	}
}

const secret = "whsec_test"

// signed signs the body of a webhook as Stripe does.
func signed(body string, at time.Time, secret string) map[string]string {
	p := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: []byte(body), Secret: secret, Timestamp: at})
	return map[string]string{header: p.Header}
}

func event(kind, object string) string {
	return `{"id":"evt_1","object":"event","api_version":"2020-08-27","type":"` + kind + `","data":{"object":` + object + `}}`
}

func TestAWebhookTellsHowAPaymentStands(t *testing.T) {
	const captured = `{"id":"pi_1","object":"payment_intent","status":"succeeded","currency":"eur","amount":100,"amount_received":100,"metadata":{"payment_id":"p"}}`
	p, _, _ := answering(t, 200, captured)
	for body, want := range map[string]payment.Webhook{
		event("payment_intent.succeeded", captured): {ID: "evt_1", PaymentID: "p", Report: payment.Report{Reference: "pi_1", Authorized: 100, Captured: 100}},
		event("payment_intent.payment_failed", `{"id":"pi_1","status":"requires_payment_method","last_payment_error":{"code":"card_declined","decline_code":"lost_card"},"metadata":{"payment_id":"p"}}`): {ID: "evt_1", PaymentID: "p", Report: payment.Report{Reference: "pi_1", Declined: "lost_card"}},
		event("refund.failed", `{"id":"re_1","amount":5,"currency":"eur","status":"failed","failure_reason":"lost_or_stolen_card","metadata":{"payment_id":"p","refund_id":"r"}}`):                        {ID: "evt_1", PaymentID: "p", Report: payment.Report{Refunds: []payment.RefundReport{{ID: "r", Amount: 5, Failed: "lost_or_stolen_card"}}}},
		event("charge.dispute.created", `{"id":"du_1","payment_intent":"pi_1"}`):          {ID: "evt_1", PaymentID: "p", Report: payment.Report{Reference: "pi_1", Authorized: 100, Captured: 100, Disputed: true}},
		event("customer.created", `{"id":"cus_1"}`):                                       {ID: "evt_1"},
		event("payment_intent.created", `{"id":"pi_2","status":"requires_confirmation"}`): {ID: "evt_1", Report: payment.Report{Reference: "pi_2"}},
	} {
		got, err := p.ParseWebhook(t.Context(), time.Now(), signed(body, time.Now(), secret), []byte(body))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s\ngot  %+v, error %v\nwant %+v", body, got, err, want)
		}
	}
}

func TestAWebhookThatStripeHasNotJustSignedIsRefused(t *testing.T) {
	p := New(Settings{WebhookSecret: secret})
	body := event("customer.created", `{"id":"cus_1"}`)
	now := time.Now()
	for what, headers := range map[string]map[string]string{
		"none": {}, "nonsense": {header: "x"}, "another's": signed(body, now, "whsec_other"), "of another body": signed(body+" ", now, secret),
		"old": signed(body, now.Add(-time.Hour), secret),
	} {
		if _, err := p.ParseWebhook(t.Context(), now, headers, []byte(body)); !errors.Is(err, payment.ErrSignature) {
			t.Errorf("a signature, %s: error %v", what, err)
		}
	}
}

func TestAMethodIsAnIDOfStripe(t *testing.T) {
	for method, want := range map[string]bool{"pm_card_visa": true, "pm_1N4": true, "pm_": false, "card": false, "pm_a b": false, "pm_" + strings.Repeat("x", 98): false} {
		if New(Settings{}).Accepts(method) != want {
			t.Errorf("%q: want %v", method, want)
		}
	}
}
