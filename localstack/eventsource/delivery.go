package eventsource

import "time"

// delivery takes one batch through its invocations. It decides and does nothing else: the
// shard asks for the piece that is next, invokes the function with it and reports back.
type delivery struct {
	retries int           // invocations of the same piece after the first
	maxAge  time.Duration // of a record that is still invoked
	pieces  []piece       // in the order of the shard, which is that of the invocations
}

// piece is a run of records that the function is invoked with.
type piece struct {
	records     []record
	invocations int
	last        outcome // of the last invocation
}

// outcome is what came of an invocation.
type outcome struct {
	requestID   string
	threw       bool // the function ended with an error and gave no response
	firstFailed int  // index of the first record to have again; one past the last: none
}

// The conditions under which records are given up.
const (
	retriesExhausted = "RetryAttemptsExhausted"
	ageExceeded      = "RecordAgeExceeded"
)

// loss is a run of records that is given up.
type loss struct {
	piece
	condition string
}

func newDelivery(batch []record, retries int, maxAge time.Duration) *delivery {
	return &delivery{retries: retries, maxAge: maxAge, pieces: []piece{{records: batch}}}
}

func (d *delivery) over() bool { return len(d.pieces) == 0 }

// next is the piece that is invoked next.
func (d *delivery) next() []record { return d.pieces[0].records }

// backoff is the pause before the next invocation. Only the same piece sent again has to
// wait: what a split or a partial success leaves is a new piece.
func (d *delivery) backoff() time.Duration { return backoff(d.pieces[0].invocations) }

// expire gives up the records at the front that have become too old to be invoked.
func (d *delivery) expire(now time.Time) *loss {
	p := &d.pieces[0]
	n := 0
	for n < len(p.records) && now.Sub(p.records[n].created) > d.maxAge {
		n++
	}
	if n == 0 {
		return nil
	}
	lost := &loss{*p, ageExceeded}
	lost.records = p.records[:n]
	lost.invocations++ // Lambda counts the attempt that found the records too old
	d.replaceFirst(p.records[n:])
	return lost
}

// settle takes in what came of the invocation of the next piece.
//
// Every split starts with all its retries, because "splitting batches doesn't consume the
// retry quota" and only the same records sent again count as a retry. A report that names
// the first record leaves nothing to split off, and is a failure of the whole piece.
func (d *delivery) settle(o outcome) *loss {
	p := &d.pieces[0]
	p.invocations++
	p.last = o
	switch n := len(p.records); {
	case o.firstFailed == n:
		d.replaceFirst()
	case o.firstFailed > 0:
		d.replaceFirst(p.records[o.firstFailed:])
	case n > 1:
		d.replaceFirst(p.records[:n/2], p.records[n/2:])
	case p.invocations > d.retries:
		lost := &loss{*p, retriesExhausted}
		d.replaceFirst()
		return lost
	}
	return nil
}

// replaceFirst puts new pieces in the place of the first.
func (d *delivery) replaceFirst(runs ...[]record) {
	var pieces []piece
	for _, records := range runs {
		if len(records) > 0 {
			pieces = append(pieces, piece{records: records})
		}
	}
	d.pieces = append(pieces, d.pieces[1:]...)
}

const (
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 10 * time.Second
)

// backoff is the exponential pause after a number of failures in a row. AWS does not publish
// its own.
func backoff(failures int) time.Duration {
	pause := time.Duration(0)
	for range failures {
		pause = min(max(2*pause, firstBackoff), maxBackoff)
	}
	return pause
}
