package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/topology"
	"github.com/interview-sandbox/annals/localstack/queue"
)

// listenSQS opens the address of the queues before there are functions, which have to know it.
func (s *stack) listenSQS() (net.Listener, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for SQS: %w", err)
	}
	s.onStop(listener.Close)
	return listener, nil
}

// urls gives the URL of every queue.
func urls(sqs string) map[string]string {
	all := map[string]string{}
	for _, q := range topology.Queues() {
		all[q.ID] = sqs + "/000000000000/" + q.Name(prefix)
	}
	return all
}

// startQueues starts every queue. Messages do not survive a stop, so the first one has all
// views watched: what was being done about them goes on.
func (s *stack) startQueues(listener net.Listener, functions map[string]lambda.Handler) error {
	s.queues = queue.Server{}
	for _, declared := range topology.Queues() {
		q := &queue.Queue{
			Settings: declared,
			Name:     declared.Name(prefix),
			Invoke:   functions[declared.Function].Invoke,
			DeadLetter: func(_ context.Context, key string, document []byte) error {
				return s.objects.Put(failures, key, document)
			},
			Log: s.log,
		}
		s.say("queues", "%s works off %s", declared.Function, q.Name)
		s.onStop(func() error { q.Stop(); return nil })
		s.queues[q.Name] = q
	}
	s.serve(listener, s.queues)
	watch, err := json.Marshal(projection.Task{Do: projection.Watch})
	if err != nil {
		return fmt.Errorf("have the views watched: %w", err)
	}
	s.queueOf("Rebuild").Send(string(watch), 0)
	return nil
}

// queueOf finds a queue by its id in the topology.
func (s *stack) queueOf(id string) *queue.Queue {
	for _, q := range s.queues {
		if q.Settings.ID == id {
			return q
		}
	}
	panic("the topology has no queue " + id)
}
