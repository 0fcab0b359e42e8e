// Package queue is SQS in this process with Lambda's event source for it, as far as Annals
// uses either: SendMessage in the AWS JSON protocol, delays, visibility, dead letters, one
// message an invocation. Messages are in memory, so they end with the process.
//
//   - https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
//   - https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
package queue

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/topology"
)

// pollers is how many messages of a queue are worked on at once, as Lambda begins.
const pollers = 5

// Queue is one queue with its function.
type Queue struct {
	Settings topology.Queue
	Name     string // deployed
	Invoke   func(ctx context.Context, payload []byte) ([]byte, error)
	// DeadLetter takes, under a key, a message on which the function has failed too often.
	DeadLetter func(ctx context.Context, key string, document []byte) error
	Log        *slog.Logger

	once     sync.Once
	running  context.Context
	cancel   context.CancelFunc
	slots    chan struct{}
	messages sync.WaitGroup
}

// message is what was sent, and what became of it.
type message struct {
	id       string
	body     string
	sentAt   time.Time
	first    time.Time // when it was received for the first time
	receives int
}

func (q *Queue) start() {
	q.once.Do(func() {
		q.running, q.cancel = context.WithCancel(context.Background())
		q.slots = make(chan struct{}, pollers)
	})
}

// Send puts a message in that comes up after a delay, and returns its id.
func (q *Queue) Send(body string, delay time.Duration) string {
	q.start()
	m := &message{id: es.NewID(time.Now(), rand.Reader), body: body, sentAt: time.Now()}
	q.messages.Go(func() {
		for wait, left := delay, true; left && sleep(q.running, wait); wait = q.Settings.Visibility {
			left = !q.deliver(m)
		}
	})
	return m.id
}

// Stop returns when no message is worked on any more. An invocation that has begun is left
// to itself, as by a crash.
func (q *Queue) Stop() {
	q.start()
	q.cancel()
	q.messages.Wait()
}

// deliver hands a message to the function, and reports whether it is done with.
func (q *Queue) deliver(m *message) (done bool) {
	select {
	case q.slots <- struct{}{}:
		defer func() { <-q.slots }()
	case <-q.running.Done():
		return false
	}
	if m.receives == 0 {
		m.first = time.Now()
	}
	m.receives++
	log := q.Log.With("function", q.Settings.Function, "message", m.id, "receives", m.receives)
	if m.receives > q.Settings.Receives {
		if err := q.bury(m); err != nil {
			log.Error("a message cannot be put aside", "error", err)
			return false
		}
		log.Warn("a message was put aside")
		return true
	}
	payload, err := json.Marshal(events.SQSEvent{Records: []events.SQSMessage{q.record(m)}})
	if err == nil {
		_, err = q.Invoke(q.running, payload)
	}
	if err != nil && q.running.Err() == nil {
		log.Warn("the function failed", "error", err)
	}
	return err == nil
}

func (q *Queue) record(m *message) events.SQSMessage {
	return events.SQSMessage{
		MessageId: m.id, ReceiptHandle: m.id + "-" + strconv.Itoa(m.receives), Body: m.body, Md5OfBody: digest(m.body),
		Attributes: map[string]string{
			"ApproximateReceiveCount":          strconv.Itoa(m.receives),
			"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.first.UnixMilli(), 10),
			"SentTimestamp":                    strconv.FormatInt(m.sentAt.UnixMilli(), 10),
			"SenderId":                         "local",
		},
		MessageAttributes: map[string]events.SQSMessageAttribute{},
		EventSource:       "aws:sqs", EventSourceARN: "arn:aws:sqs:us-east-1:000000000000:" + q.Name, AWSRegion: "us-east-1",
	}
}

// bury puts a message aside, whole.
func (q *Queue) bury(m *message) error {
	document, err := json.Marshal(q.record(m))
	if err != nil {
		return fmt.Errorf("describe a message: %w", err)
	}
	return q.DeadLetter(context.WithoutCancel(q.running), q.Name+"/"+m.id+".json", document)
}

func digest(body string) string {
	sum := md5.Sum([]byte(body)) // what SQS has its clients check
	return hex.EncodeToString(sum[:])
}

// sleep reports whether the time passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
