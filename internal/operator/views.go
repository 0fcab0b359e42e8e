package operator

import (
	"context"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/stats"
)

// ViewItem is how a view is doing.
type ViewItem struct {
	Name       string       `json:"name"`
	Generation int          `json:"generation"`        // that is read
	Other      int          `json:"other,omitzero"`    // that is kept up besides
	Status     ViewStatus   `json:"status"`            // of the other one
	Version    es.Version   `json:"version"`           // of what was decided about the view, for If-Match
	Rebuild    *RebuildItem `json:"rebuild,omitempty"` // while it goes on
	Parked     int          `json:"parked"`            // streams
	Rows       int64        `json:"rows"`              // of that generation, counted as they were created
	Lag        *stats.Lag   `json:"lag"`               // in the last day; null if nothing happened
}

// ViewStatus says what a view has besides the generation that is read.
type ViewStatus string

// The statuses of a view.
const (
	StatusLive     ViewStatus = "live"     // nothing
	StatusBuilding ViewStatus = "building" // a generation that is being built
	StatusBuilt    ViewStatus = "built"    // one to switch to
	StatusPrevious ViewStatus = "previous" // the one before, to go back to
)

// RebuildItem is how far a rebuild has come, in commits.
type RebuildItem struct {
	Done        int64   `json:"done"`
	Total       int64   `json:"total"` // about
	Rate        float64 `json:"rate"`  // a second
	SecondsLeft int64   `json:"secondsLeft"`
}

func (m *Module) views(ctx context.Context, _ api.Call) (reply api.Reply[api.List[ViewItem]], err error) {
	statuses, err := m.Rebuilds.Statuses(ctx)
	if err != nil {
		return reply, err
	}
	parked, err := m.countParked(ctx)
	if err != nil {
		return reply, err
	}
	rows, err := m.Stats.Rows(ctx)
	if err != nil {
		return reply, err
	}
	now := m.Now()
	lags, err := m.Stats.Lags(ctx, now.Add(-defaultHours*time.Hour), now)
	if err != nil {
		return reply, err
	}
	items := make([]ViewItem, len(statuses))
	for i, s := range statuses {
		items[i] = ViewItem{
			Name: s.View, Generation: s.Live, Other: s.Other, Status: statusOf(s.Generations), Version: s.Version,
			Parked: parked[s.View], Rows: s.Rebuilt + rows.Of(s.View, s.Live),
		}
		if at := slices.IndexFunc(lags, func(l stats.ViewLag) bool { return l.View == s.View }); at >= 0 {
			items[i].Lag = &lags[at].Lag
		}
		if p := s.Progress; p != nil {
			items[i].Rebuild = &RebuildItem{p.Done, p.Total, math.Round(p.Rate), int64(math.Ceil(p.Left.Seconds()))}
		}
	}
	reply.Body = api.NewList(items, "")
	return reply, nil
}

func statusOf(g projection.Generations) ViewStatus {
	switch {
	case g.Building:
		return StatusBuilding
	case g.Other > g.Live:
		return StatusBuilt
	case g.Other > 0:
		return StatusPrevious
	}
	return StatusLive
}

func (m *Module) rebuild(ctx context.Context, call api.Call, _ struct{}) (api.Reply[api.Changed], error) {
	reply, err := change(ctx, call, m.Rebuilds.Start)
	reply.Status = http.StatusAccepted
	return reply, err
}

func (m *Module) switchTo(ctx context.Context, call api.Call, _ struct{}) (api.Reply[api.Changed], error) {
	return change(ctx, call, m.Rebuilds.Switch)
}

func (m *Module) rollback(ctx context.Context, call api.Call, _ struct{}) (api.Reply[api.Changed], error) {
	return change(ctx, call, m.Rebuilds.Rollback)
}

func (m *Module) cancel(ctx context.Context, call api.Call, _ struct{}) (api.Reply[api.Changed], error) {
	return change(ctx, call, m.Rebuilds.Cancel)
}

// change carries out a command on the view that the call's path names.
func change(ctx context.Context, call api.Call, command func(context.Context, es.Meta, *es.Version, string) (es.Result, error)) (api.Reply[api.Changed], error) {
	result, err := command(ctx, call.Meta, call.IfMatch, call.Params["view"])
	return api.Accepted(result), err
}
