package payment

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// PaymentRow is what the view keeps of a payment.
type PaymentRow struct {
	ID          string            `json:"id"`
	Payment     Payment           `json:"payment"`
	Description string            `json:"description" data:"personal"`
	Reasons     map[string]string `json:"reasons" data:"personal"` // why refunds were asked for, by their ids
	CreatedAt   time.Time         `json:"createdAt"`
	UpdatedAt   time.Time         `json:"updatedAt"`
	Version     es.Version        `json:"version"`
}

// The lists of Payments, both newest first. A payment whose payer has been erased is in that
// of all only.
const (
	byPayer = iota
	ofAll
)

// Payments is the read model of payments, by id.
var Payments = projection.View[PaymentRow]{
	Name:     "payments",
	Category: category,
	Apply:    applyToPayment,
	Lists: [projection.Lists]func(PaymentRow) projection.Place{
		func(row PaymentRow) (p projection.Place) {
			if !row.Payment.Erased {
				p = projection.Place{Partition: row.Payment.PayerID, Sort: newestFirst(row.CreatedAt)}
			}
			return p
		},
		func(row PaymentRow) projection.Place {
			return projection.Place{Partition: "all", Sort: newestFirst(row.CreatedAt)}
		},
	},
}

// newestFirst sorts later times before earlier ones.
func newestFirst(at time.Time) string { return fmt.Sprintf("%016x", math.MaxInt64-at.UnixMilli()) }

func applyToPayment(row PaymentRow, e es.Recorded) PaymentRow {
	row.Payment = apply(row.Payment, e)
	switch e := e.Event.(type) {
	case events.PaymentRequested:
		row.Description = e.Description
	case events.PaymentRefundReasonGiven:
		row.Reasons = maps.Clone(row.Reasons)
		if row.Reasons == nil {
			row.Reasons = map[string]string{}
		}
		row.Reasons[e.RefundID] = e.Reason
	case events.PaymentPayerErased:
		row.Description, row.Reasons = "", nil
	}
	if e.Version == 1 {
		row.ID, row.CreatedAt = e.Stream.ID(), e.At
	}
	row.UpdatedAt, row.Version = e.At, e.Version
	return row
}

// PaymentReply is a payment as its payer sees it. Amounts are in the currency's minor unit.
type PaymentReply struct {
	ID          string        `json:"id" schema:"format=uuid"`
	PayerID     string        `json:"payerId" schema:"format=uuid"`
	Status      string        `json:"status" schema:"enum=requested|authorized|captured|partially_refunded|refunded|declined|canceled|expired|disputed"`
	Amount      int64         `json:"amount"`
	Currency    string        `json:"currency" schema:"minLength=3 maxLength=3"` // ISO 4217
	Method      string        `json:"method"`
	Provider    string        `json:"provider"`
	Description string        `json:"description"`
	Capture     string        `json:"capture" schema:"enum=automatic|manual"`
	Authorized  int64         `json:"authorized"`
	Captured    int64         `json:"captured"`
	Refunded    int64         `json:"refunded"`
	Refunds     []RefundReply `json:"refunds"`
	DeclineCode string        `json:"declineCode"` // "": it was not declined
	ExpiresAt   *time.Time    `json:"expiresAt"`   // of the authorization; null: there is none
	CreatedAt   time.Time     `json:"createdAt"`
	UpdatedAt   time.Time     `json:"updatedAt"`
	Version     es.Version    `json:"version"`
}

// RefundReply is a refund as its payer sees it.
type RefundReply struct {
	ID     string      `json:"id" schema:"format=uuid"`
	Amount int64       `json:"amount"`
	Status RefundState `json:"status" schema:"enum=requested|refunded|failed"`
	Reason string      `json:"reason"`
}

func (row PaymentRow) reply() PaymentReply {
	p := row.Payment
	r := PaymentReply{
		ID: row.ID, PayerID: p.PayerID, Status: p.Status(), Amount: p.Amount, Currency: p.Currency, Method: p.Method,
		Provider: p.Provider, Description: row.Description, Capture: captureManual, Authorized: p.Authorized,
		Captured: p.Captured, Refunded: p.sum(RefundDone), Refunds: []RefundReply{}, DeclineCode: p.Declined,
		CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt, Version: row.Version,
	}
	if p.Automatic {
		r.Capture = captureAutomatic
	}
	if p.Authorized > 0 {
		r.ExpiresAt = &p.ExpiresAt
	}
	for _, refund := range p.Refunds {
		r.Refunds = append(r.Refunds, RefundReply{refund.ID, refund.Amount, refund.Status, row.Reasons[refund.ID]})
	}
	return r
}

func (row PaymentRow) owners() []string { return []string{row.Payment.PayerID} }

func (m *Module) getPayment(ctx context.Context, call api.Call) (api.Reply[PaymentReply], error) {
	one, err := api.OneOf(ctx, call, &Payments, m.Views, PaymentRow.owners)
	return api.Reply[PaymentReply]{Body: one.Body.reply(), Version: one.Version}, err
}

func (m *Module) history(ctx context.Context, call api.Call) (reply api.Reply[api.List[api.HistoryItem]], err error) {
	id, err := call.ID()
	if err != nil {
		return reply, err
	}
	p, _, err := m.foldAt(ctx, id, es.Moment{Version: 1})
	if err != nil {
		return reply, err
	}
	return api.HistoryOf(ctx, call, m.Store, category, p.PayerID)
}

// pages bounds how many pages are read for one of those that have a status.
const pages = 5

// listPayments lists the caller's own payments, or all for operators and auditors, newest
// first; with ?status= those that have it. A page may have fewer than asked for, and more
// after it.
func (m *Module) listPayments(ctx context.Context, call api.Call) (reply api.Reply[api.List[PaymentReply]], err error) {
	page, err := call.Page()
	if err != nil {
		return reply, err
	}
	status := call.Query["status"]
	if status != "" && !slices.Contains(statuses, status) {
		return reply, api.Malformed("?status= takes one of: " + strings.Join(statuses, ", ") + ".")
	}
	q := projection.Query{List: byPayer, Partition: call.Caller.ID, After: page.Cursor}
	if call.Caller.Reads() {
		q.List, q.Partition = ofAll, "all"
	}
	var shown []PaymentReply
	for range pages {
		q.Limit = page.Limit - len(shown)
		var rows []PaymentRow
		if rows, q.After, err = Payments.List(ctx, m.Views, q); err != nil {
			return reply, err
		}
		for _, row := range rows {
			if status != "" && row.Payment.Status() != status {
				continue
			}
			if row, err = api.Visible(call.Caller, row, row.owners()...); err != nil {
				return reply, err
			}
			shown = append(shown, row.reply())
		}
		if q.After == "" || len(shown) == page.Limit {
			break
		}
	}
	reply.Body = api.NewList(shown, q.After)
	return reply, nil
}
