package operator

import (
	"context"
	"time"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// ParkedItem is a stream that a view or a reactor cannot follow beyond some version, or a
// deadline that a reactor cannot answer.
type ParkedItem struct {
	View       string     `json:"view"`
	Generation int        `json:"generation"`
	Stream     es.Stream  `json:"stream"`
	Version    es.Version `json:"version"`
	Error      string     `json:"error" data:"personal"` // may quote the event
	Attempts   int        `json:"attempts"`
	FirstAt    time.Time  `json:"firstAt"`
	LastAt     time.Time  `json:"lastAt"`
}

func (m *Module) parked(ctx context.Context, call api.Call) (reply api.Reply[api.List[ParkedItem]], err error) {
	page, err := call.Page()
	if err != nil {
		return reply, err
	}
	parked, next, err := m.Rebuilds.StillParked(ctx, page.Cursor, page.Limit)
	if err != nil {
		return reply, err
	}
	items := make([]ParkedItem, len(parked))
	for i, p := range parked {
		if items[i], err = api.Visible(call.Caller, ParkedItem(p)); err != nil {
			return reply, err
		}
	}
	reply.Body = api.NewList(items, next)
	return reply, nil
}

// pageOfParked is how many parked streams are read at once.
const pageOfParked = 100

// countParked counts the parked streams of each view.
func (m *Module) countParked(ctx context.Context) (map[string]int, error) {
	count := map[string]int{}
	for after := ""; ; {
		page, next, err := m.Rebuilds.StillParked(ctx, after, pageOfParked)
		if err != nil {
			return nil, err
		}
		for _, p := range page {
			count[p.View]++
		}
		if next == "" {
			return count, nil
		}
		after = next
	}
}

// RedriveReply tells what came of trying again what was parked.
type RedriveReply struct {
	Healed   int  `json:"healed"`
	Parked   int  `json:"parked"`   // still
	Complete bool `json:"complete"` // false: time was up before all had been tried
}

type redriveBody struct {
	View   string `json:"view,omitzero" schema:"maxLength=100"`    // "": all
	Stream string `json:"stream,omitzero" schema:"maxLength=1024"` // "": all
}

// redriveTime is how long a request goes on trying.
const redriveTime = 15 * time.Second

// redrive tries again what is parked, for a time. The streams of the views that it finds
// tell who wanted that, before anything is tried.
func (m *Module) redrive(ctx context.Context, call api.Call, in redriveBody) (reply api.Reply[RedriveReply], err error) {
	until, noted := m.Rebuilds.Now().Add(redriveTime), map[string]bool{}
	for after := ""; ; {
		page, next, err := m.Rebuilds.StillParked(ctx, after, pageOfParked)
		if err != nil {
			return reply, err
		}
		for _, p := range page {
			if in.View != "" && p.View != in.View || in.Stream != "" && string(p.Stream) != in.Stream {
				continue
			}
			if !m.Rebuilds.Now().Before(until) {
				return reply, nil
			}
			if !noted[p.View] {
				if err := m.Rebuilds.Redriven(ctx, call.Meta, p.View, es.Stream(in.Stream)); err != nil {
					return reply, err
				}
				noted[p.View] = true
			}
			projector := m.Rebuilds.Projector
			if m.Reactors.Has(p.View) {
				projector = m.Reactors
			}
			still, err := projector.Redrive(ctx, p)
			switch {
			case ctx.Err() != nil:
				return reply, err
			case err != nil || still: // what cannot be tried now is parked as before
				reply.Body.Parked++
			default:
				reply.Body.Healed++
			}
		}
		if next == "" {
			reply.Body.Complete = true
			return reply, nil
		}
		after = next
	}
}
