package trust_test

import (
	"context"
	"math/rand/v2"
)

// A fault is one way in which a request to DynamoDB goes wrong.
type fault uint8

const (
	none fault = iota

	// Refused by DynamoDB; nothing is done.
	throttled       // the table's capacity is used up
	overRate        // the account's rate is
	failed          // 500
	unavailable     // 503
	contended       // writes only: a transaction is at the same item
	inProgress      // transactions only: the same one is being carried out
	throttledInside // transactions only: canceled because one of its items is throttled

	// Broken on the way.
	resetBefore // the connection breaks before the request is sent
	failedAfter // done, and answered with a 500
	lostReply   // done, and the connection breaks before the reply comes
	cutReply    // done, and the connection breaks in the middle of the reply
	slow        // done, and answered in time
	late        // done after the client has given up

	faults
)

// What requests there are, for not every fault can happen to each.
type request uint8

const (
	aRead request = 1 << iota
	aWrite
	aTransaction
)

// shares says which faults happen to which requests, and how often beside the others.
var shares = [faults]struct {
	to    request
	share int
}{
	throttled:       {aRead | aWrite, 3},
	overRate:        {aRead | aWrite | aTransaction, 2},
	failed:          {aRead | aWrite | aTransaction, 3},
	unavailable:     {aRead | aWrite | aTransaction, 2},
	contended:       {aWrite | aTransaction, 3},
	inProgress:      {aTransaction, 2},
	throttledInside: {aTransaction, 2},
	resetBefore:     {aRead | aWrite | aTransaction, 3},
	failedAfter:     {aRead | aWrite | aTransaction, 3},
	lostReply:       {aRead | aWrite | aTransaction, 5},
	cutReply:        {aRead | aWrite | aTransaction, 2},
	slow:            {aRead | aWrite | aTransaction, 8},
	late:            {aRead | aWrite | aTransaction, 1},
}

// weather decides what happens to one caller's requests. Faults come one by one, which the
// SDK's retries get over, and in storms long enough that they do not.
type weather struct {
	*rand.Rand
	storm int // how many more requests it lasts
}

func newWeather(seed, caller uint64) *weather {
	return &weather{Rand: rand.New(rand.NewPCG(seed, caller))}
}

func (w *weather) next(to request) fault {
	if w.storm == 0 && w.IntN(100) == 0 {
		w.storm = 4 + w.IntN(28)
	}
	odds := 5
	if w.storm > 0 {
		w.storm--
		odds = 92
	}
	if w.IntN(100) >= odds {
		return none
	}
	return w.pick(to)
}

func (w *weather) pick(to request) fault {
	sum := 0
	for _, s := range shares {
		if s.to&to != 0 {
			sum += s.share
		}
	}
	n := w.IntN(sum)
	for f, s := range shares {
		if s.to&to == 0 {
			continue
		}
		if n -= s.share; n < 0 {
			return fault(f)
		}
	}
	return none
}

// forecast decides what happens to the next request.
type forecast interface{ next(to request) fault }

type forecastKey struct{}

// under gives the requests that are made with a context their weather. Without any, all
// requests go well.
func under(ctx context.Context, f forecast) context.Context {
	return context.WithValue(ctx, forecastKey{}, f)
}
