package user

import (
	"slices"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// Profile is a person: what the events of a "user#<id>" stream add up to for this module.
type Profile struct {
	ID       string
	Status   Status
	Name     string `data:"personal"`
	Locale   string `data:"personal"` // BCP 47; "": none is known
	AvatarID string // a file's; "": none
	Roles    []string
	// KeyDestroyed: what was sealed for the person cannot be opened any more.
	KeyDestroyed bool
}

// Status is what has become of an account.
type Status string

// What an account can be. Only an active one lets anybody in.
const (
	Active    Status = "active"
	Suspended Status = "suspended"
	Erasing   Status = "erasing"
	Erased    Status = "erased"
)

// statuses are what an account can be.
var statuses = []Status{Active, Suspended, Erasing, Erased}

// after is an account's status after one more event.
func (s Status) after(e events.Event) Status {
	switch e.(type) {
	case events.UserCreated, events.UserReactivated:
		return Active
	case events.UserSuspended:
		return Suspended
	case events.UserErasureRequested:
		return Erasing
	case events.UserErased:
		return Erased
	}
	return s
}

// refusal says why a command on an account of this status is refused whatever it wants; nil:
// it is not.
func (s Status) refusal() error {
	switch s {
	case "":
		return api.ErrNotFound
	case Erasing, Erased:
		return es.ErrErased
	}
	return nil
}

// Evolve implements [es.State].
func (p Profile) Evolve(e events.Auth) Profile {
	p.Status = p.Status.after(e)
	switch e := e.(type) {
	case events.UserCreated:
		p.ID, p.Name = e.UserID, e.Name
	case events.UserNameChanged:
		p.Name = e.New
	case events.UserLocaleChanged:
		p.Locale = e.Locale
	case events.UserAvatarChanged:
		p.AvatarID = e.FileID
	case events.UserRoleGranted:
		p.Roles = append(slices.Clip(p.Roles), e.Role)
	case events.UserRoleRevoked:
		p.Roles = without(p.Roles, e.Role)
	case events.UserKeyDestroyed:
		p.KeyDestroyed = true
	}
	return p
}

func without(roles []string, role string) []string {
	return slices.DeleteFunc(slices.Clone(roles), func(r string) bool { return r == role })
}
