package projection

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/interview-sandbox/annals/internal/es"
)

// patience is how long a read waits, in steps, for the projector to reach a version, before
// it folds the events itself.
var patience = []time.Duration{20 * time.Millisecond, 40 * time.Millisecond, 80 * time.Millisecond}

// Get gives a row as of a moment, with its version. A present that the projector has not
// reached yet and a past are folded from the events, so what Get gives is never older than
// asked, or as old as the stream itself. ok is false if there was nothing at that moment.
func (v *View[R]) Get(ctx context.Context, r *Reader, id string, m es.Moment) (row R, version es.Version, ok bool, err error) {
	s := es.NewStream(v.Category, id)
	if m.Past() {
		return es.FoldAt(ctx, r.Store, s, m, v.Apply)
	}
	generation, err := r.generation(ctx, v.Name)
	if err != nil {
		return row, 0, false, err
	}
	for i := 0; ; i++ {
		var row R
		stored, err := r.Rows.Load(ctx, Key{v.Name, generation, id}, &row, false)
		if errors.Is(err, ErrShape) {
			return es.FoldAt(ctx, r.Store, s, m, v.Apply)
		}
		if err != nil {
			return row, 0, false, fmt.Errorf("read view %s: %w", v.Name, err)
		}
		if stored.Version > 0 && stored.Version >= m.AtLeast {
			return row, stored.Version, true, nil
		}
		if m.AtLeast == 0 || i == len(patience) {
			return es.FoldAt(ctx, r.Store, s, m, v.Apply)
		}
		if err := sleep(ctx, patience[i]); err != nil {
			return row, 0, false, err
		}
	}
}

// Shown gives the version of a stream that the view has come to; 0: it shows nothing of it.
func (v *View[R]) Shown(ctx context.Context, r *Reader, id string) (es.Version, error) {
	generation, err := r.generation(ctx, v.Name)
	if err != nil {
		return 0, err
	}
	var row R
	stored, err := r.Rows.Load(ctx, Key{v.Name, generation, id}, &row, false)
	if err != nil && !errors.Is(err, ErrShape) {
		return 0, fmt.Errorf("read view %s: %w", v.Name, err)
	}
	return stored.Version, nil
}

// Query asks for a page of a list of a view.
type Query struct {
	List      int
	Partition string
	Prefix    string
	After     string // where the page before ended; "": from the start
	Limit     int
	// Veiled has places tell nothing of what rows are sorted by. They name the last row, which
	// has to be in the list still, and cost one more read.
	Veiled bool
}

// List gives a page of rows and where the next one starts, "" at the end.
func (v *View[R]) List(ctx context.Context, r *Reader, q Query) (rows []R, next string, err error) {
	generation, err := r.generation(ctx, v.Name)
	if err != nil {
		return nil, "", err
	}
	next, err = r.Rows.List(ctx, Listing{View: v.Name, Generation: generation, List: q.List, Partition: q.Partition, Prefix: q.Prefix, After: q.After, Limit: q.Limit, Veiled: q.Veiled},
		func(decode func(any) error) error {
			var row R
			if err := decode(&row); err != nil {
				return err
			}
			rows = append(rows, row)
			return nil
		})
	if err != nil {
		return nil, "", fmt.Errorf("list view %s: %w", v.Name, err)
	}
	return rows, next, nil
}
