package auth

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
	Status        string     `json:"status"`
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

func applyToUser(row UserRow, e es.Recorded) UserRow {
	switch e := e.Event.(type) {
	case events.UserCreated:
		row.ID, row.Email, row.Name = e.UserID, e.Email, e.Name
		row.Status, row.Roles = "active", []string{"user"}
	case events.UserEmailChanged:
		row.Email, row.EmailVerified = e.New, false
	case events.UserEmailVerified:
		row.EmailVerified = true
	case events.UserNameChanged:
		row.Name = e.New
	case events.UserRoleGranted:
		row.Roles = append(row.Roles[:len(row.Roles):len(row.Roles)], e.Role)
	}
	if e.Version == 1 {
		row.CreatedAt = e.At
	}
	row.UpdatedAt, row.Version = e.At, e.Version
	return row
}

func (m *Module) getUser(ctx context.Context, call api.Call) (api.Reply[UserRow], error) {
	return api.One(ctx, call, &Users, m.Views)
}
