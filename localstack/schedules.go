package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/topology"
)

// startSchedules starts every schedule. When the stack stops they finish the runs that are
// under way.
func (s *stack) startSchedules(functions map[string]lambda.Handler) {
	for _, declared := range topology.Schedules() {
		s.say("schedules", "%s runs every %v", declared.Function, declared.Every)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s.repeat(ctx, declared, functions[declared.Function])
		}()
		s.onStop(func() error {
			cancel()
			<-ended
			return nil
		})
	}
}

// repeat runs a function at once, and then at every interval, until ctx ends. One run ends
// before the next begins; what comes due meanwhile is one run.
func (s *stack) repeat(ctx context.Context, schedule topology.Schedule, function lambda.Handler) {
	ticker := time.NewTicker(schedule.Every)
	defer ticker.Stop()
	for {
		if err := runOnce(schedule, function); err != nil {
			s.log.Error("the scheduled run failed", "function", schedule.Function, "error", err.Error())
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// runOnce invokes a function with the event of a rule of EventBridge, which nothing ends but
// the function's own timeout.
func runOnce(schedule topology.Schedule, function lambda.Handler) error {
	now := time.Now()
	payload, err := json.Marshal(events.EventBridgeEvent{
		Version: "0", ID: es.NewID(now, rand.Reader), DetailType: "Scheduled Event", Source: "aws.events",
		AccountID: "000000000000", Time: now.UTC().Truncate(time.Second), Region: region,
		Resources: []string{"arn:aws:events:" + region + ":000000000000:rule/" + prefix + "-" + schedule.Function},
		Detail:    json.RawMessage("{}"),
	})
	if err != nil {
		return fmt.Errorf("make a scheduled event: %w", err)
	}
	_, err = function.Invoke(context.Background(), payload)
	return err
}
