// Package worker does the tasks of rebuilds that come out of a queue. It is apart from the client
// of SQS, because what takes messages links no client in.
package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/interview-sandbox/annals/internal/projection"
)

// Worker does the tasks that Lambda hands over.
type Worker struct {
	Do func(ctx context.Context, t projection.Task, until time.Time) error
}

// spare is how long before its function's time is up a worker stops, so that it can say how
// far it has come. A page of work takes less.
const spare = 30 * time.Second

// Handle does the tasks of a batch. After an error all of them come up again.
func (w *Worker) Handle(ctx context.Context, in events.SQSEvent) (any, error) {
	until, ok := ctx.Deadline()
	if !ok {
		return nil, errors.New("an invocation has no deadline")
	}
	for _, m := range in.Records {
		var t projection.Task
		if err := json.Unmarshal([]byte(m.Body), &t); err != nil {
			return nil, fmt.Errorf("read a task: %w", err)
		}
		if err := w.Do(ctx, t, until.Add(-spare)); err != nil {
			return nil, err
		}
	}
	return nil, nil
}
