package auth

import (
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
)

// ClaimEmail gives an address to an account.
type ClaimEmail struct{ UserID string }

// ErrEmailTaken: another account has the address.
var ErrEmailTaken = &es.Error{Kind: es.Conflict, Code: "email-taken", Message: "Another account has this email address."}

// Decide implements [es.Command].
func (c ClaimEmail) Decide(state Claim, _ time.Time) ([]events.Email, error) {
	switch state.UserID {
	case "":
		return []events.Email{events.EmailClaimed{UserID: c.UserID}}, nil
	case c.UserID:
		return nil, nil
	}
	return nil, ErrEmailTaken
}

// ReleaseEmail frees an address that the account has.
type ReleaseEmail struct{ UserID string }

// Decide implements [es.Command].
func (c ReleaseEmail) Decide(state Claim, _ time.Time) ([]events.Email, error) {
	if state.UserID != c.UserID {
		return nil, nil
	}
	return []events.Email{events.EmailReleased{UserID: c.UserID}}, nil
}
