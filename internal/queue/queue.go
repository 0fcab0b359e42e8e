// Package queue carries the tasks of rebuilds over SQS.
package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/interview-sandbox/annals/internal/projection"
)

// Settings is what a queue is reached by.
type Settings struct {
	Region      string
	URL         string
	Credentials aws.CredentialsProvider
}

// Queue is a [projection.Queue] on SQS.
type Queue struct {
	client *sqs.Client
	url    string
}

// New reaches a queue at the address that its URL names, in AWS or elsewhere.
func New(s Settings) *Queue {
	options := sqs.Options{Region: s.Region, Credentials: s.Credentials}
	if u, err := url.Parse(s.URL); err == nil && u.Host != "" {
		options.BaseEndpoint = aws.String(u.Scheme + "://" + u.Host)
	}
	return &Queue{sqs.New(options), s.URL}
}

// Send implements [projection.Queue] with one SendMessage for each task.
func (q *Queue) Send(ctx context.Context, tasks ...projection.Task) error {
	for _, t := range tasks {
		body, err := json.Marshal(t)
		if err != nil {
			return fmt.Errorf("encode a task: %w", err)
		}
		_, err = q.client.SendMessage(ctx, &sqs.SendMessageInput{
			QueueUrl: &q.url, MessageBody: aws.String(string(body)), DelaySeconds: int32(t.Delay / time.Second),
		})
		if err != nil {
			return fmt.Errorf("send a task: %w", err)
		}
	}
	return nil
}

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
