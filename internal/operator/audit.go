package operator

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// AuditItem is one commit: who did what, and why.
type AuditItem struct {
	Stream        es.Stream  `json:"stream"`
	Version       es.Version `json:"version"` // of its first event
	At            time.Time  `json:"at,omitzero"`
	Actor         string     `json:"actor,omitempty"`
	CommandID     string     `json:"commandId,omitempty"`
	CorrelationID string     `json:"correlationId,omitempty"`
	CausationID   string     `json:"causationId,omitempty"`
	Types         []string   `json:"types"`             // of its events, in their order
	Damaged       string     `json:"damaged,omitempty"` // what is wrong with it
}

// audit lists the commits of all streams by ?actor=, ?correlationId=, ?from= and ?to=, of
// which any may be missing. There is no index for it: it reads the events table, page by page
// of the answer. Each page is sorted by time; over all pages the order is the table's own.
func (m *Module) audit(ctx context.Context, call api.Call) (reply api.Reply[api.List[AuditItem]], err error) {
	page, err := call.Page()
	if err != nil {
		return reply, err
	}
	f, err := auditFilter(call)
	if err != nil {
		return reply, err
	}
	found, next, err := m.search(ctx, f, page)
	if err != nil {
		return reply, err
	}
	items := make([]AuditItem, len(found))
	for i, item := range found {
		items[i] = auditItem(item)
	}
	slices.SortFunc(items, func(a, b AuditItem) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Version, b.Version))
	})
	reply.Body = api.NewList(items, next)
	return reply, nil
}

func auditFilter(call api.Call) (f es.Filter, err error) {
	f.Actor, f.CorrelationID = call.Query["actor"], call.Query["correlationId"]
	if f.From, err = call.Time("from"); err != nil {
		return f, err
	}
	if f.To, err = call.Time("to"); err != nil {
		return f, err
	}
	if !f.To.IsZero() && f.To.Before(f.From) {
		return f, api.Malformed("?from= has to be before ?to=.")
	}
	return f, nil
}

func auditItem(item es.Scanned) AuditItem {
	if item.Err != nil {
		return AuditItem{Stream: item.Err.Stream, Version: item.Err.Version, Damaged: item.Err.Reason}
	}
	c := item.Commit
	shown := AuditItem{
		Stream: c.Stream, Version: c.Version, At: c.At,
		Actor: c.Actor, CommandID: c.CommandID, CorrelationID: c.CorrelationID, CausationID: c.CausationID,
	}
	for _, e := range c.Events {
		shown.Types = append(shown.Types, e.Type)
	}
	return shown
}
