package user

import (
	"context"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// UserRow is an account as its owner sees it.
type UserRow struct {
	ID            string     `json:"id" schema:"format=uuid"`
	Email         string     `json:"email" data:"personal"`
	Name          string     `json:"name" data:"personal"`
	EmailVerified bool       `json:"emailVerified"`
	Locale        string     `json:"locale" data:"personal"` // BCP 47; "": none is known
	AvatarFileID  string     `json:"avatarFileId"`           // "": none
	Status        Status     `json:"status"`
	Roles         []string   `json:"roles"`
	CreatedAt     time.Time  `json:"createdAt"`
	UpdatedAt     time.Time  `json:"updatedAt"`
	Version       es.Version `json:"version"`
}

// Users is the read model of accounts, by id, with a list by name and one by address.
var Users = projection.View[UserRow]{
	Name:     "users",
	Category: "user",
	Apply:    applyToUser,
	Lists: [projection.Lists]func(UserRow) projection.Place{
		func(u UserRow) projection.Place { return projection.Place{Partition: "name", Sort: canonical(u.Name)} },
		func(u UserRow) projection.Place {
			return projection.Place{Partition: "email", Sort: canonical(u.Email)}
		},
	},
}

// applyToUser empties the row when an erasure begins: nothing that comes after it tells
// anything about the person any more.
func applyToUser(row UserRow, e es.Recorded) UserRow {
	row.Status = row.Status.after(e.Event)
	switch e := e.Event.(type) {
	case events.UserCreated:
		row.ID, row.Email, row.Name = e.UserID, e.Email, e.Name
		row.Roles = []string{"user"}
	case events.UserEmailChanged:
		row.Email, row.EmailVerified = e.New, false
	case events.UserEmailVerified:
		row.EmailVerified = true
	case events.UserNameChanged:
		row.Name = e.New
	case events.UserLocaleChanged:
		row.Locale = e.Locale
	case events.UserAvatarChanged:
		row.AvatarFileID = e.FileID
	case events.UserRoleGranted:
		row.Roles = append(row.Roles[:len(row.Roles):len(row.Roles)], e.Role)
	case events.UserRoleRevoked:
		row.Roles = without(row.Roles, e.Role)
	case events.UserErasureRequested:
		row.Email, row.Name, row.Locale, row.AvatarFileID = events.Erased, events.Erased, "", ""
	}
	if e.Version == 1 {
		row.CreatedAt = e.At
	}
	row.UpdatedAt, row.Version = e.At, e.Version
	return row
}

// getMe is getUser of the caller.
func (m *Module) getMe(ctx context.Context, call api.Call) (api.Reply[UserRow], error) {
	call.Params = map[string]string{"id": call.Caller.ID}
	return m.getUser(ctx, call)
}

func (m *Module) userHistory(ctx context.Context, call api.Call) (api.Reply[api.List[api.HistoryItem]], error) {
	return api.History(ctx, call, m.Store, "user")
}

func (m *Module) getUser(ctx context.Context, call api.Call) (api.Reply[UserRow], error) {
	return api.One(ctx, call, &Users, m.Views)
}
