package operator

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// StreamItem is a stream as it is listed.
type StreamItem struct {
	Stream  es.Stream  `json:"stream"`
	Version es.Version `json:"version"`
	FirstAt time.Time  `json:"firstAt,omitzero"`
	LastAt  time.Time  `json:"lastAt,omitzero"`
	Damaged string     `json:"damaged,omitempty"` // what is wrong with its first or its newest commit
}

// listStreams lists the streams whose names begin with ?prefix=, in the order in which the
// events table's hashing has put them, which tells nothing. It reads the table until it has
// found enough, so a page may be short, or empty, and yet have a nextCursor.
func (m *Module) listStreams(ctx context.Context, call api.Call) (reply api.Reply[api.List[StreamItem]], err error) {
	page, err := call.Page()
	if err != nil {
		return reply, err
	}
	found, next, err := m.search(ctx, es.Filter{Prefix: call.Query["prefix"], First: true}, page)
	if err != nil {
		return reply, err
	}
	items := make([]StreamItem, len(found))
	errs := make([]error, len(found))
	var wg sync.WaitGroup
	slots := make(chan struct{}, 16)
	for i, first := range found {
		slots <- struct{}{}
		wg.Go(func() {
			items[i], errs[i] = m.item(ctx, first)
			<-slots
		})
	}
	wg.Wait()
	return api.Reply[api.List[StreamItem]]{Body: api.NewList(items, next)}, errors.Join(errs...)
}

// item completes what is shown of a stream by its newest commit.
func (m *Module) item(ctx context.Context, first es.Scanned) (StreamItem, error) {
	i := StreamItem{Stream: first.Place().Stream, Version: first.Place().Version, FirstAt: first.Commit.At}
	if first.Err != nil {
		i.Damaged = first.Err.Reason
	}
	for newest, err := range m.Events.Read(ctx, i.Stream, es.Range{Backward: true, Limit: 1}) {
		var damaged *es.DamagedError
		switch {
		case errors.As(err, &damaged):
			i.Version, i.Damaged = damaged.Version, damaged.Reason
		case err != nil:
			return i, err
		default:
			i.Version, i.LastAt = newest.Last(), newest.At
		}
	}
	return i, nil
}
