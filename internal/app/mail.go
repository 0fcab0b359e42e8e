package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/interview-sandbox/annals/internal/auth"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/keys"
	"github.com/interview-sandbox/annals/internal/notification"
	"github.com/interview-sandbox/annals/internal/ses/feedback"
)

// Feedback builds functions/feedback, which SES's bounces and complaints come to.
func Feedback(_ context.Context, c Config) (*Counted, error) {
	s := newSystem(c)
	vault, ring, err := s.vault()
	if err != nil {
		return nil, err
	}
	m := &notification.Module{Executor: es.Executor{Repository: s.repository(vault), Now: s.Now}, Secrets: mailSecrets{ring}}
	listener := &feedback.Listener{Take: m.Take}
	return s.counted("feedback", handler[events.EventBridgeEvent, struct{}](listener.Handle)), nil
}

// mailing gives the notification module what it needs to send mail.
func (s system) mailing(m *notification.Module, mailer Mailer, ring *keys.Ring) {
	m.Mailer = mailer(s.Config)
	m.Secrets = mailSecrets{ring}
	m.From, m.PublicURL = s.MailFrom, strings.TrimSuffix(s.PublicURL, "/")
}

// mailSecrets implements [notification.Secrets]. It derives a secret when it is needed.
type mailSecrets struct{ ring *keys.Ring }

// VerificationToken implements [notification.Secrets].
func (s mailSecrets) VerificationToken(ctx context.Context, userID, email string, expires time.Time) (string, error) {
	key, err := s.ring.Secret(ctx, forMailedTokens)
	return (&auth.Module{MailKey: key}).VerificationToken(userID, email, expires), err
}

// ResetToken implements [notification.Secrets].
func (s mailSecrets) ResetToken(ctx context.Context, userID, requestID string, expires time.Time) (string, error) {
	key, err := s.ring.Secret(ctx, forMailedTokens)
	return (&auth.Module{MailKey: key}).ResetToken(userID, requestID, expires), err
}

// Mailbox implements [notification.Secrets].
func (s mailSecrets) Mailbox(ctx context.Context, address string) (string, error) {
	key, err := s.ring.Secret(ctx, "mailboxes")
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(strings.ToLower(strings.TrimSpace(address))))
	return hex.EncodeToString(mac.Sum(nil)[:16]), nil
}
