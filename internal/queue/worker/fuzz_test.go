package worker

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/interview-sandbox/annals/internal/projection"
)

// A task is done as it was sent, or comes up again.
func FuzzTask(f *testing.F) {
	f.Add(`{"do":"watch","view":"","part":0}`)
	f.Add(`{"do":"build","view":"users","part":3}`)
	f.Add(`{"part":1e999}`)
	f.Fuzz(func(t *testing.T, body string) {
		var done []projection.Task
		w := Worker{Do: func(_ context.Context, task projection.Task, _ time.Time) error {
			done = append(done, task)
			return nil
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := w.Handle(ctx, events.SQSEvent{Records: []events.SQSMessage{{Body: body}}}); (err == nil) != (len(done) == 1) {
			t.Fatalf("done %d times, error %v", len(done), err)
		}
		for _, first := range done {
			text, err := json.Marshal(first)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Handle(ctx, events.SQSEvent{Records: []events.SQSMessage{{Body: string(text)}}}); err != nil || done[1] != first {
				t.Errorf("%+v becomes %+v, error %v", first, done, err)
			}
		}
	})
}
