package trust_test

import (
	"context"
	"iter"
	"math"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/interview-sandbox/annals/internal/es"
)

// watched is a store that takes down up to which version a request has read its account.
type watched struct{ es.Store }

// Read implements [es.Store].
func (s watched) Read(ctx context.Context, stream es.Stream, r es.Range) iter.Seq2[es.Commit, error] {
	o, ok := ctx.Value(observationKey{}).(*observation)
	if !ok || r.Through > 0 || stream.ID() != o.in.Account {
		return s.Store.Read(ctx, stream, r)
	}
	return func(yield func(es.Commit, error) bool) {
		o.saw = r.After
		for c, err := range s.Store.Read(ctx, stream, r) {
			o.saw = max(o.saw, c.Last())
			if !yield(c, err) {
				return
			}
		}
	}
}

// narrowed is a history in which operations are shortened to the times when they can have
// happened. What was stored was so while its write was at the database. What has seen a
// version cannot have happened before the one that made it was called, nor after the one that
// made the next has returned. The checker tries one order after the other, and those that
// this rules out it need not try.
func narrowed(history []porcupine.Operation) []porcupine.Operation {
	start := history[0].Metadata.(*observation).call.Add(-time.Duration(history[0].Call)) // which times count from
	shorter := make([]porcupine.Operation, len(history))
	byAccount := map[string][]placed{}
	for i, op := range history {
		o := op.Metadata.(*observation)
		if o.stored() {
			op.Call, op.Return = max(op.Call, int64(o.effect.from.Sub(start))), min(op.Return, int64(o.effect.to.Sub(start)))
		}
		op.Call, op.Return = 2*op.Call, 2*op.Return // leaves room between the times
		shorter[i] = op
		byAccount[o.in.Account] = append(byAccount[o.in.Account], place(o, &shorter[i]))
	}
	for _, ops := range byAccount {
		narrow(ops)
	}
	return shorter
}

// placed is an operation and its place among those on its account: what made version v has
// rank 2v, and what saw it 2v+1. If that is not exact, it may also have happened later.
type placed struct {
	op    *porcupine.Operation
	rank  int
	exact bool
}

func place(o *observation, op *porcupine.Operation) placed {
	out := op.Output.(output)
	switch {
	case o.stored():
		return placed{op, 2 * int(out.Version), true}
	case out.Refusal != nil:
		return placed{op, 2*int(o.saw) + 1, o.saw > 0}
	default:
		return placed{op, 2*int(out.Version) + 1, o.in.Read || !out.Replay && o.saw == out.Version}
	}
}

func narrow(ops []placed) {
	last := 0
	for _, p := range ops {
		last = max(last, p.rank)
	}
	called := make([]int64, last+2)   // the latest call up to a rank
	returned := make([]int64, last+2) // the earliest return from a rank on
	for i := range returned {
		called[i], returned[i] = math.MinInt64, math.MaxInt64
	}
	for _, p := range ops {
		if p.exact {
			called[p.rank] = max(called[p.rank], p.op.Call+1)
		}
		returned[p.rank] = min(returned[p.rank], p.op.Return)
	}
	for i := 1; i <= last; i++ {
		called[i] = max(called[i], called[i-1])
		returned[last-i] = min(returned[last-i], returned[last-i+1])
	}
	for _, p := range ops {
		if p.rank > 0 {
			p.op.Call = max(p.op.Call, min(called[p.rank-1], p.op.Return))
		}
		if p.exact {
			p.op.Return = max(min(p.op.Return, returned[p.rank+1]), p.op.Call)
		}
	}
}
