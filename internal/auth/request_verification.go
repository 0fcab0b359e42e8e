package auth

import (
	"context"
	"net/http"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
)

// verifyPause is how long after a mail that verifies an address there is no other one.
const verifyPause = time.Minute

// RequestVerification has another mail sent that verifies an account's address. It does nothing
// if the address is verified, or that was asked for a moment ago.
type RequestVerification struct{}

// Decide implements [es.Command].
func (RequestVerification) Decide(u User, now time.Time) ([]events.Auth, error) {
	if err := u.refusal(); err != nil {
		return nil, err
	}
	if u.EmailVerified || now.Before(u.VerifyAskedAt.Add(verifyPause)) {
		return nil, nil
	}
	return []events.Auth{events.UserVerificationRequested{At: now}}, nil
}

func (m *Module) requestVerification(ctx context.Context, call api.Call, _ struct{}) (api.Reply[struct{}], error) {
	result, err := m.Execute(ctx, call.Meta, call.IfMatch, m.users().On(call.Caller.ID, RequestVerification{}))
	return api.Reply[struct{}]{Status: http.StatusAccepted, Version: result.Version, Replay: result.Replay}, err
}
