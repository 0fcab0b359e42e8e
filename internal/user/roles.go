package user

import (
	"context"
	"slices"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// GrantRole gives a person a role.
type GrantRole struct{ Role string }

// RevokeRole takes a role from a person.
type RevokeRole struct {
	Role string
	By   string // who takes it
}

var (
	// ErrUnknownRole: there is no such role, or it is not one that is given.
	ErrUnknownRole = &es.Error{Kind: es.Rejected, Code: "unknown-role", Message: "The roles that can be given are operator and auditor."}
	// ErrOwnRole: an operator takes that role from others only, so that one is always left.
	ErrOwnRole = &es.Error{Kind: es.Rejected, Code: "own-role", Message: "You cannot take the role of operator from yourself."}
)

// Decide implements [es.Command].
func (c GrantRole) Decide(p Profile, _ time.Time) ([]events.Auth, error) {
	if err := p.Status.refusal(); err != nil {
		return nil, err
	}
	switch {
	case c.Role != api.RoleOperator && c.Role != api.RoleAuditor:
		return nil, ErrUnknownRole
	case slices.Contains(p.Roles, c.Role):
		return nil, nil
	}
	return []events.Auth{events.UserRoleGranted{Role: c.Role}}, nil
}

// Decide implements [es.Command].
func (c RevokeRole) Decide(p Profile, _ time.Time) ([]events.Auth, error) {
	if err := p.Status.refusal(); err != nil {
		return nil, err
	}
	switch {
	case c.Role != api.RoleOperator && c.Role != api.RoleAuditor:
		return nil, ErrUnknownRole
	case c.Role == api.RoleOperator && c.By == p.ID:
		return nil, ErrOwnRole
	case !slices.Contains(p.Roles, c.Role):
		return nil, nil
	}
	return []events.Auth{events.UserRoleRevoked{Role: c.Role}}, nil
}

func (m *Module) grantRole(ctx context.Context, call api.Call, _ struct{}) (api.Reply[api.Changed], error) {
	return m.changeAsOperator(ctx, call, GrantRole{call.Params["role"]})
}

func (m *Module) revokeRole(ctx context.Context, call api.Call, _ struct{}) (api.Reply[api.Changed], error) {
	return m.changeAsOperator(ctx, call, RevokeRole{call.Params["role"], call.Caller.ID})
}
