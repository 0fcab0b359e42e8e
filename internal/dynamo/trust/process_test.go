package trust_test

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"

	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
)

// process is what one instance of a function has: an executor with a clock and a cache of
// its own. Several writers may use it at a time.
type process struct {
	client   *dynamodb.Client
	cache    int // bytes
	ahead    time.Duration
	executor atomic.Pointer[es.Executor]
}

// The processes differ in their caches: none at all, one that a few accounts overflow, and
// ample ones. Their clocks are some seconds apart.
var cacheSizes = []int{0, 3 << 10, 1 << 20, 1 << 20, 1 << 20, 1 << 20}

func processes(w *wire) []*process {
	all := make([]*process, len(cacheSizes))
	for i, size := range cacheSizes {
		all[i] = &process{client: w.client(), cache: size, ahead: time.Duration(i-2) * 1700 * time.Millisecond}
		all[i].restart()
	}
	return all
}

// restart forgets whatever is not stored.
func (p *process) restart() {
	x := &es.Executor{
		Repository: es.Repository{
			Store:     watched{&dynamo.Store{Client: p.client, Table: eventsTable}},
			Snapshots: &dynamo.Snapshots{Client: p.client, Table: snapshotsTable},
		},
		Now: func() time.Time { return time.Now().Add(p.ahead) },
	}
	if p.cache > 0 {
		x.Cache = es.NewCache(p.cache)
	}
	p.executor.Store(x)
}

// errBroken is an error that no fault explains.
var errBroken = errors.New("the write side is broken")

// do carries out an order or sees an account. The error is [errBroken] or nil.
func (p *process) do(ctx context.Context, in input) (output, error) {
	x := p.executor.Load()
	if in.Read {
		f, err := accounts.Load(ctx, &x.Repository, in.Account)
		return output{Version: f.Tip.Version(), Names: f.State, Failed: err != nil}, unexplained(err)
	}
	meta := es.Meta{CommandID: in.ID, Fingerprint: in.fingerprint(), Actor: "writer"}
	step := accounts.On(in.Account, in.Order)
	if in.New {
		step = accounts.New(in.Account, in.Order)
	}
	result, err := x.Execute(ctx, meta, in.Expect, step)
	var refusal *es.Error
	switch {
	case err == nil:
		return output{Version: result.Version, Replay: result.Replay}, nil
	case errors.Is(err, es.ErrUnavailable):
		return output{Unknown: true}, unexplained(err)
	case errors.As(err, &refusal) && refusal != es.ErrConflict && refusal.Kind != es.Unavailable:
		return output{Refusal: refusal}, nil
	}
	return output{Failed: true}, unexplained(err)
}

// unexplained is nil for the errors that contention, time-outs and the injected faults
// explain. Anything else that DynamoDB says is about a request that is wrong.
func unexplained(err error) error {
	var request *smithy.OperationError
	var said smithy.APIError
	switch {
	case errors.As(err, &said) && !injected[said.ErrorCode()]:
	case err == nil, errors.As(err, &request), errors.Is(err, es.ErrConflict), errors.Is(err, es.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		return nil
	}
	return errors.Join(errBroken, err)
}

// snapshot does what the projector does for new commits of an account.
func (p *process) snapshot(ctx context.Context, account string, commits ...es.Commit) error {
	s := es.NewStream(accounts.Category, account)
	return unexplained(accounts.Snapshotter(&p.executor.Load().Repository).Snapshot(ctx, s, commits))
}
