package estest

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/interview-sandbox/annals/internal/es"
)

// Rows is a real [es.Rows] that keeps its rows in memory. Its zero value is ready.
type Rows struct {
	mu   sync.Mutex
	rows map[es.RowKey]storedRow
}

type storedRow struct {
	version es.Version
	data    []byte
}

// Load implements [es.Rows].
func (r *Rows) Load(_ context.Context, k es.RowKey, into any, _ bool) (es.Version, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	row, ok := r.rows[k]
	if !ok {
		return 0, nil
	}
	return row.version, json.Unmarshal(row.data, into)
}

// Save implements [es.Rows].
func (r *Rows) Save(_ context.Context, k es.RowKey, row any, was, now es.Version) error {
	data, err := json.Marshal(row)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rows[k].version != was {
		return es.ErrConflict
	}
	if r.rows == nil {
		r.rows = map[es.RowKey]storedRow{}
	}
	r.rows[k] = storedRow{now, data}
	return nil
}
