package eventsource

import "time"

// maxPayload is the largest payload of a synchronous invocation, in bytes (AWS Lambda
// Developer Guide, "Lambda quotas").
const maxPayload = 6 << 20

// buffer gathers wanted records until they make a batch: when there are enough of them, when
// the batching window ends or when the payload limit is reached (AWS Lambda Developer Guide,
// "How Lambda processes records from stream and queue-based event sources", "Batching
// behavior").
type buffer struct {
	size      int           // records in a batch at most
	window    time.Duration // length of a batching window
	windowEnd time.Time
	records   []record
}

// take removes the next batch and returns it, or nil while records may still join it. If
// last, none will.
func (b *buffer) take(now time.Time, last bool) []record {
	n, full := b.batch()
	over := !now.Before(b.windowEnd)
	if n == 0 && over {
		b.nextWindow(now)
	}
	if n == 0 || !full && !over && !last {
		return nil
	}
	batch := b.records[:n:n]
	b.records = b.records[n:]
	return batch
}

// nextWindow starts a batching window: "the next window begins as soon as the previous
// function invocation completes".
func (b *buffer) nextWindow(now time.Time) { b.windowEnd = now.Add(b.window) }

// batch is how many records the next batch has, and whether no more fit in.
func (b *buffer) batch() (n int, full bool) {
	bytes := len(payloadHead) + len(payloadTail) - len(",")
	for n < len(b.records) && n < b.size {
		bytes += len(b.records[n].event) + len(",")
		if bytes > maxPayload && n > 0 {
			return n, true
		}
		n++
	}
	return n, n == b.size
}
