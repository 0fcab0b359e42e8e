package payment

import (
	"context"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// ErasePayer has everything personal of a payment forgotten, because its payer has been erased.
type ErasePayer struct{ PayerID string }

// Decide implements [es.Command].
func (c ErasePayer) Decide(p Payment, _ time.Time) ([]events.Payment, error) {
	if p.PayerID != c.PayerID || !p.Exists() || p.Erased {
		return nil, nil
	}
	return []events.Payment{events.PaymentPayerErased{PayerID: p.PayerID}}, nil
}

// purgePage is how many payments are erased at once.
const purgePage = 25

// Purge gives the commands that remove some of what is left of a person; none: nothing is left.
func (m *Module) Purge(ctx context.Context, userID string) (steps []es.Step, err error) {
	rows, _, err := Payments.List(ctx, m.Views, projection.Query{List: byPayer, Partition: userID, Limit: purgePage})
	for _, row := range rows {
		steps = append(steps, payments.On(row.ID, ErasePayer{userID}))
	}
	return steps, err
}

// Export gives the payments of a person, newest first.
func (m *Module) Export(ctx context.Context, userID string) (name string, part any, err error) {
	own := []PaymentReply{}
	for q := (projection.Query{List: byPayer, Partition: userID, Limit: purgePage}); ; {
		rows, next, err := Payments.List(ctx, m.Views, q)
		if err != nil {
			return "", nil, err
		}
		for _, row := range rows {
			own = append(own, row.reply())
		}
		if q.After = next; next == "" {
			return "payments", own, nil
		}
	}
}
