// Package sqs gives functions SQS.
package sqs

import (
	"github.com/interview-sandbox/annals/internal/app"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/queue"
)

// Queue is an [app.Queue] of the tasks of rebuilds.
func Queue(c app.Config) projection.Queue {
	return queue.New(queue.Settings{Region: c.Region, URL: c.Queues["Rebuild"], Credentials: c.Credentials})
}
