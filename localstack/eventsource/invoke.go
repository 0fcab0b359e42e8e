package eventsource

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// deliver takes a batch to its end. If ctx is cancelled on the way it returns its error, and
// what is left of the batch stays behind the checkpoint.
func (s *shard) deliver(ctx context.Context, batch []record) error {
	d := newDelivery(batch, s.Settings.Retries, s.Settings.MaxAge)
	for !d.over() {
		if err := sleep(ctx, d.backoff()); err != nil {
			return err
		}
		lost := d.expire(s.Now())
		if lost == nil {
			lost = d.settle(s.invoke(ctx, d.next()))
		}
		if lost != nil {
			if err := s.giveUp(ctx, lost); err != nil {
				return err
			}
		}
		unfinished := s.buffer.records
		if !d.over() {
			unfinished = d.next()
		}
		if err := s.save(unfinished); err != nil {
			return err
		}
	}
	return nil
}

// invoke runs the function to its end, also if ctx is cancelled meanwhile.
func (s *shard) invoke(ctx context.Context, records []record) outcome {
	o := outcome{requestID: s.newID()}
	ctx = lambdacontext.NewContext(context.WithoutCancel(ctx), &lambdacontext.LambdaContext{
		AwsRequestID:       o.requestID,
		InvokedFunctionArn: s.functionARN,
	})
	response, err := s.Invoke(ctx, payload(records))
	if err != nil {
		s.Log.Warn("the function failed", "function", s.Settings.Function, "request", o.requestID, "records", len(records), "error", err)
		o.threw = true
		return o
	}
	o.firstFailed = firstFailed(response, records)
	return o
}

// giveUp hands records to the on-failure destination, as often as it takes. It returns the
// error of ctx if that is cancelled before.
func (s *shard) giveUp(ctx context.Context, l *loss) error {
	at := s.Now()
	document, err := s.failureDocument(s.id, l, at)
	if err != nil {
		return fmt.Errorf("describe a failure: %w", err)
	}
	key := s.failureKey(s.id, at)
	log := s.Log.With("function", s.Settings.Function, "condition", l.condition, "records", len(l.records), "key", key)
	for failures := 1; ; failures++ {
		err := s.OnFailure(context.WithoutCancel(ctx), key, document)
		if err == nil {
			log.Warn("records were given up")
			return nil
		}
		log.Error("records cannot be given up", "error", err)
		if err := sleep(ctx, backoff(failures)); err != nil {
			return err
		}
	}
}
