package operator

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// CommitList is a page of a stream's commits.
type CommitList struct {
	Stream es.Stream `json:"stream"`
	api.List[CommitItem]
}

// CommitItem is a commit as it is stored. What is damaged shows what can be read of it.
type CommitItem struct {
	Version       es.Version  `json:"version"` // of its first event
	At            time.Time   `json:"at,omitzero"`
	Actor         string      `json:"actor,omitempty"`
	CommandID     string      `json:"commandId,omitempty"`
	CorrelationID string      `json:"correlationId,omitempty"`
	CausationID   string      `json:"causationId,omitempty"`
	Hash          string      `json:"hash,omitempty"`     // SHA-256 in hexadecimal
	PrevHash      string      `json:"prevHash,omitempty"` // of the commit before; the first has none
	TraceContext  string      `json:"traceContext,omitempty"`
	Events        []EventItem `json:"events"`
	Damaged       string      `json:"damaged,omitempty"` // what is wrong with it
}

// EventItem is an event without its secrets, brought forward to its newest version.
type EventItem struct {
	Version es.Version      `json:"version"`
	Type    string          `json:"type"`
	Data    json.RawMessage `json:"data,omitempty"` // not there if it cannot be read
}

// listCommits lists a stream's commits, oldest first or, with ?order=desc, newest first,
// beginning with the one that the version ?from= is in.
func (m *Module) listCommits(ctx context.Context, call api.Call) (reply api.Reply[CommitList], err error) {
	s, err := stream(call)
	if err != nil {
		return reply, err
	}
	page, err := call.Page()
	if err != nil {
		return reply, err
	}
	r, err := m.commitRange(ctx, call, s, page)
	if err != nil {
		return reply, err
	}
	items, err := m.commits(ctx, s, r, call.Caller.SeesPersonal())
	if err != nil {
		return reply, err
	}
	if len(items) == 0 && r.After == 0 {
		return reply, api.ErrNotFound
	}
	next := ""
	if len(items) > page.Limit {
		next = strconv.FormatUint(uint64(items[page.Limit].Version), 10)
		items = items[:page.Limit]
	}
	reply.Body = CommitList{s, api.NewList(items, next)}
	return reply, nil
}

// commitRange is what a request asks for, and one commit more, where the next page begins.
func (m *Module) commitRange(ctx context.Context, call api.Call, s es.Stream, page api.Page) (r es.Range, err error) {
	r.Limit = page.Limit + 1
	if r.Backward, err = call.Descending(); err != nil {
		return r, err
	}
	from, err := call.Version("from")
	if err != nil {
		return r, err
	}
	if page.Cursor != "" {
		first, err := strconv.ParseUint(page.Cursor, 10, 63)
		if from = es.Version(first); err != nil || from == 0 {
			return r, api.ErrCursor
		}
	}
	if r.Backward {
		r.Through = from
		return r, nil
	}
	if from > 1 {
		if from, err = m.commitOf(ctx, s, from); err != nil {
			return r, err
		}
	}
	r.After = max(from, 1) - 1
	return r, nil
}

// commitOf is where the commit begins that a version is in.
func (m *Module) commitOf(ctx context.Context, s es.Stream, v es.Version) (es.Version, error) {
	for c, err := range m.Events.Read(ctx, s, es.Range{Through: v, Backward: true, Limit: 1}) {
		var damaged *es.DamagedError
		switch {
		case errors.As(err, &damaged):
			return damaged.Version, nil // nobody can tell where that ends
		case err != nil:
			return v, err
		case c.Last() >= v:
			return c.Version, nil
		}
	}
	return v, nil
}

// commits reads on behind a commit that is damaged.
func (m *Module) commits(ctx context.Context, s es.Stream, r es.Range, personal bool) (items []CommitItem, err error) {
	for left := r.Limit; left > 0; r.Limit = left {
		var damaged *es.DamagedError
		for c, err := range m.Events.Read(ctx, s, r) {
			if errors.As(err, &damaged) {
				break
			}
			var item CommitItem
			if err == nil {
				item, err = m.commitItem(ctx, c, personal)
			}
			if err != nil {
				return nil, err
			}
			items = append(items, item)
			left--
		}
		if damaged == nil {
			return items, nil
		}
		items = append(items, CommitItem{Version: damaged.Version, Damaged: damaged.Reason})
		left--
		switch {
		case r.Backward && damaged.Version > 1:
			r.Through = damaged.Version - 1
		case !r.Backward && damaged.Version > r.After:
			r.After = damaged.Version
		default:
			return items, nil
		}
	}
	return items, nil
}

func (m *Module) commitItem(ctx context.Context, c es.Commit, personal bool) (item CommitItem, err error) {
	opened := []es.Commit{c}
	var unreadable *es.UnreadableError // which comes again below
	if err := es.Open(ctx, m.Vault, opened); err != nil && !errors.As(err, &unreadable) {
		return item, err
	}
	item = CommitItem{
		Version: c.Version, At: c.At, Actor: c.Actor, CommandID: c.CommandID, CorrelationID: c.CorrelationID, CausationID: c.CausationID,
		Hash: hex.EncodeToString(c.Hash[:]), TraceContext: c.Trace,
	}
	if c.PrevHash != (es.Hash{}) {
		item.PrevHash = hex.EncodeToString(c.PrevHash[:])
	}
	if c.Hash != c.ComputeHash() {
		item.Damaged = "its content does not fit its hash"
	}
	for i, d := range c.Events {
		shown := EventItem{Version: c.Version + es.Version(i), Type: d.Type}
		one := opened[0]
		one.Version, one.Events = shown.Version, one.Events[i:i+1]
		recorded, err := one.Recorded()
		if err == nil {
			shown.Type = recorded[0].Event.EventType()
			shown.Data, err = events.Disclose(recorded[0].Event, personal)
		}
		if err != nil {
			item.Damaged = fmt.Sprintf("its event %d cannot be read by this build", shown.Version)
		}
		item.Events = append(item.Events, shown)
	}
	return item, nil
}
