package projection

import (
	"context"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"

	"github.com/interview-sandbox/annals/internal/es"
)

// Tally is a read model of numbers over all streams of a category, such as how many
// accounts there are of each status. For each stream it keeps what that stream adds, and
// changes that and the totals in one transaction, so that nothing is ever counted twice or
// left out.
type Tally[R any] struct {
	Name     string
	Category string
	// Apply gives what has to be known of one stream after one more event, like View.Apply.
	Apply func(row R, e es.Recorded) R
	// Count gives what the stream adds: to which totals, and which numbers.
	Count func(R) map[string]map[string]int64
}

func (t *Tally[R]) name() string            { return t.Name }
func (t *Tally[R]) covers(s es.Stream) bool { return s.Category() == t.Category }
func (t *Tally[R]) wakes([]es.Commit) bool  { return true }
func (t *Tally[R]) generational() bool      { return true }

func (t *Tally[R]) follow(ctx context.Context, p *Projector, generation int, s es.Stream, commits []es.Commit) (saved, error) {
	key := Key{t.Name, generation, s.ID()}
	return follow(ctx, p, key, s, commits, t.Apply, t.change(generation), false)
}

// fresh leaves it to follow, which changes the totals as well.
func (t *Tally[R]) fresh(int, es.Stream, []es.Commit) (c Change, ok bool) { return c, false }

func (t *Tally[R]) park(ctx context.Context, p *Projector, generation int, s es.Stream, version, through es.Version) (bool, error) {
	return park[R](ctx, p, Key{t.Name, generation, s.ID()}, s, version, through, t.change(generation))
}

func (t *Tally[R]) parked(ctx context.Context, p *Projector, generation int, s es.Stream) (bool, error) {
	return parked[R](ctx, p, Key{t.Name, generation, s.ID()}, s)
}

func (t *Tally[R]) stream(id string) es.Stream { return es.NewStream(t.Category, id) }

func (t *Tally[R]) clean(generation int, s es.Stream) clean {
	return newClean(s, t.Apply, t.change(generation))
}

func (t *Tally[R]) change(generation int) func(was, now R, s es.Stream) Change {
	return func(was, now R, s es.Stream) Change {
		sum := t.Count(now)
		for total, numbers := range t.Count(was) {
			for name, n := range numbers {
				add(&sum, total, name, -n)
			}
		}
		c := Change{Data: now}
		for _, total := range slices.Sorted(maps.Keys(sum)) {
			numbers := maps.Clone(sum[total])
			maps.DeleteFunc(numbers, func(_ string, n int64) bool { return n == 0 })
			if len(numbers) > 0 {
				c.Totals = append(c.Totals, Delta{Key{t.Name, generation, shard(total, shardOf(s))}, numbers})
			}
		}
		return c
	}
}

func add(sum *map[string]map[string]int64, total, name string, n int64) {
	if *sum == nil {
		*sum = map[string]map[string]int64{}
	}
	numbers := maps.Clone((*sum)[total])
	if numbers == nil {
		numbers = map[string]int64{}
	}
	numbers[name] += n
	(*sum)[total] = numbers
}

// shards is in how many parts a total is kept, so that projectors side by side seldom wait
// for each other.
const shards = 8

func shard(total string, n int) string { return "total/" + total + "/" + strconv.Itoa(n) }

func shardOf(s es.Stream) int {
	h := fnv.New32a()
	h.Write([]byte(s))
	return int(h.Sum32() % shards)
}

// Total gives the numbers of one total.
func (t *Tally[R]) Total(ctx context.Context, r *Reader, total string) (map[string]int64, error) {
	generation, err := r.generation(ctx, t.Name)
	if err != nil {
		return nil, err
	}
	sum := map[string]int64{}
	for n := range shards {
		numbers, err := r.Rows.Total(ctx, Key{t.Name, generation, shard(total, n)})
		if err != nil {
			return nil, err
		}
		for name, n := range numbers {
			sum[name] += n
		}
	}
	return sum, nil
}
