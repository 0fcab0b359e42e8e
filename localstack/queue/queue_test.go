package queue_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/interview-sandbox/annals/internal/projection"
	sender "github.com/interview-sandbox/annals/internal/queue"
	"github.com/interview-sandbox/annals/internal/queue/worker"
	"github.com/interview-sandbox/annals/internal/topology"
	"github.com/interview-sandbox/annals/localstack/queue"
)

const name = "annals-tested"

// received is one invocation.
type received struct {
	events.SQSMessage
	at time.Time
}

// world is a queue, served, with a function that fails as long as fails is above zero.
type world struct {
	*sender.Queue
	queue *queue.Queue
	url   string
	fails atomic.Int64
	got   chan received
	dead  chan string
}

func newWorld(t *testing.T, settings topology.Queue) *world {
	w := &world{got: make(chan received, 100), dead: make(chan string, 1)}
	w.queue = &queue.Queue{
		Settings: settings, Name: name, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Invoke: func(_ context.Context, payload []byte) ([]byte, error) {
			var in events.SQSEvent
			if err := json.Unmarshal(payload, &in); err != nil || len(in.Records) != 1 {
				t.Errorf("payload %s, error %v", payload, err)
			}
			w.got <- received{in.Records[0], time.Now()}
			if w.fails.Add(-1) >= 0 {
				return nil, errors.New("as told")
			}
			return []byte("null"), nil
		},
		DeadLetter: func(_ context.Context, key string, document []byte) error {
			w.dead <- key + " " + string(document)
			return nil
		},
	}
	server := httptest.NewServer(queue.Server{name: w.queue})
	t.Cleanup(func() { server.Close(); w.queue.Stop() })
	w.url = server.URL
	w.Queue = w.reach(name)
	return w
}

// reach makes the queue that functions have.
func (w *world) reach(name string) *sender.Queue {
	return sender.New(sender.Settings{Region: "us-east-1", URL: w.url + "/000000000000/" + name,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		})})
}

func (w *world) next(t *testing.T) received {
	t.Helper()
	select {
	case r := <-w.got:
		return r
	case <-time.After(20 * time.Second):
		t.Fatal("nothing comes up")
	}
	return received{}
}

func TestATaskComesToItsWorkerAsItWasSent(t *testing.T) {
	w := newWorld(t, topology.Queue{Visibility: time.Minute, Receives: 3})
	sent := projection.Task{Do: projection.Build, View: "users", Part: 3}
	if err := w.Send(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	m := w.next(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	do := &worker.Worker{Do: func(_ context.Context, got projection.Task, until time.Time) error {
		if left := time.Until(until); got != sent || left > time.Hour-20*time.Second || left < time.Hour-time.Minute {
			t.Errorf("task %+v with %v left, want %+v", got, left, sent)
		}
		return nil
	}}
	if _, err := do.Handle(ctx, events.SQSEvent{Records: []events.SQSMessage{m.SQSMessage}}); err != nil {
		t.Error(err)
	}
	if m.EventSource != "aws:sqs" || m.Attributes["ApproximateReceiveCount"] != "1" || m.ReceiptHandle == "" {
		t.Errorf("message %+v", m)
	}
}

func TestADelayedTaskComesUpWhenItsDelayIsOver(t *testing.T) {
	w := newWorld(t, topology.Queue{Visibility: time.Minute, Receives: 3})
	start := time.Now()
	if err := w.Send(t.Context(), projection.Task{Do: projection.Watch, View: "late", Delay: time.Second}, projection.Task{Do: projection.Watch, View: "soon"}); err != nil {
		t.Fatal(err)
	}
	if m := w.next(t); !strings.Contains(m.Body, "soon") {
		t.Errorf("first: %s", m.Body)
	}
	if m := w.next(t); !strings.Contains(m.Body, "late") || m.at.Sub(start) < time.Second {
		t.Errorf("after %v: %s", m.at.Sub(start), m.Body)
	}
}

func TestAMessageThatFailsComesUpAgainAndIsPutAsideInTheEnd(t *testing.T) {
	const visibility = 50 * time.Millisecond
	w := newWorld(t, topology.Queue{Visibility: visibility, Receives: 3})
	w.fails.Store(100)
	if err := w.Send(t.Context(), projection.Task{Do: projection.Watch, View: "poison"}); err != nil {
		t.Fatal(err)
	}
	var before time.Time
	for n := range 3 {
		m := w.next(t)
		if count := m.Attributes["ApproximateReceiveCount"]; count != string(rune('1'+n)) || m.at.Sub(before) < visibility {
			t.Errorf("receive %d after %v counts as %s", n+1, m.at.Sub(before), count)
		}
		before = m.at
	}
	if letter := <-w.dead; !strings.HasPrefix(letter, name+"/") || !strings.Contains(letter, "poison") {
		t.Errorf("put aside: %s", letter)
	}
	w.queue.Stop()
	if len(w.got) > 0 {
		t.Errorf("it came up %d times more", len(w.got))
	}
}

func TestWhatTheQueueDoesNotTakeIsRefused(t *testing.T) {
	w := newWorld(t, topology.Queue{Visibility: time.Minute, Receives: 3})
	for what, err := range map[string]error{
		"another queue":    w.reach("annals-other").Send(t.Context(), projection.Task{Do: projection.Watch}),
		"too long a delay": w.Send(t.Context(), projection.Task{Do: projection.Watch, Delay: time.Hour}),
	} {
		if err == nil || !strings.Contains(err.Error(), "StatusCode: 400") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
