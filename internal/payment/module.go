// Package payment is the module of payments, which a provider carries out.
// state.go has its aggregate, provider.go what a provider has to do, every other file one
// command, one read model with its route, or one reactor.
package payment

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// Module answers the requests of the payment routes.
type Module struct {
	es.Executor
	Views    *projection.Reader
	Provider Provider
}

// Routes lists the module's routes.
func (m *Module) Routes() []api.Route {
	return []api.Route{
		api.Command("POST /payments", api.SignedIn, m.request).
			Does("Asks for a payment. A provider carries it out after the answer; with `Prefer: wait=8` the answer waits for what comes of it.").
			Takes(api.WithKey, api.Waiting).Gives(202, 201).Refuses(ErrNoKey, api.ErrInvalid),
		api.Query("GET /payments", api.SignedIn, m.listPayments).
			Does("Lists one's own payments, or all for operators and auditors, newest first. A page may have fewer than asked for, and more after it.").
			Takes(api.Paged, api.InQuery("status", "Those with this status only.", "enum="+strings.Join(statuses, "|"))),
		api.Query("GET /payments/summary", api.Staff, m.sumUp).
			Does("Counts payments and adds up their amounts, by status and currency."),
		api.Query("GET /payments/{id}", api.SignedIn, m.getPayment).
			Does("Shows a payment, now or as it was.").Takes(api.TimeTravel),
		api.Query("GET /payments/{id}/history", api.SignedIn, m.history).
			Does("Lists everything that happened to a payment.").Takes(api.Paged, api.Ordered),
		api.Command("POST /payments/{id}/capture", api.SignedIn, m.capture).
			Does("Has an authorized payment captured, or a part of it, after which the rest is released.").
			Takes(api.Waiting).Gives(202, 200).Refuses(ErrNotCapturable, ErrCaptureTooHigh, api.ErrInvalid),
		api.Command("POST /payments/{id}/cancel", api.SignedIn, m.cancel).
			Does("Has a payment canceled that is not captured. What is captured meanwhile is given back.").
			Takes(api.Waiting).Gives(202, 200).Refuses(ErrNotCancelable),
		api.Command("POST /payments/{id}/refunds", api.SignedIn, m.refund).
			Does("Has what was captured given back, or a part of it.").
			Takes(api.Waiting).Gives(202, 200).Refuses(ErrNotRefundable, ErrRefundTooHigh, ErrTooManyRefunds, api.ErrInvalid),
		api.Raw("POST /payments/webhooks/{provider}", api.Public, m.webhook).
			Does("Takes what a provider of payments tells by itself, signed.").Gives(200).Refuses(ErrSignature, ErrImpossible),
	}
}

// Projections lists what the projector keeps for the module: read models and snapshots.
func (m *Module) Projections() []projection.Projection {
	return []projection.Projection{&Payments, &Sums}
}

// Reactors lists the module's reactors.
func (m *Module) Reactors() []projection.Projection {
	return []projection.Projection{m.charging()}
}

// Aggregates lists what the module's streams add up to.
func (m *Module) Aggregates() []es.Folder { return []es.Folder{&payments} }

const category = "payment"

var payments = es.Aggregate[Payment, events.Payment]{Category: category, Reducer: 1}

// ErrNotFound: there is no such payment, or not for this caller.
var ErrNotFound = api.ErrNotFound

// Actor is who wants a payment changed.
type Actor struct {
	ID       string
	Operator bool
}

// mayChange reports whether the payment is the actor's to change: it is the payer's, and
// operators may help.
func (a Actor) mayChange(p Payment) bool { return p.Exists() && (a.ID == p.PayerID || a.Operator) }

func actor(call api.Call) Actor {
	return Actor{call.Caller.ID, slices.Contains(call.Caller.Roles, api.RoleOperator)}
}

// Answer is the body that answers the commands: how the payment stands.
type Answer struct {
	ID          string         `json:"id" schema:"format=uuid"`
	Version     es.Version     `json:"version"`
	Status      string         `json:"status" schema:"enum=requested|authorized|captured|partially_refunded|refunded|declined|canceled|expired|disputed"`
	DeclineCode string         `json:"declineCode,omitempty"` // why it was declined
	Refunds     []RefundAnswer `json:"refunds,omitempty"`     // that were asked for, the last one at the end
}

// RefundAnswer is what became of a refund.
type RefundAnswer struct {
	ID     string      `json:"id" schema:"format=uuid"`
	Amount int64       `json:"amount"`
	Status RefundState `json:"status" schema:"enum=requested|refunded|failed"`
}

// change carries out a command on the payment that the call's path names.
func (m *Module) change(ctx context.Context, call api.Call, c es.Command[Payment, events.Payment]) (reply api.Reply[Answer], err error) {
	id, err := call.ID()
	if err != nil {
		return reply, err
	}
	result, err := m.Execute(ctx, call.Meta, call.IfMatch, payments.On(id, c))
	if err != nil {
		return reply, err
	}
	p, version, err := m.foldAt(ctx, id, es.Moment{Version: result.Version})
	if err != nil {
		return reply, err
	}
	return m.answer(ctx, call, result, p, version)
}

// answer tells how the payment stands after a command, or once all is decided, if the caller
// prefers to wait for that: 202 while something is under way.
func (m *Module) answer(ctx context.Context, call api.Call, result es.Result, p Payment, version es.Version) (reply api.Reply[Answer], err error) {
	id, wait := result.Stream.ID(), call.Wait()
	if wait > 0 && p.UnderWay() {
		if p, version, err = m.settled(ctx, id, wait); err != nil {
			return reply, err
		}
	}
	reply = api.Reply[Answer]{
		Body:   Answer{ID: id, Version: version, Status: p.Status(), DeclineCode: p.Declined},
		Status: http.StatusOK, Version: version, Replay: result.Replay, Waited: wait,
	}
	for _, r := range p.Refunds {
		reply.Body.Refunds = append(reply.Body.Refunds, RefundAnswer(r))
	}
	if p.UnderWay() {
		reply.Status = http.StatusAccepted
	}
	return reply, nil
}

// The pauses between two looks at a payment that is waited for.
const (
	firstPause = 25 * time.Millisecond
	lastPause  = 400 * time.Millisecond
)

// settled gives the payment once nothing is under way, or as it is when the time is up.
func (m *Module) settled(ctx context.Context, id string, wait time.Duration) (p Payment, version es.Version, err error) {
	enough := time.NewTimer(wait)
	defer enough.Stop()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		p, version, err = m.foldAt(ctx, id, es.Moment{})
		if err != nil || !p.UnderWay() {
			return p, version, err
		}
		select {
		case <-time.After(pause):
		case <-enough.C:
			return p, version, nil
		case <-ctx.Done():
			return p, version, es.ErrUnavailable
		}
	}
}

func (m *Module) foldAt(ctx context.Context, id string, at es.Moment) (Payment, es.Version, error) {
	p, version, _, err := es.FoldAt(ctx, m.Store, es.NewStream(category, id), at, apply)
	return p, version, err
}

// apply folds a payment's events for whoever needs the state alone.
func apply(p Payment, e es.Recorded) Payment {
	if e, ok := e.Event.(events.Payment); ok {
		return p.Evolve(e)
	}
	return p
}
