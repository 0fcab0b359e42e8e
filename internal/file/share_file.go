package file

import (
	"context"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// ShareFile lets another person use a file, or changes what that person may do.
type ShareFile struct {
	By, UserID string
	Permission Permission
	Active     bool // there is an account of UserID that can be used
}

// maxShares keeps what a purge has to do within one transaction.
const maxShares = 50

// The refusals of ShareFile.
var (
	ErrOwnFile       = &es.Error{Kind: es.Rejected, Code: "own-file", Message: "This person owns the file."}
	ErrTooManyShares = &es.Error{Kind: es.Rejected, Code: "too-many-shares", Message: "A file can be shared with 50 people."}
	ErrNoSuchUser    = &es.Error{Kind: es.Rejected, Code: "no-such-user", Message: "There is no active account with this id to share with."}
)

// Decide implements [es.Command].
func (c ShareFile) Decide(f File, _ time.Time) ([]events.File, error) {
	was := f.permission(c.UserID)
	switch {
	case !f.Exists(), c.By != f.OwnerID:
		return nil, ErrNotFound // first, so that nobody can ask about accounts by a stranger's file
	case !c.Active:
		return nil, ErrNoSuchUser
	case c.UserID == f.OwnerID:
		return nil, ErrOwnFile
	case f.Status != Available:
		return nil, ErrNotAvailable
	case was == c.Permission:
		return nil, nil
	case was == "" && len(f.Shares) == maxShares:
		return nil, ErrTooManyShares
	}
	return []events.File{events.FileShared{UserID: c.UserID, Permission: string(c.Permission)}}, nil
}

// UnshareFile ends what another person may do with a file. That person may as well.
type UnshareFile struct{ By, UserID string }

// Decide implements [es.Command].
func (c UnshareFile) Decide(f File, now time.Time) ([]events.File, error) {
	if !f.Exists() || c.By != f.OwnerID && (c.By != c.UserID || f.permission(c.UserID) == "") {
		return nil, ErrNotFound
	}
	return EndShare{c.UserID}.Decide(f, now)
}

// EndShare ends what a person may do with a file, if anything, because the person is erased.
type EndShare struct{ UserID string }

// Decide implements [es.Command].
func (c EndShare) Decide(f File, _ time.Time) ([]events.File, error) {
	if !f.Exists() || f.permission(c.UserID) == "" {
		return nil, nil
	}
	return []events.File{events.FileUnshared{UserID: c.UserID}}, nil
}

// GrantShare notes what a person may do with a file.
type GrantShare struct {
	FileID, UserID string
	Permission     Permission
}

// Decide implements [es.Command].
func (c GrantShare) Decide(s Share, _ time.Time) ([]events.Share, error) {
	if s == Share(c) {
		return nil, nil
	}
	return []events.Share{events.ShareGranted{FileID: c.FileID, UserID: c.UserID, Permission: string(c.Permission)}}, nil
}

// RevokeShare notes that a person may do nothing with a file any more.
type RevokeShare struct{}

// Decide implements [es.Command].
func (RevokeShare) Decide(s Share, _ time.Time) ([]events.Share, error) {
	if s.Permission == "" {
		return nil, nil
	}
	return []events.Share{events.ShareRevoked{UserID: s.UserID}}, nil
}

type shareFileBody struct {
	Permission string `json:"permission" schema:"enum=read|write"`
}

func (m *Module) shareFile(ctx context.Context, call api.Call, in shareFileBody) (reply api.Reply[api.Changed], err error) {
	userID := call.Params["userId"]
	active, err := m.isActive(ctx, userID)
	if err != nil {
		return reply, err
	}
	return m.change(ctx, call, ShareFile{call.Caller.ID, userID, Permission(in.Permission), active})
}

func (m *Module) unshareFile(ctx context.Context, call api.Call, _ struct{}) (api.Reply[api.Changed], error) {
	return m.change(ctx, call, UnshareFile{call.Caller.ID, call.Params["userId"]})
}

// isActive reports whether there is an account with this id that can be used.
func (m *Module) isActive(ctx context.Context, userID string) (bool, error) {
	if !es.ValidID(userID) {
		return false, nil
	}
	p, _, _, err := es.FoldAt(ctx, m.Store, es.NewStream("user", userID), es.Moment{}, person.apply)
	return p.active, err
}

// person is what this module has to know of an account.
type person struct{ active bool }

func (p person) apply(e es.Recorded) person {
	switch e.Event.(type) {
	case events.UserCreated, events.UserReactivated:
		p.active = true
	case events.UserSuspended, events.UserErasureRequested:
		p.active = false
	}
	return p
}
