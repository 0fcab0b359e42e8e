// Package user is the module of people: profiles, roles, suspension and erasure.
// state.go has its aggregates, every other file one command, one read model with its route, or
// one reactor.
package user

import (
	"context"
	"slices"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// Module answers the requests of the user routes.
type Module struct {
	es.Executor
	Views    *projection.Reader
	Holdings []Holding
	Keys     Keys // for reactors only
}

// Holding is what a module holds of people.
type Holding interface {
	// Purge gives commands that remove some of what is left of a person; none: nothing is
	// left. They seal nothing and can be decided without the person's key.
	Purge(ctx context.Context, userID string) ([]es.Step, error)
	// Export gives all that the module keeps of a person as a value that is written as JSON,
	// and the name under which it stands in the document.
	Export(ctx context.Context, userID string) (name string, part any, err error)
}

// Keys are the keys that people's data is sealed with.
type Keys interface {
	// Destroy destroys a person's key for good, also if that was done before. For a minute
	// others may still use it.
	Destroy(ctx context.Context, userID string) error
}

// Routes lists the module's routes.
func (m *Module) Routes() []api.Route {
	return []api.Route{
		api.Query("GET /auth/users/{id}", api.Self, m.getUser).
			Does("Shows an account, now or as it was.").Takes(api.TimeTravel),
		api.Query("GET /auth/users/{id}/history", api.Self, m.userHistory).
			Does("Lists everything that happened to an account.").Takes(api.Paged, api.Ordered),
		api.Query("GET /users", api.Staff, m.listUsers).
			Does("Lists accounts by name. A page may have fewer than asked for, and more after it.").
			Takes(api.Paged, api.InQuery("q", "The beginning of a name or an address.", "maxLength=254"), api.InQuery("status", "Those with this status only.", "enum=active|suspended|erasing|erased")).
			Refuses(api.ErrForbidden),
		api.Query("GET /users/summary", api.Staff, m.countUsers).
			Does("Counts accounts by status."),
		api.Query("GET /users/me", api.SignedIn, m.getMe).
			Does("Shows one's own account, now or as it was.").Takes(api.TimeTravel).Refuses(api.ErrNotFound),
		api.Query("GET /users/{id}", api.Self, m.getUser).
			Does("Shows an account, now or as it was.").Takes(api.TimeTravel),
		api.Query("GET /users/{id}/history", api.Self, m.userHistory).
			Does("Lists everything that happened to an account.").Takes(api.Paged, api.Ordered),
		api.Query("GET /users/{id}/export", api.SignedIn, m.export).
			Does("Gives everything that is kept of a person, to that person and to operators."),
		api.Command("PATCH /users/{id}", api.Self, m.updateProfile).
			Does("Changes what is given of one's name, locale and picture. An empty locale or avatarFileId takes away what there is.").Refuses(api.ErrInvalid, ErrSuspended),
		api.Command("DELETE /users/{id}", api.SignedIn, m.deleteUser).
			Does("Begins the erasure of a person, for that person and for operators. It takes about three minutes.").Gives(202).Refuses(ErrIsOperator),
		api.Command("POST /users/{id}/suspend", api.Staff, m.suspend).
			Does("Keeps a person out and ends all of the person's logins.").Refuses(api.ErrInvalid, ErrOwnAccount),
		api.Command("POST /users/{id}/reactivate", api.Staff, m.reactivate).
			Does("Lets a suspended person in again."),
		api.Command("PUT /users/{id}/roles/{role}", api.Staff, m.grantRole).
			Does("Gives a person the role of operator or auditor.").Takes(role).Refuses(ErrUnknownRole),
		api.Command("DELETE /users/{id}/roles/{role}", api.Staff, m.revokeRole).
			Does("Takes a role from a person. Operators keep their own role of operator.").Takes(role).Refuses(ErrUnknownRole, ErrOwnRole),
	}
}

// role is the path's {role}.
var role = api.Params{{Name: "role", Text: "The role.", Schema: "enum=" + api.RoleOperator + "|" + api.RoleAuditor, In: "path"}}

// Projections lists what the projector keeps for the module: read models and snapshots.
func (m *Module) Projections() []projection.Projection {
	return []projection.Projection{&Users, &Accounts}
}

// Reactors lists the module's reactors.
func (m *Module) Reactors() []projection.Projection { return []projection.Projection{m.erasure()} }

// Aggregates lists what the module's streams add up to. Those of accounts add up to what the
// auth module makes of them as well, which is what is shown.
func (m *Module) Aggregates() []es.Folder { return nil }

// profiles is what this module makes of accounts. The snapshots of their streams are the auth
// module's.
var profiles = es.Aggregate[Profile, events.Auth]{Category: "user", Reducer: 1, Subject: func(p Profile) string { return p.ID }}

// change carries out a command on the account that the call's path names.
func (m *Module) change(ctx context.Context, call api.Call, c es.Command[Profile, events.Auth]) (reply api.Reply[api.Changed], err error) {
	id, err := call.ID()
	if err != nil {
		return reply, err
	}
	result, err := m.Execute(ctx, call.Meta, call.IfMatch, profiles.On(id, c))
	return api.Accepted(result), err
}

// changeAsOperator is change by somebody who has to be an operator still. A token tells what its
// owner was up to ten minutes ago, and these are the commands by which somebody could take back
// what was taken from them, or do what nobody can undo.
func (m *Module) changeAsOperator(ctx context.Context, call api.Call, c es.Command[Profile, events.Auth]) (reply api.Reply[api.Changed], err error) {
	caller, err := profiles.Load(ctx, &m.Repository, call.Caller.ID)
	if err != nil {
		return reply, err
	}
	if caller.State.Status != Active || !slices.Contains(caller.State.Roles, api.RoleOperator) {
		return reply, api.ErrNotFound
	}
	return m.change(ctx, call, c)
}
