package scenario

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// payments is somebody who pays.
type payments struct {
	Person
	unique string
	keys   int
}

// key is an Idempotency-Key that was not used before.
func (p *payments) key() Header {
	p.keys++
	return Header{"Idempotency-Key", fmt.Sprintf("pay-%s-%d", p.unique, p.keys)}
}

var waiting = Header{"Prefer", "wait=8"}

func order(method, capture string) map[string]any {
	return map[string]any{"amount": 1000, "currency": "EUR", "method": method, "capture": capture, "description": "Order 7"}
}

// pay asks for a payment and waits for what becomes of it.
func (p *payments) pay(t *testing.T, method, capture, status string) (path string) {
	t.Helper()
	a := p.Expect(t, 201, "POST", "/payments", order(method, capture), p.key(), waiting)
	if a.Text("status") != status || a.Header.Get("Preference-Applied") != "wait=8" || a.Header.Get("ETag") != fmt.Sprintf(`"%v"`, a.Body["version"]) {
		t.Errorf("%s, %s: want %s, got %v %s", method, capture, status, a.Header, a.Raw)
	}
	return "/payments/" + a.Text("id")
}

// settle sends a command, waits for what becomes of it, and demands a status.
func (p *payments) settle(t *testing.T, path string, body any, status string) Answer {
	t.Helper()
	a := p.Expect(t, 200, "POST", path, body, waiting)
	if a.Text("status") != status {
		t.Errorf("%s: want %s, got %s", path, status, a.Raw)
	}
	return a
}

// Pay has somebody pay and gives the id of the payment.
func Pay(t *testing.T, p Person) (id string) {
	t.Helper()
	payer := &payments{Person: p, unique: p.ID}
	return strings.TrimPrefix(payer.pay(t, "approve", "manual", "authorized"), "/payments/")
}

// becomes waits until a payment has a status.
func (p *payments) becomes(t *testing.T, path, status string) (a Answer) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if a = p.Expect(t, 200, "GET", path, nil); a.Text("status") == status {
			return a
		}
	}
	t.Fatalf("%s: want %s, got %s", path, status, a.Raw)
	return a
}

// wantAmounts demands what a payment's amounts are.
func wantAmounts(t *testing.T, a Answer, authorized, captured, refunded float64) {
	t.Helper()
	if a.Body["authorized"] != authorized || a.Body["captured"] != captured || a.Body["refunded"] != refunded {
		t.Errorf("want authorized %v, captured %v, refunded %v, got %s", authorized, captured, refunded, a.Raw)
	}
}

// Payments walks through the routes of the payment module, with each of the sandbox's
// methods, the refusals included.
func Payments(t *testing.T, api, unique string, operator, auditor Person) {
	ada := &payments{Person: Register(t, api, "ada-pays-"+unique+"@example.com"), unique: unique}
	eve := &payments{Person: Register(t, api, "eve-pays-"+unique+"@example.com"), unique: unique}
	nobody := Client{URL: api}

	t.Run("a payment is requested once for a key", func(t *testing.T) {
		key := ada.key()
		first := ada.Expect(t, 202, "POST", "/payments", order("approve", "automatic"), key)
		if first.Text("status") != "requested" || first.Body["version"] != 1.0 || first.Header.Get("Location") != "/payments/"+first.Text("id") || first.Header.Get("ETag") != `"1"` {
			t.Errorf("answer %v %s", first.Header, first.Raw)
		}
		again := ada.Expect(t, 202, "POST", "/payments", order("approve", "automatic"), key)
		if again.Raw != first.Raw || again.Header.Get("Idempotent-Replay") != "true" {
			t.Errorf("the repeat is answered with %v %s", again.Header, again.Raw)
		}
		ada.Refuse(t, 422, "idempotency-key-reused", "POST", "/payments", order("decline", "automatic"), key)
		ada.becomes(t, "/payments/"+first.Text("id"), "captured")
	})

	t.Run("what makes no payment is refused", func(t *testing.T) {
		ada.Refuse(t, 400, "idempotency-key-required", "POST", "/payments", order("approve", "automatic"))
		nobody.Refuse(t, 401, "unauthenticated", "POST", "/payments", order("approve", "automatic"), ada.key())
		for field, values := range map[string][]any{
			"amount": {0, -1, 100_000_000}, "currency": {"", "eur", "EU", "XYZ", "E R"}, "method": {"", "pm_card_visa", strings.Repeat("x", 500)},
			"capture": {"later", ""}, "description": {strings.Repeat("x", 501), "a\nb"},
		} {
			for _, value := range values {
				body := order("approve", "automatic")
				body[field] = value
				a := ada.Refuse(t, 422, "invalid", "POST", "/payments", body, ada.key())
				if !strings.Contains(a.Raw, `"pointer":"/`+field+`"`) {
					t.Errorf("%s %v: %s", field, value, a.Raw)
				}
			}
		}
		for _, body := range []string{"", "{", `{"amount":"1"}`, `{"amount":1.5,"currency":"EUR","method":"approve"}`, `{"more":1}`} {
			ada.Refuse(t, 400, "malformed", "POST", "/payments", body, ada.key())
		}
	})

	t.Run("each method of the sandbox does what it is for", func(t *testing.T) {
		for method, status := range map[string]string{
			"approve": "captured", "decline": "declined", "insufficient_funds": "declined", "timeout_then_approve": "captured",
			"webhook_twice": "captured", "webhook_out_of_order": "captured", "capture_fails": "captured", "refund_fails": "captured",
		} {
			path := ada.pay(t, method, "automatic", status)
			a := ada.becomes(t, path, status)
			if status == "captured" {
				wantAmounts(t, a, 1000, 1000, 0)
			} else if a.Text("declineCode") == "" {
				t.Errorf("why was it declined? %s", a.Raw)
			}
		}
		// The dispute comes right behind the capture, so the answer may tell of either.
		a := ada.Expect(t, 201, "POST", "/payments", order("dispute", "automatic"), ada.key(), waiting)
		disputed := ada.becomes(t, "/payments/"+a.Text("id"), "disputed")
		ada.Refuse(t, 409, "not-refundable", "POST", "/payments/"+disputed.Text("id")+"/refunds", map[string]any{"reason": "x"})
	})

	t.Run("an authorized payment is captured in part", func(t *testing.T) {
		for _, method := range []string{"approve", "timeout_then_approve", "webhook_twice", "webhook_out_of_order"} {
			path := ada.pay(t, method, "manual", "authorized")
			if a := ada.becomes(t, path, "authorized"); a.Text("expiresAt") == "" || a.Body["captured"] != 0.0 {
				t.Errorf("an authorized payment is %s", a.Raw)
			}
			ada.Refuse(t, 422, "capture-too-high", "POST", path+"/capture", map[string]any{"amount": 1001})
			ada.Refuse(t, 422, "invalid", "POST", path+"/capture", map[string]any{"amount": 0})
			ada.Refuse(t, 400, "malformed", "POST", path+"/capture", "{")
			ada.Refuse(t, 412, "version-mismatch", "POST", path+"/capture", map[string]any{}, Header{"If-Match", `"9"`})
			ada.Refuse(t, 409, "not-refundable", "POST", path+"/refunds", map[string]any{"reason": "too early"})
			ada.settle(t, path+"/capture", map[string]any{"amount": 700}, "captured")
			wantAmounts(t, ada.becomes(t, path, "captured"), 1000, 700, 0)
			ada.Refuse(t, 409, "not-capturable", "POST", path+"/capture", map[string]any{"amount": 300})
			ada.Refuse(t, 409, "not-cancelable", "POST", path+"/cancel", nil)
		}
	})

	t.Run("a capture that fails can be tried again", func(t *testing.T) {
		path := ada.pay(t, "capture_fails", "manual", "authorized")
		ada.settle(t, path+"/capture", map[string]any{}, "authorized")
		ada.Expect(t, 202, "POST", path+"/capture", map[string]any{})
		ada.becomes(t, path, "captured")
	})

	t.Run("a payment is canceled before it is captured", func(t *testing.T) {
		for _, method := range []string{"approve", "webhook_twice", "webhook_out_of_order"} {
			path := ada.pay(t, method, "manual", "authorized")
			ada.Expect(t, 202, "POST", path+"/cancel", nil)
			ada.becomes(t, path, "canceled")
			ada.settle(t, path+"/cancel", nil, "canceled")
			ada.Refuse(t, 409, "not-capturable", "POST", path+"/capture", map[string]any{})
		}
		early := ada.Expect(t, 202, "POST", "/payments", order("approve", "manual"), ada.key())
		a := ada.Expect(t, 200, "POST", "/payments/"+early.Text("id")+"/cancel", nil, waiting)
		if a.Text("status") != "canceled" {
			t.Errorf("one that was canceled at once is %s", a.Raw)
		}
		ada.Refuse(t, 409, "not-cancelable", "POST", ada.pay(t, "decline", "manual", "declined")+"/cancel", nil)
	})

	t.Run("what was captured is given back in parts, and no more", func(t *testing.T) {
		for _, method := range []string{"approve", "webhook_twice", "webhook_out_of_order"} {
			path := ada.pay(t, method, "automatic", "captured")
			refund := func(amount int) map[string]any {
				return map[string]any{"amount": amount, "reason": "Too late"}
			}
			ada.Refuse(t, 422, "invalid", "POST", path+"/refunds", map[string]any{"amount": 1, "reason": " "})
			ada.Refuse(t, 422, "refund-too-high", "POST", path+"/refunds", refund(1001))
			key := ada.key()
			first := ada.Expect(t, 202, "POST", path+"/refunds", refund(300), key)
			again := ada.Expect(t, 202, "POST", path+"/refunds", refund(300), key)
			if again.Raw != first.Raw || again.Header.Get("Idempotent-Replay") != "true" {
				t.Errorf("the repeat is answered with %v %s", again.Header, again.Raw)
			}
			ada.Refuse(t, 422, "refund-too-high", "POST", path+"/refunds", refund(701))
			wantAmounts(t, ada.becomes(t, path, "partially_refunded"), 1000, 1000, 300)
			ada.settle(t, path+"/refunds", map[string]any{"reason": "The rest"}, "refunded")
			ada.Refuse(t, 409, "not-refundable", "POST", path+"/refunds", refund(1))
			a := ada.becomes(t, path, "refunded")
			wantAmounts(t, a, 1000, 1000, 1000)
			if refunds := a.Body["refunds"].([]any); len(refunds) != 2 || refunds[0].(map[string]any)["reason"] != "Too late" || refunds[1].(map[string]any)["status"] != "refunded" {
				t.Errorf("the refunds are %v", refunds)
			}
		}
		path := ada.pay(t, "refund_fails", "automatic", "captured")
		for _, expected := range []struct{ status, refunds string }{{"captured", "[failed]"}, {"refunded", "[failed refunded]"}} {
			a := ada.settle(t, path+"/refunds", map[string]any{"reason": "x"}, expected.status)
			var refunds []any
			list, _ := a.Body["refunds"].([]any)
			for _, r := range list {
				refunds = append(refunds, r.(map[string]any)["status"])
			}
			if fmt.Sprint(refunds) != expected.refunds {
				t.Errorf("the refunds are %v, want %s", refunds, expected.refunds)
			}
		}
	})

	t.Run("nobody else sees a payment or changes it", func(t *testing.T) {
		path := ada.pay(t, "approve", "manual", "authorized")
		for _, call := range []struct {
			method, path string
			body         any
		}{
			{"GET", "", nil}, {"GET", "/history", nil}, {"POST", "/capture", map[string]any{}},
			{"POST", "/cancel", nil}, {"POST", "/refunds", map[string]any{"reason": "mine"}},
		} {
			eve.Refuse(t, 404, "not-found", call.method, path+call.path, call.body)
			eve.Refuse(t, 404, "not-found", call.method, path+call.path, call.body, Header{"If-Match", `"9"`})
			nobody.Refuse(t, 401, "unauthenticated", call.method, path+call.path, call.body)
			ada.Refuse(t, 404, "not-found", call.method, "/payments/0197a0f0-0000-7000-8000-000000000001"+call.path, call.body)
			ada.Refuse(t, 404, "not-found", call.method, "/payments/nothing"+call.path, call.body)
		}
		auditor.Refuse(t, 404, "not-found", "POST", path+"/capture", map[string]any{})
		if a := auditor.Expect(t, 200, "GET", path, nil); a.Text("description") != "" || a.Text("status") != "authorized" {
			t.Errorf("an auditor sees %s", a.Raw)
		}
		if a := operator.Expect(t, 200, "GET", path, nil); a.Text("description") != "Order 7" {
			t.Errorf("an operator sees %s", a.Raw)
		}
		if a := operator.Expect(t, 200, "POST", path+"/cancel", nil, waiting); a.Text("status") != "canceled" {
			t.Errorf("an operator has canceled it: %s", a.Raw)
		}
		if a := eve.Expect(t, 200, "GET", "/payments", nil); len(a.Body["items"].([]any)) != 0 {
			t.Errorf("a stranger's list is %s", a.Raw)
		}
	})

	t.Run("a payment has a past and a history", func(t *testing.T) {
		path := ada.pay(t, "approve", "automatic", "captured")
		if a := ada.Expect(t, 200, "GET", path+"?version=1", nil); a.Text("status") != "requested" || a.Header.Get("ETag") != `"1"` {
			t.Errorf("version 1 is %s", a.Raw)
		}
		ada.Expect(t, 200, "GET", path+"?atLeast=3", nil)
		ada.Refuse(t, 404, "not-found", "GET", path+"?at=2000-01-01T00:00:00Z", nil)
		a := ada.Expect(t, 200, "GET", path+"/history", nil)
		var types []string
		for _, item := range a.Body["items"].([]any) {
			types = append(types, item.(map[string]any)["type"].(string))
		}
		if got := strings.Join(types, " "); got != "payment.requested.v1 payment.authorized.v1 payment.captured.v1" {
			t.Errorf("history %s", got)
		}
		if !strings.Contains(a.Raw, "Order 7") || strings.Contains(auditor.Expect(t, 200, "GET", path+"/history", nil).Raw, "Order 7") {
			t.Error("the description is for the payer and for operators")
		}
	})

	t.Run("payments are listed, newest first", func(t *testing.T) {
		zoe := &payments{Person: Register(t, api, "zoe-pays-"+unique+"@example.com"), unique: unique}
		var paths []string
		for _, method := range []string{"approve", "decline", "approve"} {
			paths = append([]string{zoe.pay(t, method, "automatic", map[string]string{"approve": "captured", "decline": "declined"}[method])}, paths...)
			zoe.becomes(t, paths[0], map[string]string{"approve": "captured", "decline": "declined"}[method])
		}
		for query, want := range map[string][]string{
			"": paths, "?status=captured": {paths[0], paths[2]}, "?status=declined": {paths[1]}, "?status=disputed": nil,
			"?limit=1": paths, "?limit=1&status=captured": {paths[0], paths[2]},
		} {
			var got []string
			for next := "/payments" + query; next != ""; {
				a := zoe.Expect(t, 200, "GET", next, nil)
				for _, item := range a.Body["items"].([]any) {
					got = append(got, "/payments/"+item.(map[string]any)["id"].(string))
				}
				next = ""
				if cursor := a.Text("nextCursor"); cursor != "" {
					next = "/payments?cursor=" + cursor + strings.Replace(query, "?", "&", 1)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: got %v, want %v", query, got, want)
			}
		}
		zoe.Refuse(t, 400, "malformed", "GET", "/payments?status=lost", nil)
		if a := operator.Expect(t, 200, "GET", "/payments?limit=100", nil); !strings.Contains(a.Raw, strings.TrimPrefix(paths[0], "/payments/")) {
			t.Errorf("an operator lists %s", a.Raw)
		}
	})

	t.Run("staff see how much was paid", func(t *testing.T) {
		ada.Refuse(t, 404, "not-found", "GET", "/payments/summary", nil)
		nobody.Refuse(t, 401, "unauthenticated", "GET", "/payments/summary", nil)
		a := auditor.Expect(t, 200, "GET", "/payments/summary", nil)
		for _, item := range a.Body["items"].([]any) {
			if s := item.(map[string]any); s["status"] == "declined" && s["currency"] == "EUR" && s["sum"] == 1000*s["count"].(float64) && s["count"].(float64) >= 3 {
				return
			}
		}
		t.Errorf("the summary is %s", a.Raw)
	})

	t.Run("who does not wait is told that it is asked for", func(t *testing.T) {
		for command, status := range map[string]string{"/capture": "captured", "/cancel": "canceled"} {
			path := ada.pay(t, "approve", "manual", "authorized")
			var body any
			if command == "/capture" {
				body = map[string]any{}
			}
			ada.Expect(t, 202, "POST", path+command, body)
			ada.becomes(t, path, status)
		}
	})

	t.Run("a webhook is taken only if it is signed, and just now", func(t *testing.T) {
		const path = "/payments/webhooks/sandbox"
		for _, signature := range []string{"", "t=1,v1=00", "v1=00", "t=x,v1=" + strings.Repeat("00", 32), fmt.Sprintf("t=%d,v1=%s", time.Now().Unix(), strings.Repeat("00", 32))} {
			nobody.Refuse(t, 400, "bad-signature", "POST", path, `{"id":"1"}`, Header{"Sandbox-Signature", signature})
		}
		nobody.Refuse(t, 404, "not-found", "POST", "/payments/webhooks/stripe", `{}`)
		if a := nobody.Expect(t, 405, "GET", path, nil); a.Header.Get("Allow") != "POST" {
			t.Errorf("Allow is %q", a.Header.Get("Allow"))
		}
	})
}
