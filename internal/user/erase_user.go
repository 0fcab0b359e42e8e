package user

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// RequestErasure begins the erasure of a person.
type RequestErasure struct{}

// ErrIsOperator: operators are not erased, so that one is always left.
var ErrIsOperator = &es.Error{Kind: es.Conflict, Code: "is-operator", Message: "Another operator has to take the role of operator from this account first."}

// Decide implements [es.Command].
func (RequestErasure) Decide(p Profile, _ time.Time) ([]events.Auth, error) {
	switch {
	case p.Status == "":
		return nil, api.ErrNotFound
	case p.Status == Erasing, p.Status == Erased:
		return nil, nil
	case slices.Contains(p.Roles, api.RoleOperator):
		return nil, ErrIsOperator
	}
	return []events.Auth{events.UserErasureRequested{}, events.UserSessionsEnded{Reason: "erasure"}}, nil
}

// RecordKeyDestroyed records that a person's key is no more.
type RecordKeyDestroyed struct{}

// Decide implements [es.Command].
func (RecordKeyDestroyed) Decide(p Profile, _ time.Time) ([]events.Auth, error) {
	if p.KeyDestroyed {
		return nil, nil
	}
	return []events.Auth{events.UserKeyDestroyed{}}, nil
}

// RecordErased records that a person has been erased.
type RecordErased struct{}

// Decide implements [es.Command].
func (RecordErased) Decide(p Profile, _ time.Time) ([]events.Auth, error) {
	if p.Status != Erasing {
		return nil, nil
	}
	return []events.Auth{events.UserErased{}}, nil
}

// deleteUser is for the person and for operators. Nothing brings an erased person back, so these have to
// be operators still.
func (m *Module) deleteUser(ctx context.Context, call api.Call, _ struct{}) (reply api.Reply[api.Changed], err error) {
	if !call.Caller.SeesPersonal(call.Params["id"]) {
		return reply, api.ErrNotFound
	}
	change := m.change
	if call.Params["id"] != call.Caller.ID {
		change = m.changeAsOperator
	}
	reply, err = change(ctx, call, RequestErasure{})
	reply.Status = http.StatusAccepted
	return reply, err
}
