package stats

import (
	"math"
	"math/bits"
	"strconv"
	"time"
)

// Sums is numbers by name. Those in Added grow by what is added; one in Last is replaced by a
// later one.
type Sums struct {
	Added, Last map[string]float64
}

func (s *Sums) add(name string, n float64) {
	if n == 0 {
		return
	}
	if s.Added == nil {
		s.Added = map[string]float64{}
	}
	s.Added[name] += n
}

func (s *Sums) set(name string, n float64) {
	if s.Last == nil {
		s.Last = map[string]float64{}
	}
	s.Last[name] = n
}

// Merge adds later sums to these.
func (s *Sums) Merge(later Sums) {
	for name, n := range later.Added {
		s.add(name, n)
	}
	for name, n := range later.Last {
		s.set(name, n)
	}
}

// highest is the last bucket of a histogram, for what took longer than 2^26 ms, which is 19
// hours.
const highest = 27

// observe counts a duration in a histogram. Bucket 0 is for a millisecond at most, and each
// other one reaches to twice as many as the one before, so that a histogram has few numbers
// whatever it is of.
func (s *Sums) observe(histogram string, d time.Duration) {
	ms := uint64(max(d+time.Millisecond-1, time.Millisecond) / time.Millisecond)
	s.add(bucket(histogram, min(bits.Len64(ms-1), highest)), 1)
}

func bucket(histogram string, i int) string { return histogram + "." + strconv.Itoa(i) }

// quantile is the duration, in milliseconds, that a share of those in a histogram did not
// exceed: an estimate inside the right bucket, so at most twice or half of what it was. It is
// 0 for an empty histogram.
func (s Sums) quantile(histogram string, share float64) float64 {
	total := 0.0
	for i := range highest + 1 {
		total += s.Added[bucket(histogram, i)]
	}
	rest := share * total
	for i := range highest + 1 {
		n := s.Added[bucket(histogram, i)]
		if n == 0 || n < rest {
			rest -= n
			continue
		}
		upper := math.Exp2(float64(i))
		if i == 0 {
			return round(upper * rest / n)
		}
		return round(upper / 2 * math.Exp2(rest/n))
	}
	return 0
}

// max is the upper end of the highest bucket that has something in it, in milliseconds.
func (s Sums) max(histogram string) float64 {
	for i := highest; i >= 0; i-- {
		if s.Added[bucket(histogram, i)] > 0 {
			return math.Exp2(float64(i))
		}
	}
	return 0
}

// round keeps two digits behind the point.
func round(n float64) float64 { return math.Round(100*n) / 100 }
