package eventsource

import (
	"strings"
	"testing"
	"time"
)

func TestABatchClosesByTheRulesOfLambda(t *testing.T) {
	const window = 10 * time.Second
	for _, c := range []struct {
		rule    string
		records string
		window  time.Duration
		after   time.Duration // since the window began
		last    bool
		want    string
	}{
		{"nothing is no batch", "", 0, 0, false, ""},
		{"without a window, what is there is a batch", "ab", 0, 0, false, "ab"},
		{"a batch has no more records than the batch size", "abcde", 0, 0, false, "abc"},
		{"a full batch does not wait for the window", "abc", window, 0, false, "abc"},
		{"a batch that is not full waits", "ab", window, window - 1, false, ""},
		{"the end of the window closes the batch", "ab", window, window, false, "ab"},
		{"the end of the shard closes the batch", "ab", window, 0, true, "ab"},
		{"a window that ends without records is no batch", "", window, window, false, ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			b := buffer{size: 3, window: c.window}
			b.nextWindow(epoch)
			if c.records != "" {
				b.records = named(c.records)
			}
			batch := b.take(epoch.Add(c.after), c.last)
			if got := names(batch); got != c.want {
				t.Errorf("batch %q, want %q", got, c.want)
			}
			if got := names(batch) + names(b.records); got != c.records {
				t.Errorf("%q came out, %q went in", got, c.records)
			}
		})
	}
}

func TestTheNextWindowBeginsWhereAnEmptyOneEnds(t *testing.T) {
	b := buffer{size: 3, window: 10 * time.Second}
	b.nextWindow(epoch)
	b.take(epoch.Add(25*time.Second), false) // two windows have gone by empty
	b.records = named("a")
	if batch := b.take(epoch.Add(34*time.Second), false); batch != nil {
		t.Errorf("the third window closed early with %q", names(batch))
	}
	if batch := b.take(epoch.Add(35*time.Second), false); names(batch) != "a" {
		t.Errorf("the third window closed with %q", names(batch))
	}
}

func TestAPayloadIsAtMost6MB(t *testing.T) {
	const mb = 1 << 20
	for _, c := range []struct {
		name  string
		sizes []int
		want  int
	}{
		{"the record that would be too much is left out", []int{2 * mb, 2 * mb, 2 * mb}, 2},
		{"the limit itself is allowed", []int{2 * mb, 2 * mb, 2*mb - 16}, 3}, // 14 bytes around the records, 2 between them
		{"one byte more is not", []int{2 * mb, 2 * mb, 2*mb - 15}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := buffer{size: 100}
			for _, size := range c.sizes {
				b.records = append(b.records, record{event: []byte(strings.Repeat("x", size))})
			}
			batch := b.take(epoch, false)
			if len(batch) != c.want {
				t.Errorf("%d records, want %d", len(batch), c.want)
			}
			if n := len(payload(batch)); n > maxPayload {
				t.Errorf("the payload has %d bytes", n)
			}
		})
	}
}

func TestABatchThatThePayloadLimitClosesDoesNotWaitForTheWindow(t *testing.T) {
	b := buffer{size: 100, window: time.Minute}
	b.nextWindow(epoch)
	for range 3 {
		b.records = append(b.records, record{event: make([]byte, 3<<20)})
	}
	if batch := b.take(epoch, false); len(batch) != 1 {
		t.Errorf("%d records, want 1", len(batch))
	}
}
