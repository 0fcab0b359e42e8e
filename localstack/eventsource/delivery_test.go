package eventsource

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// named makes one record of each letter, created at epoch.
func named(letters string) []record {
	var records []record
	previous := ""
	for _, l := range strings.Split(letters, "") {
		records = append(records, record{sequence: l, previous: previous, created: epoch, event: []byte(`"` + l + `"`)})
		previous = l
	}
	return records
}

func names(records []record) string {
	var b strings.Builder
	for _, r := range records {
		b.WriteString(r.sequence)
	}
	return b.String()
}

// behaviour is what the function makes of an invocation, the nth of all, counted from 1.
type behaviour func(n int, records []record) outcome

func succeeds(_ int, records []record) outcome { return outcome{firstFailed: len(records)} }

func throwsOn(poison string) behaviour {
	return func(_ int, records []record) outcome {
		if strings.ContainsAny(names(records), poison) {
			return outcome{threw: true}
		}
		return outcome{firstFailed: len(records)}
	}
}

func reports(poison string) behaviour {
	return func(_ int, records []record) outcome {
		if i := strings.IndexAny(names(records), poison); i >= 0 {
			return outcome{firstFailed: i}
		}
		return outcome{firstFailed: len(records)}
	}
}

// until has the function behave in one way for a number of invocations, then succeed.
func until(n int, b behaviour) behaviour {
	return func(i int, records []record) outcome {
		if i > n {
			return succeeds(i, records)
		}
		return b(i, records)
	}
}

// transcript takes a batch through a function and writes down each invocation as the letters
// of its records, and each loss in brackets with its condition and count.
func transcript(d *delivery, b behaviour, clock func(invocation int) time.Time) string {
	var lines []string
	invocations := 0
	for !d.over() {
		lost := d.expire(clock(invocations))
		if lost == nil {
			invocations++
			records := d.next()
			lines = append(lines, names(records))
			lost = d.settle(b(invocations, records))
		}
		if lost != nil {
			lines = append(lines, fmt.Sprintf("[%s %s %d]", names(lost.records), lost.condition, lost.invocations))
		}
	}
	return strings.Join(lines, " ")
}

func TestABatchIsDeliveredByTheRulesOfLambda(t *testing.T) {
	for _, c := range []struct {
		rule     string
		batch    string
		retries  int
		function behaviour
		want     string
	}{
		{"a batch that succeeds is invoked once",
			"abcd", 2, succeeds, "abcd"},
		{"a function error bisects the batch, and both halves are tried in order",
			"abcd", 0, until(1, throwsOn("c")), "abcd ab cd"},
		{"bisecting goes on until the bad record is alone",
			"abcd", 0, throwsOn("c"), "abcd ab cd c [c RetryAttemptsExhausted 1] d"},
		{"splitting a batch does not consume the retry quota",
			"abcd", 2, throwsOn("c"), "abcd ab cd c c c [c RetryAttemptsExhausted 3] d"},
		{"a batch of odd size is bisected too",
			"abcde", 0, throwsOn("e"), "abcde ab cde c de d e [e RetryAttemptsExhausted 1]"},
		{"every bad record is isolated",
			"abcd", 0, throwsOn("ad"), "abcd ab a [a RetryAttemptsExhausted 1] b cd c d [d RetryAttemptsExhausted 1]"},
		{"a single record is retried as often as the quota says and then given up",
			"a", 3, throwsOn("a"), "a a a a [a RetryAttemptsExhausted 4]"},
		{"without retries a single record is given up at once",
			"a", 0, throwsOn("a"), "a [a RetryAttemptsExhausted 1]"},
		{"a retry that succeeds ends the retries",
			"a", 3, until(2, throwsOn("a")), "a a a"},
		{"a partial success is retried from the reported record on",
			"abcd", 2, until(1, reports("c")), "abcd cd"},
		{"records in front of the reported one are not invoked again",
			"abcd", 1, reports("c"), "abcd cd c c [c RetryAttemptsExhausted 2] d"},
		{"a checkpoint that moves on starts with all retries",
			"ab", 1, until(3, reports("b")), "ab b b [b RetryAttemptsExhausted 2]"},
		{"a report of the first record is a complete failure and bisects",
			"abcd", 0, until(1, reports("a")), "abcd ab cd"},
		{"a report leaves the records of the other half alone",
			"abcdefgh", 0, reports("b"), "abcdefgh bcdefgh bcd b [b RetryAttemptsExhausted 1] cd efgh"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			d := newDelivery(named(c.batch), c.retries, time.Hour)
			if got := transcript(d, c.function, func(int) time.Time { return epoch }); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestRecordsThatAreTooOldAreNotInvoked(t *testing.T) {
	hourly := func(invocation int) time.Time { return epoch.Add(time.Duration(invocation) * time.Hour) }
	for _, c := range []struct {
		rule   string
		batch  []record
		maxAge time.Duration
		want   string
	}{
		{"old records at the front are given up and the others invoked",
			append(aged("ab", 2*time.Hour), aged("cd", 0)...), time.Hour, "[ab RecordAgeExceeded 1] cd"},
		{"a record of exactly the maximum age is invoked",
			aged("a", time.Hour), time.Hour, "a [a RecordAgeExceeded 2]"},
		{"retries end when the record gets too old",
			aged("a", 0), 90 * time.Minute, "a a [a RecordAgeExceeded 3]"},
		{"a half that gets too old while the other is tried is given up",
			aged("ab", 0), 90 * time.Minute, "ab a [a RecordAgeExceeded 2] [b RecordAgeExceeded 1]"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			d := newDelivery(c.batch, 100, c.maxAge)
			if got := transcript(d, throwsOn("ab"), hourly); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func aged(letters string, age time.Duration) []record {
	records := named(letters)
	for i := range records {
		records[i].created = epoch.Add(-age)
	}
	return records
}

func TestOnlyTheSamePieceSentAgainHasToWait(t *testing.T) {
	d := newDelivery(named("ab"), 3, time.Hour)
	var pauses []time.Duration
	for !d.over() {
		pauses = append(pauses, d.backoff())
		d.settle(throwsOn("a")(0, d.next()))
	}
	want := []time.Duration{0, 0, firstBackoff, 2 * firstBackoff, 4 * firstBackoff, 0} // ab, a, a, a, a, b
	if !slices.Equal(pauses, want) {
		t.Errorf("pauses %v, want %v", pauses, want)
	}
}

func TestBackoffDoublesUpToItsLimit(t *testing.T) {
	for failures, want := range map[int]time.Duration{0: 0, 1: 100 * time.Millisecond, 2: 200 * time.Millisecond, 7: 6400 * time.Millisecond, 8: maxBackoff, 10_000: maxBackoff} {
		if got := backoff(failures); got != want {
			t.Errorf("after %d failures: %s, want %s", failures, got, want)
		}
	}
}
