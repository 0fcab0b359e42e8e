// Package sandbox is a provider of payments that moves no money, for trying things out. What
// becomes of a payment depends on its method alone. It keeps a ledger of its own and tells of
// changes by signed webhooks, as real providers do.
package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/payment"
)

// Name is how the provider is named in events and in the path of its webhooks.
const Name = "sandbox"

// The methods.
const (
	Approve           = "approve"
	Decline           = "decline"              // is not authorized: card_declined
	InsufficientFunds = "insufficient_funds"   // is not authorized: insufficient_funds
	TimeoutThen       = "timeout_then_approve" // the first call takes effect and is not answered
	WebhookTwice      = "webhook_twice"        // all outcomes come by webhooks, each of them twice
	WebhookOutOfOrder = "webhook_out_of_order" // all outcomes come by webhooks, newer ones before older ones
	CaptureFails      = "capture_fails"        // the first capture has no effect: capture_failed
	RefundFails       = "refund_fails"         // the first refund has no effect: refund_failed
	Dispute           = "dispute"              // the payer's bank questions it as soon as it is captured
)

// Methods lists the methods.
var Methods = []string{Approve, Decline, InsufficientFunds, TimeoutThen, WebhookTwice, WebhookOutOfOrder, CaptureFails, RefundFails, Dispute}

// Ledger keeps the accounts of payments, by the payments' ids.
type Ledger interface {
	// LoadAccount gives an account and its revision, 0 if there is none.
	LoadAccount(ctx context.Context, id string) (account []byte, revision int, err error)
	// SaveAccount replaces the account of a revision, 0 being none, by the next. The error is
	// [es.ErrConflict] if it has another revision.
	SaveAccount(ctx context.Context, id string, account []byte, revision int) error
}

// Sender delivers a webhook.
type Sender interface {
	// Send delivers a body with its signature. Any error means that it may not have arrived.
	Send(ctx context.Context, signature string, body []byte) error
}

// Provider implements [payment.Provider].
type Provider struct {
	Ledger   Ledger
	Webhooks Sender                                // nil: none are sent, and all outcomes come as answers
	Secret   func(context.Context) ([]byte, error) // signs webhooks
	Now      func() time.Time
}

// Account is what the ledger has of one payment.
type Account struct {
	ID           string
	Method       string
	Charges      int // how often it was to be authorized; more than once is once too often
	Excess       int // how often more was to be moved than there was, which is refused
	Authorized   int64
	Captured     int64
	Declined     string
	Voided       bool
	Disputed     bool
	CaptureID    string // of the capture that was made
	CaptureTries int
	RefundTries  int
	Refunds      []payment.RefundReport
	Answers      map[string]Answer // by idempotency key
	Told         []payment.Report  // by webhooks, oldest first
	Pending      int               // from which one of Told on delivery is not sure; -1: of none
}

// Answer is what a call came to.
type Answer struct {
	At     time.Time
	Report payment.Report
}

// keyLife is for how long the sandbox remembers an idempotency key, as Stripe does.
const keyLife = 24 * time.Hour

// ErrTimeout is what the first call of timeout_then_approve comes to.
var ErrTimeout = errors.New("the provider does not answer")

// Name implements [payment.Provider].
func (*Provider) Name() string { return Name }

// Accepts implements [payment.Provider].
func (*Provider) Accepts(method string) bool { return slices.Contains(Methods, method) }

// Authorize implements [payment.Provider].
func (p *Provider) Authorize(ctx context.Context, key string, c payment.Charge) (payment.Report, error) {
	report, first, err := p.change(ctx, key, c.PaymentID, func(a *Account) payment.Report {
		if c.Late && a.Charges > 0 {
			return a.report()
		}
		a.ID, a.Method = c.PaymentID, c.Method
		a.Charges++
		switch c.Method {
		case Decline:
			a.Declined = "card_declined"
		case InsufficientFunds:
			a.Declined = "insufficient_funds"
		default:
			a.Authorized = c.Amount
			if c.Capture {
				a.tell()
				a.capture(c.Amount)
			}
		}
		return a.tell()
	})
	if err == nil && first && c.Method == TimeoutThen {
		err = ErrTimeout
	}
	return report, err
}

// Capture implements [payment.Provider].
func (p *Provider) Capture(ctx context.Context, key string, c payment.Capture) (payment.Report, error) {
	report, _, err := p.change(ctx, key, c.PaymentID, func(a *Account) payment.Report {
		a.CaptureTries++
		fails := ""
		switch {
		case a.CaptureID != "" && c.CaptureID == a.CaptureID:
			fails = "already_captured" // by a call whose key has been forgotten
		case c.Amount > a.Authorized || a.Captured > 0:
			a.Excess++
			fails = "amount_too_large"
		case a.Voided:
			fails = "voided"
		case a.Method == CaptureFails && a.CaptureTries == 1:
			fails = "capture_failed"
		default:
			a.CaptureID = c.CaptureID
			a.capture(c.Amount)
			return a.tell()
		}
		report := a.report()
		report.CaptureFailed = payment.CaptureFailure{CaptureID: c.CaptureID, Code: fails}
		return report
	})
	return report, err
}

func (a *Account) capture(amount int64) {
	a.Captured = amount
	if a.Method == Dispute {
		a.tell()
		a.Disputed = true
	}
}

// Void implements [payment.Provider].
func (p *Provider) Void(ctx context.Context, key, paymentID, _ string) (payment.Report, error) {
	report, _, err := p.change(ctx, key, paymentID, func(a *Account) payment.Report {
		if a.Captured > 0 || a.Voided {
			return a.report()
		}
		a.Voided = true
		return a.tell()
	})
	return report, err
}

// Refund implements [payment.Provider].
func (p *Provider) Refund(ctx context.Context, key string, r payment.Repayment) (payment.Report, error) {
	report, _, err := p.change(ctx, key, r.PaymentID, func(a *Account) payment.Report {
		made := func(other payment.RefundReport) bool { return other.ID == r.RefundID }
		if r.Late && slices.ContainsFunc(a.Refunds, made) {
			return a.report()
		}
		a.RefundTries++
		refund := payment.RefundReport{ID: r.RefundID, Amount: r.Amount}
		switch {
		case a.Refunded()+r.Amount > a.Captured:
			a.Excess++
			refund.Failed = "amount_too_large"
		case a.Method == RefundFails && a.RefundTries == 1:
			refund.Failed = "refund_failed"
		}
		a.Refunds = append(a.Refunds, refund)
		return a.tell()
	})
	return report, err
}

// Refunded is how much has been given back.
func (a Account) Refunded() (sum int64) {
	for _, r := range a.Refunds {
		if r.Failed == "" {
			sum += r.Amount
		}
	}
	return sum
}

func (a *Account) report() payment.Report {
	return payment.Report{
		Reference: a.ID, Authorized: a.Authorized, Captured: a.Captured, Declined: a.Declined,
		Released: a.Voided, Disputed: a.Disputed, Refunds: slices.Clone(a.Refunds),
	}
}

// tell notes that the payment has changed, for webhooks.
func (a *Account) tell() payment.Report {
	report := a.report()
	a.Told = append(a.Told, report)
	return report
}

// byWebhook reports whether outcomes come by webhooks alone.
func (a *Account) byWebhook() bool { return a.Method == WebhookTwice || a.Method == WebhookOutOfOrder }

// tries bounds how often a change is made anew because another one was faster.
const tries = 20

// change makes a change once for each key and tells of it. first reports whether this call has
// made it. If its webhooks cannot be delivered the call fails, and the next with the same key
// delivers them.
func (p *Provider) change(ctx context.Context, key, id string, make func(*Account) payment.Report) (report payment.Report, first bool, err error) {
	for range tries {
		a, revision, err := p.Account(ctx, id)
		if err != nil {
			return report, false, err
		}
		answer, done := a.Answers[key]
		report := answer.Report
		if done = done && p.Now().Sub(answer.At) < keyLife; !done {
			told := len(a.Told)
			report = make(&a)
			if a.Pending < 0 {
				a.Pending = told
			}
			a.Answers[key] = Answer{p.Now(), report}
			err = p.save(ctx, a, revision)
			revision++
		}
		if errors.Is(err, es.ErrConflict) {
			continue
		}
		if err != nil {
			return report, false, err
		}
		if p.Webhooks == nil {
			return report, !done, nil
		}
		if a.byWebhook() && report.CaptureFailed.Code == "" {
			report = payment.Report{Reference: id}
		}
		return report, !done, p.deliver(ctx, a, revision)
	}
	return report, false, es.ErrConflict
}

// deliver sends the webhooks of whose delivery nobody is sure.
func (p *Provider) deliver(ctx context.Context, a Account, revision int) error {
	if !a.Untold() {
		return nil
	}
	for _, n := range a.order() {
		if err := p.send(ctx, a, n); err != nil {
			return err
		}
	}
	a.Pending = -1
	if err := p.save(ctx, a, revision); !errors.Is(err, es.ErrConflict) {
		return err
	}
	return nil // somebody has changed it meanwhile, and tells of all of it
}

// Untold reports whether a webhook may not have arrived. It is sent again with a repeat of the
// call that led to it.
func (a Account) Untold() bool { return a.Pending >= 0 && a.Pending < len(a.Told) }

// order gives the places in Told of what is to be sent.
func (a Account) order() (places []int) {
	for n := a.Pending; n < len(a.Told); n++ {
		places = append(places, n)
		if a.Method == WebhookTwice {
			places = append(places, n)
		}
	}
	if a.Method == WebhookOutOfOrder {
		places = nil
		for n := len(a.Told) - 1; n >= 0; n-- {
			places = append(places, n)
		}
	}
	return places
}

// Account gives what the ledger has of a payment; the zero account if that is nothing.
func (p *Provider) Account(ctx context.Context, id string) (a Account, revision int, err error) {
	text, revision, err := p.Ledger.LoadAccount(ctx, id)
	if err == nil && revision > 0 {
		err = json.Unmarshal(text, &a)
	} else {
		a = Account{ID: id, Pending: -1, Answers: map[string]Answer{}}
	}
	if err != nil {
		return a, revision, fmt.Errorf("read the sandbox's account: %w", err)
	}
	return a, revision, nil
}

func (p *Provider) save(ctx context.Context, a Account, revision int) error {
	text, err := json.Marshal(a)
	if err == nil {
		err = p.Ledger.SaveAccount(ctx, a.ID, text, revision)
	}
	if err != nil {
		return fmt.Errorf("write the sandbox's account: %w", err)
	}
	return nil
}
