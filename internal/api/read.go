package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// One answers a read of the object that the path names, as of the moment that the query
// asks for, from a view. [ErrNotFound] if there was nothing at that moment.
func One[R any](ctx context.Context, call Call, view *projection.View[R], views *projection.Reader) (Reply[R], error) {
	return OneOf(ctx, call, view, views, func(R) []string { return []string{call.Params["id"]} })
}

// OneOf is One for an object with owners that its row tells. For anybody else but operators
// and auditors there is no such object: [ErrNotFound].
func OneOf[R any](ctx context.Context, call Call, view *projection.View[R], views *projection.Reader, owners func(R) []string) (reply Reply[R], err error) {
	id, err := call.ID()
	if err != nil {
		return reply, err
	}
	moment, err := call.Moment()
	if err != nil {
		return reply, err
	}
	row, version, ok, err := view.Get(ctx, views, id, moment)
	if err == nil && (!ok || !call.Caller.Reads(owners(row)...)) {
		err = ErrNotFound
	}
	if err != nil {
		return reply, err
	}
	row, err = Visible(call.Caller, row, owners(row)...)
	return Reply[R]{Body: row, Version: version}, err
}

// Visible empties the fields of a row that are marked as personal data, unless the caller
// may see those of an object of these owners.
func Visible[R any](c Caller, row R, owners ...string) (shown R, err error) {
	if c.SeesPersonal(owners...) {
		return row, nil
	}
	data, err := events.Disclose(row, false)
	if err == nil {
		err = json.Unmarshal(data, &shown)
	}
	return shown, err
}

// HistoryItem is one event as the history of an object shows it.
type HistoryItem struct {
	Version       es.Version      `json:"version"`
	Type          string          `json:"type"`
	At            time.Time       `json:"at"`
	Actor         string          `json:"actor"`
	CorrelationID string          `json:"correlationId"`
	CausationID   string          `json:"causationId"`               // of the commit that a reactor acted on, else of the command
	Data          json.RawMessage `json:"data" schema:"type=object"` // the event without its secrets
}

// NewHistoryItem shows an event to somebody who may, or may not, see what is personal in it.
func NewHistoryItem(r es.Recorded, personal bool) (HistoryItem, error) {
	data, err := events.Disclose(r.Event, personal)
	return HistoryItem{r.Version, r.Event.EventType(), r.At, r.Meta.Actor, r.Meta.CorrelationID, cmp.Or(r.Meta.CausationID, r.Meta.CommandID), data}, err
}

// History answers a read of the events of the object that the path names, oldest first or,
// with ?order=desc, newest first. [ErrNotFound] if nothing ever happened to it.
func History(ctx context.Context, call Call, store es.Store, category string) (Reply[List[HistoryItem]], error) {
	return HistoryOf(ctx, call, store, category, call.Params["id"])
}

// HistoryOf is History for an object of these owners. For anybody else but operators and
// auditors there is no such object: [ErrNotFound].
func HistoryOf(ctx context.Context, call Call, store es.Store, category string, owners ...string) (reply Reply[List[HistoryItem]], err error) {
	id, err := call.ID()
	if err != nil {
		return reply, err
	}
	if !call.Caller.Reads(owners...) {
		return reply, ErrNotFound
	}
	page, err := call.Page()
	if err != nil {
		return reply, err
	}
	backward, err := call.Descending()
	if err != nil {
		return reply, err
	}
	from, err := place(page)
	if err != nil {
		return reply, err
	}
	recorded, next, err := es.History(ctx, store, es.NewStream(category, id), from, page.Limit, backward)
	if err != nil {
		return reply, err
	}
	if len(recorded) == 0 && from == nil {
		return reply, ErrNotFound
	}
	items := make([]HistoryItem, len(recorded))
	for i, r := range recorded {
		if items[i], err = NewHistoryItem(r, call.Caller.SeesPersonal(owners...)); err != nil {
			return reply, err
		}
	}
	cursor := ""
	if next != nil {
		cursor = fmt.Sprintf("%d.%d", next.Commit, next.Skip)
	}
	return Reply[List[HistoryItem]]{Body: NewList(items, cursor)}, nil
}

// place reads the cursor of a page of history; nil if there is none.
func place(p Page) (*es.Cursor, error) {
	if p.Cursor == "" {
		return nil, nil
	}
	commit, skip, _ := strings.Cut(p.Cursor, ".")
	first, err := strconv.ParseUint(commit, 10, 63)
	n, err2 := strconv.ParseUint(skip, 10, 31)
	if err != nil || err2 != nil || first == 0 {
		return nil, ErrCursor
	}
	return &es.Cursor{Commit: es.Version(first), Skip: int(n)}, nil
}
