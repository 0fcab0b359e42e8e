package notification

import (
	"context"
	"errors"
	"strconv"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// delivery mails notifications.
func (m *Module) delivery() *projection.Reactor[struct{}] {
	return &projection.Reactor[struct{}]{
		Name:     "delivery",
		Category: "notification",
		Triggers: on(events.NotificationRequested{}),
		React: func(e es.Recorded) []projection.Reaction {
			return []projection.Reaction{{Effect: mailing{m, e.Stream.ID(), es.Meta{
				CorrelationID: e.Meta.CorrelationID, CausationID: e.Meta.CommandID, Actor: "reactor:delivery", Trace: e.Meta.Trace,
			}}}}
		},
	}
}

// mailing sends the mail of one notification. An attempt is recorded before the mail is sent
// and its outcome after, so whoever tries again after a crash knows that the mail may have
// been sent. It is then sent once more at most, whatever happens.
type mailing struct {
	m    *Module
	id   string
	meta es.Meta
}

// Perform implements [projection.Effect].
func (d mailing) Perform(ctx context.Context, key string) ([]projection.Reaction, error) {
	loaded, err := notifications.Load(ctx, &d.m.Repository, d.id)
	n := loaded.State
	switch {
	case err != nil:
		return nil, err
	case n.Mail.Settled:
		return nil, nil
	case n.Mail.waits(d.m.Now()):
		return nil, errNotNow
	}
	message, skip, err := d.m.compose(ctx, d.id, n)
	switch {
	case err != nil:
		return nil, err
	case skip != "":
		return d.then(SkipMail{skip}), nil
	case n.Mail.Unknown >= maxUnknown:
		return d.then(GiveUpMail{}), nil
	}
	attempt := n.Mail.Attempts + 1
	if err := d.record(ctx, "attempt", key, attempt, AttemptMail{attempt}); err != nil {
		return nil, err
	}
	sent, err := d.m.Mailer.Send(ctx, key, message)
	if notTaken := (*NotTakenError)(nil); errors.As(err, &notTaken) {
		return nil, errors.Join(err, d.record(ctx, "refusal", key, attempt, RefuseMail{attempt, notTaken.Reason}))
	}
	if err != nil {
		return nil, err
	}
	return d.then(RecordMail{sent}), nil
}

func (d mailing) then(c es.Command[Notification, events.Notification]) []projection.Reaction {
	return []projection.Reaction{{Command: notifications.On(d.id, c)}}
}

// record carries out a command about an attempt. What another process has recorded is none of
// ours: [errNotNow].
func (d mailing) record(ctx context.Context, what, key string, attempt int, c es.Command[Notification, events.Notification]) error {
	meta := d.meta
	meta.CommandID = es.DeriveID(what, key, strconv.Itoa(attempt))
	result, err := d.m.Execute(ctx, meta, nil, notifications.On(d.id, c))
	if err == nil && result.Replay {
		err = errNotNow
	}
	return err
}
