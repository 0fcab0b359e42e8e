package payment

import (
	"context"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
)

// account is what this module has to know of a payer's account.
type account struct{ Erasing bool }

func (a account) apply(e es.Recorded) account {
	if _, ok := e.Event.(events.UserErasureRequested); ok {
		a.Erasing = true
	}
	return a
}

// mayPay refuses somebody who is being erased. The payment is decided after that, so one that
// is asked for at the same moment can still be taken; erasing the payer reaches it then.
func (m *Module) mayPay(ctx context.Context, userID string) error {
	a, _, _, err := es.FoldAt(ctx, m.Store, es.NewStream("user", userID), es.Moment{}, account.apply)
	if err == nil && a.Erasing {
		err = es.ErrErased
	}
	return err
}
