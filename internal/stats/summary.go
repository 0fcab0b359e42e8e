package stats

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The names of sums. Histograms have a number for each bucket behind a point.
const (
	accepted    = "accepted" // commands, by how they were answered
	refused     = "refused"
	failed      = "failed"
	replays     = "replays" // accepted commands that had been carried out before
	conflicts   = "conflicts"
	latency     = "latency" // histogram of commands
	reads       = "reads"
	readLatency = "readLatency" // histogram
	projected   = "projected"
	lag         = "lag." // and a view: histogram, and the last one in milliseconds
	lagAt       = "lagAt."
	roundTrips  = "roundTrips"
	readUnits   = "readUnits"
	writeUnits  = "writeUnits"
)

// sums gives what an invocation did that ended now, and the rows that it created.
func (r *Record) sums(now time.Time, took time.Duration) (s, rows Sums) {
	r.note(func() {
		s.cost(r.cost)
		s.add(conflicts, float64(r.conflicts))
		switch {
		case r.status == 0:
		case !r.command:
			s.add(reads, 1)
			s.observe(readLatency, took)
		default:
			s.add(outcome(r.status), 1)
			s.observe(latency, took)
			if r.replay {
				s.add(replays, 1)
			}
		}
		s.add(projected, float64(r.projected))
		for view, all := range r.lags {
			for _, d := range all {
				s.observe(lag+view, d)
				s.set(lag+view, float64(d.Milliseconds()))
			}
			s.set(lagAt+view, float64(now.UnixMilli()))
		}
		for name, n := range r.rows {
			rows.add(name, float64(n))
		}
	})
	return s, rows
}

func outcome(status int) string {
	switch {
	case status < 400:
		return accepted
	case status < 500:
		return refused
	}
	return failed
}

func (s *Sums) cost(c Cost) {
	s.add(roundTrips, float64(c.RoundTrips))
	s.add(readUnits, c.ReadUnits)
	s.add(writeUnits, c.WriteUnits)
}

// Reader tells what all functions did.
type Reader struct {
	Store     Store
	Functions []string
	Projector string // the one of them that keeps the views
}

// Durations describes many durations, in milliseconds. Each is an estimate that is twice or
// half of what it was at most.
type Durations struct {
	P50 float64 `json:"p50Ms"`
	P99 float64 `json:"p99Ms"`
	Max float64 `json:"maxMs"`
}

func (s Sums) durations(histogram string) Durations {
	longest := s.max(histogram)
	return Durations{min(s.quantile(histogram, 0.5), longest), min(s.quantile(histogram, 0.99), longest), longest}
}

// Summary is what all functions did in some hours.
type Summary struct {
	Commands  int64     `json:"commands"`
	Accepted  int64     `json:"accepted"`
	Refused   int64     `json:"refused"`
	Failed    int64     `json:"failed"`
	Conflicts int64     `json:"conflicts"` // appends that found their version taken; most were decided again
	Replays   int64     `json:"replays"`   // accepted commands that had been carried out before
	Latency   Durations `json:"latency"`   // of commands

	Reads       int64     `json:"reads"`
	ReadLatency Durations `json:"readLatency"`

	Projected int64      `json:"projected"` // commits
	Lag       []ViewLag  `json:"lag"`
	Capacity  []Capacity `json:"capacity"`
}

// ViewLag is the lag of one view.
type ViewLag struct {
	View string `json:"view"`
	Lag
}

// Lag is how long after an event a view showed it.
type Lag struct {
	Durations
	Last float64   `json:"lastMs"`
	At   time.Time `json:"at"` // when that was
}

// Capacity is what a function used of the database.
type Capacity struct {
	Function   string  `json:"function"`
	ReadUnits  float64 `json:"readUnits"`
	WriteUnits float64 `json:"writeUnits"`
	RoundTrips int64   `json:"roundTrips"`
}

// Summary sums up the hours from one to another, both included.
func (r *Reader) Summary(ctx context.Context, from, through time.Time) (sum Summary, err error) {
	var all Sums
	for _, f := range r.Functions {
		s, err := r.load(ctx, f, hour(from), hour(through))
		if err != nil {
			return sum, err
		}
		sum.Capacity = append(sum.Capacity, Capacity{f, s.Added[readUnits], s.Added[writeUnits], int64(s.Added[roundTrips])})
		all.Merge(s)
	}
	n := func(name string) int64 { return int64(all.Added[name]) }
	sum.Accepted, sum.Refused, sum.Failed = n(accepted), n(refused), n(failed)
	sum.Commands = sum.Accepted + sum.Refused + sum.Failed
	sum.Conflicts, sum.Replays, sum.Latency = n(conflicts), n(replays), all.durations(latency)
	sum.Reads, sum.ReadLatency = n(reads), all.durations(readLatency)
	sum.Projected = n(projected)
	sum.Lag = all.lags()
	return sum, nil
}

// Lags gives the lag of every view that had one in the hours from one to another, both
// included.
func (r *Reader) Lags(ctx context.Context, from, through time.Time) ([]ViewLag, error) {
	s, err := r.load(ctx, r.Projector, hour(from), hour(through))
	return s.lags(), err
}

func (s Sums) lags() []ViewLag {
	all := []ViewLag{}
	for name, at := range s.Last {
		if view, ok := strings.CutPrefix(name, lagAt); ok {
			all = append(all, ViewLag{view, Lag{s.durations(lag + view), s.Last[lag+view], time.UnixMilli(int64(at)).UTC()}})
		}
	}
	slices.SortFunc(all, func(a, b ViewLag) int { return strings.Compare(a.View, b.View) })
	return all
}

// Rows is how many rows the generations of views got one by one, besides what rebuilds made.
type Rows map[string]float64

// Of is the number of rows of one generation of a view.
func (r Rows) Of(view string, generation int) int64 { return int64(r[rowsOf(view, generation)]) }

// Rows counts the rows of all views as they are created, so it lacks those that an instance
// had created and not stored when it ended.
func (r *Reader) Rows(ctx context.Context) (Rows, error) {
	s, err := r.load(ctx, rowsKey.Part, rowsKey.Period, rowsKey.Period)
	return s.Added, err
}

func (r *Reader) load(ctx context.Context, part, from, through string) (sum Sums, err error) {
	periods, err := r.Store.Load(ctx, part, from, through)
	if err != nil {
		return sum, fmt.Errorf("sum up: %w", err)
	}
	for _, s := range periods {
		sum.Merge(s)
	}
	return sum, nil
}
