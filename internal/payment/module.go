// Package payment is the module of payments, which a provider carries out.
// state.go has its aggregate, provider.go what a provider has to do, every other file one
// command, one read model with its route, or one reactor.
package payment

import (
	"context"
	"net/http"
	"slices"
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
		api.Command("POST /payments", api.SignedIn, m.request),
		api.Query("GET /payments", api.SignedIn, m.listPayments),
		api.Query("GET /payments/summary", api.Staff, m.sumUp),
		api.Query("GET /payments/{id}", api.SignedIn, m.getPayment),
		api.Query("GET /payments/{id}/history", api.SignedIn, m.history),
		api.Command("POST /payments/{id}/capture", api.SignedIn, m.capture),
		api.Command("POST /payments/{id}/cancel", api.SignedIn, m.cancel),
		api.Command("POST /payments/{id}/refunds", api.SignedIn, m.refund),
		api.Raw("POST /payments/webhooks/{provider}", api.Public, m.webhook),
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
	ID          string     `json:"id"`
	Version     es.Version `json:"version"`
	Status      string     `json:"status"`
	DeclineCode string     `json:"declineCode,omitempty"` // why it was declined
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
