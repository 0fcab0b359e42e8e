package auth

import (
	"context"
	"errors"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// RehashPassword replaces the hash of a password, which stays, by one that is made as they are
// today. It does nothing if the password has been replaced meanwhile.
type RehashPassword struct{ Old, New string }

// Decide implements [es.Command].
func (c RehashPassword) Decide(u User, _ time.Time) ([]events.Auth, error) {
	if u.Status != Active || u.PasswordHash != c.Old {
		return nil, nil
	}
	return []events.Auth{events.UserPasswordRehashed{PasswordHash: c.New}}, nil
}

// rehash hashes the password of somebody who logs in anew. A login does not fail because others
// change the account or the store is slow: the next one does it then.
func (m *Module) rehash(ctx context.Context, call api.Call, user User, password string) error {
	call.Meta.Actor, call.Meta.Fingerprint = user.ID, nil
	call.Meta.CommandID = es.DeriveID("rehash", call.Meta.CommandID)
	_, err := m.Execute(ctx, call.Meta, nil, m.users().On(user.ID, RehashPassword{user.PasswordHash, m.Passwords.Hash(password)}))
	if refusal := (*es.Error)(nil); errors.As(err, &refusal) {
		return nil
	}
	return err
}
