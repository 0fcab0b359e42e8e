package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/ses/feedback"
	"github.com/interview-sandbox/annals/internal/topology"
	"github.com/interview-sandbox/annals/localstack/mail"
)

// listenSES opens the address of SES before there are functions, which have to know it.
func (s *stack) listenSES() (net.Listener, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for SES: %w", err)
	}
	s.onStop(listener.Close)
	return listener, nil
}

func (s *stack) mails() mail.Dir { return mail.Dir(s.file("mail")) }

// startSES takes mail and hands functions what their rules ask for of what becomes of it.
func (s *stack) startSES(listener net.Listener, functions map[string]lambda.Handler) {
	server := &mail.Server{Dir: s.mails(), Now: time.Now, Emit: func(detailType string, detail feedback.Detail) {
		for _, rule := range topology.Rules() {
			if rule.Source != "aws.ses" || !slices.Contains(rule.DetailTypes, detailType) {
				continue
			}
			if err := deliver(functions[rule.Function], rule.Source, detailType, detail); err != nil {
				s.log.Error("the event of a rule failed", "function", rule.Function, "error", err.Error())
			}
		}
	}}
	s.say("mail", "is kept in %s and shown at /dev/mail", s.file("mail"))
	s.onStop(func() error { server.Wait(); return nil })
	s.serve(listener, server)
}

// tries is how often Lambda invokes a function with an event before it gives up.
const tries = 3

// deliver invokes a function with an event of EventBridge.
func deliver(function lambda.Handler, source, detailType string, detail any) error {
	text, err := json.Marshal(detail)
	if err != nil {
		return fmt.Errorf("make an event: %w", err)
	}
	now := time.Now()
	payload, err := json.Marshal(events.EventBridgeEvent{
		Version: "0", ID: es.NewID(now, rand.Reader), DetailType: detailType, Source: source,
		AccountID: "000000000000", Time: now.UTC().Truncate(time.Second), Region: region,
		Resources: []string{}, Detail: text,
	})
	for try := 0; err == nil && try < tries; try++ {
		if _, failed := function.Invoke(context.Background(), payload); failed == nil {
			return nil
		} else if try == tries-1 {
			err = failed
		}
	}
	return err
}

// withMails puts the mails beside the API.
func (s *stack) withMails(api http.Handler) http.Handler {
	browser := mail.Browser(s.mails(), s.log)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/dev/mail" || strings.HasPrefix(r.URL.Path, "/dev/mail/") {
			browser.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	})
}
