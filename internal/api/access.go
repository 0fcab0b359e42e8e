package api

import (
	"slices"

	"github.com/interview-sandbox/annals/internal/es"
)

// Access says who may send a request. Every route declares it; [Access.Check] is the one
// place that decides.
type Access uint8

// The kinds of access. There is none to forget: a route without a declaration lets nobody in.
const (
	_        Access = iota
	Public          // everybody, with or without a token
	SignedIn        // everybody with a valid token
	Self            // the user whose id is the path's {id}; operators and auditors may read
	Staff           // operators; auditors may read
)

// The roles besides that of a user.
const (
	RoleOperator = "operator"
	RoleAuditor  = "auditor"
)

// Caller is who sent a request. The zero value is somebody without a token.
type Caller struct {
	ID      string
	Roles   []string
	Session string // the login that the token is of
	Reason  string // why there is no ID although a token was sent
}

// Actor is how the caller is named in commits.
func (c Caller) Actor() string {
	if c.ID == "" {
		return "anonymous"
	}
	return c.ID
}

// SeesPersonal reports whether the caller may see what tells something about a person in an
// object of these owners: one of them, and operators. Auditors read everything else.
func (c Caller) SeesPersonal(owners ...string) bool {
	return c.is(owners) || slices.Contains(c.Roles, RoleOperator)
}

// Reads reports whether the caller may read an object of these owners: one of them, operators
// and auditors.
func (c Caller) Reads(owners ...string) bool {
	return c.SeesPersonal(owners...) || slices.Contains(c.Roles, RoleAuditor)
}

func (c Caller) is(owners []string) bool { return c.ID != "" && slices.Contains(owners, c.ID) }

// The refusals of Check.
var (
	ErrUnauthenticated = &es.Error{Kind: es.Unauthenticated, Code: "unauthenticated", Message: "This needs a valid access token."}
	ErrForbidden       = &es.Error{Kind: es.Forbidden, Code: "forbidden", Message: "Your role does not allow this."}
	ErrNotFound        = &es.Error{Kind: es.NotFound, Code: "not-found", Message: "There is no such thing here."}
)

// Check decides whether the caller may send a request to the route. Whoever may not know
// that an object exists is told that there is none.
func (r Route) Check(c Caller, params map[string]string) error {
	operator := slices.Contains(c.Roles, RoleOperator)
	reader := !r.Command && (operator || slices.Contains(c.Roles, RoleAuditor))
	switch {
	case r.Access == Public:
		return nil
	case c.ID == "":
		return ErrUnauthenticated
	case r.Access == SignedIn,
		r.Access == Self && (c.ID == params["id"] || reader),
		r.Access == Staff && (operator || reader):
		return nil
	case operator:
		return ErrForbidden
	}
	return ErrNotFound
}
