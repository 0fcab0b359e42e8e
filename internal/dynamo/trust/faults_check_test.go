package trust_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
)

// script is a forecast of the next requests; all others go well.
type script []fault

func (s *script) next(request) fault {
	if len(*s) == 0 {
		return none
	}
	f := (*s)[0]
	*s = (*s)[1:]
	return f
}

// What each fault is, as a client sees it that does not try again, and whether the database
// has done its part all the same.
var descriptions = [faults]struct {
	says string // the error's code, or part of its text
	done bool
}{
	none:            {"", true},
	throttled:       {"ProvisionedThroughputExceededException", false},
	overRate:        {"ThrottlingException", false},
	failed:          {"InternalServerError", false},
	unavailable:     {"ServiceUnavailableException", false},
	contended:       {"TransactionConflictException", false},
	inProgress:      {"TransactionInProgressException", false},
	throttledInside: {"TransactionCanceledException", false},
	resetBefore:     {"connection reset", false},
	failedAfter:     {"InternalServerError", true},
	lostReply:       {"connection reset", true},
	cutReply:        {"EOF", true},
	slow:            {"", true},
	late:            {"deadline exceeded", true},
}

// pendingFor are first commits for new streams.
func pendingFor(t *testing.T, streams ...es.Stream) (pending []es.Pending) {
	for _, s := range streams {
		p, err := es.StartOf(s).Next(es.Meta{CommandID: "once"}, estest.Now, events.UserNameChanged{New: "a"})
		if err != nil {
			t.Fatal(err)
		}
		pending = append(pending, p)
	}
	return pending
}

// eachFault goes through all faults of an append to one stream and of one to two.
func eachFault(t *testing.T, check func(t *testing.T, f fault, streams []es.Stream)) {
	for f := range faults {
		for kind, n := range map[request]int{aWrite: 1, aTransaction: 2} {
			if f != none && shares[f].to&kind == 0 {
				continue
			}
			t.Run(fmt.Sprintf("fault %d on %d streams", f, n), func(t *testing.T) {
				run := runs.Add(1)
				streams := []es.Stream{es.NewStream("user", fmt.Sprint(run)), es.NewStream("email", fmt.Sprint(run))}
				check(t, f, streams[:n])
			})
		}
	}
}

func countStored(t *testing.T, streams []es.Stream) (n int) {
	for _, s := range streams {
		got, err := readWhole(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		n += len(got.commits)
	}
	return n
}

func TestEveryFaultIsWhatItsNameSays(t *testing.T) {
	eachFault(t, func(t *testing.T, f fault, streams []es.Stream) {
		w := wire{patience: patienceFor(f)}
		c := w.client(func(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} })
		err := (&dynamo.Store{Client: c, Table: eventsTable}).Append(under(t.Context(), &script{f}), pendingFor(t, streams...)...)
		w.drain()
		want := descriptions[f]
		if f == contended && len(streams) > 1 {
			want.says = "TransactionCanceledException"
		}
		if (err == nil) != (want.says == "") || err != nil && !says(err, want.says) || err != nil && !errors.Is(err, es.ErrUnavailable) {
			t.Errorf("got error %v, want one that says %q", err, want.says)
		}
		if n := countStored(t, streams); (n == len(streams)) != want.done || n > 0 != want.done {
			t.Errorf("%d of %d commits are stored, want all: %v", n, len(streams), want.done)
		}
	})
}

// patienceFor is long, so that no reply is late that was not meant to be.
func patienceFor(f fault) time.Duration {
	if f == late {
		return 200 * time.Millisecond
	}
	return 10 * time.Second
}

func says(err error, what string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == what || strings.Contains(err.Error(), what)
}

// The SDK tries again after any fault but a reply that ends too early; appending once more,
// as the executor does, settles that one too.
func TestTheSDKsRetriesGetOverFaults(t *testing.T) {
	eachFault(t, func(t *testing.T, f fault, streams []es.Stream) {
		w := wire{patience: patienceFor(f)}
		s := &dynamo.Store{Client: w.client(), Table: eventsTable}
		pending := pendingFor(t, streams...)
		err := s.Append(under(t.Context(), &script{f, f}), pending...)
		if (err != nil) != (f == cutReply) {
			t.Errorf("got error %v", err)
		}
		if err != nil {
			err = s.Append(t.Context(), pending...)
		}
		w.drain()
		if n := countStored(t, streams); err != nil || n != len(streams) {
			t.Errorf("got error %v, and %d of %d commits are stored", err, n, len(streams))
		}
	})
}
