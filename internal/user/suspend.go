package user

import (
	"context"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// Suspend keeps a person out, and ends all of the person's logins.
type Suspend struct {
	Reason string
	By     string // who suspends
}

// ErrOwnAccount: one cannot suspend oneself, and with that maybe the last operator.
var ErrOwnAccount = &es.Error{Kind: es.Rejected, Code: "own-account", Message: "You cannot suspend yourself."}

// Decide implements [es.Command].
func (c Suspend) Decide(p Profile, _ time.Time) ([]events.Auth, error) {
	if err := p.Status.refusal(); err != nil {
		return nil, err
	}
	switch {
	case p.ID == c.By:
		return nil, ErrOwnAccount
	case p.Status == Suspended:
		return nil, nil
	}
	return []events.Auth{events.UserSuspended{Reason: c.Reason}, events.UserSessionsEnded{Reason: "suspended"}}, nil
}

// Reactivate lets a suspended person in again.
type Reactivate struct{}

// Decide implements [es.Command].
func (Reactivate) Decide(p Profile, _ time.Time) ([]events.Auth, error) {
	if err := p.Status.refusal(); err != nil {
		return nil, err
	}
	if p.Status != Suspended {
		return nil, nil
	}
	return []events.Auth{events.UserReactivated{}}, nil
}

type suspendBody struct {
	Reason string `json:"reason" schema:"minLength=1 maxLength=500"`
}

func (m *Module) suspend(ctx context.Context, call api.Call, in suspendBody) (reply api.Reply[api.Changed], err error) {
	var bad api.Invalid
	reason := bad.Text("/reason", in.Reason)
	if err := bad.Err(); err != nil {
		return reply, err
	}
	return m.changeAsOperator(ctx, call, Suspend{reason, call.Caller.ID})
}

func (m *Module) reactivate(ctx context.Context, call api.Call, _ struct{}) (api.Reply[api.Changed], error) {
	return m.changeAsOperator(ctx, call, Reactivate{})
}
