package payment

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/projection"
)

// Sums counts payments and adds their amounts up: one total with two numbers for each status
// and currency.
var Sums = projection.Tally[Payment]{
	Name:     "payment-sums",
	Category: category,
	Apply:    apply,
	Count: func(p Payment) map[string]map[string]int64 {
		if !p.Exists() {
			return nil
		}
		of := p.Status() + " " + p.Currency + " "
		return map[string]map[string]int64{sums: {of + "count": 1, of + "sum": cmp.Or(p.Captured, p.Amount)}}
	},
}

const sums = "payments"

// Sum is how many payments of a currency have a status, and how much they are together: what
// was captured of them or, before that, what was asked for.
type Sum struct {
	Status   string `json:"status" schema:"enum=requested|authorized|captured|partially_refunded|refunded|declined|canceled|expired|disputed"`
	Currency string `json:"currency"`
	Count    int64  `json:"count"`
	Sum      int64  `json:"sum"` // minor units of the currency
}

func (m *Module) sumUp(ctx context.Context, _ api.Call) (reply api.Reply[api.List[Sum]], err error) {
	total, err := Sums.Total(ctx, m.Views, sums)
	if err != nil {
		return reply, err
	}
	var all []Sum
	for name, n := range total {
		if of, ok := strings.CutSuffix(name, " count"); ok && n > 0 {
			status, currency, _ := strings.Cut(of, " ")
			all = append(all, Sum{status, currency, n, total[of+" sum"]})
		}
	}
	slices.SortFunc(all, func(a, b Sum) int {
		return cmp.Or(cmp.Compare(slices.Index(statuses, a.Status), slices.Index(statuses, b.Status)), cmp.Compare(a.Currency, b.Currency))
	})
	reply.Body = api.NewList(all, "")
	return reply, nil
}
