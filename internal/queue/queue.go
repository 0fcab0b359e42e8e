// Package queue sends the tasks of rebuilds over SQS.
package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

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
