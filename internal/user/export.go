package user

import (
	"context"
	"fmt"
	"time"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// ExportReply is everything that is kept of a person.
type ExportReply struct {
	ExportedAt time.Time         `json:"exportedAt"`
	Account    UserRow           `json:"account"`
	History    []api.HistoryItem `json:"history"`  // of the account, oldest first
	Holdings   map[string]any    `json:"holdings"` // what each module holds, by name
}

// export is for the person and for operators. It reads the account from its events, and what
// modules hold from their views, which may be a moment old. No version stands for all of it.
func (m *Module) export(ctx context.Context, call api.Call) (reply api.Reply[ExportReply], err error) {
	id, err := call.ID()
	if err != nil {
		return reply, err
	}
	if !call.Caller.SeesPersonal(id) {
		return reply, api.ErrNotFound
	}
	out := &reply.Body
	out.ExportedAt, out.Holdings = m.Now().UTC(), map[string]any{}
	recorded, _, ok, err := es.FoldAt(ctx, m.Store, es.NewStream("user", id), es.Moment{},
		func(all []es.Recorded, e es.Recorded) []es.Recorded { return append(all, e) })
	if err == nil && !ok {
		err = api.ErrNotFound
	}
	if err != nil {
		return reply, err
	}
	for _, r := range recorded {
		item, err := api.NewHistoryItem(r, true)
		if err != nil {
			return reply, err
		}
		out.Account, out.History = Users.Apply(out.Account, r), append(out.History, item)
	}
	for _, h := range m.Holdings {
		name, part, err := h.Export(ctx, id)
		if err != nil {
			return reply, fmt.Errorf("export what a module holds: %w", err)
		}
		out.Holdings[name] = part
	}
	return reply, nil
}
