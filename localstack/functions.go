package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/interview-sandbox/annals/internal/app"
	"github.com/interview-sandbox/annals/internal/app/all"
	"github.com/interview-sandbox/annals/internal/sandbox"
	"github.com/interview-sandbox/annals/internal/topology"
	"github.com/interview-sandbox/annals/localstack/function"
)

// config is what every function is built with.
func (s *stack) config(at endpoints) app.Config {
	return app.Config{
		Prefix:       prefix,
		Region:       region,
		Endpoint:     at.DynamoDB,
		Credentials:  credentials,
		KeyFile:      s.file("master.key"),
		SigningFiles: s.signingFiles(),
		S3:           at.S3,
		SES:          at.SES,
		Queues:       urls(at.SQS),
		Buckets:      bucketNames(),
		Payments:     app.Payments{SandboxHook: at.API + "/payments/webhooks/" + sandbox.Name},
		MailFrom:     "Annals <annals@localhost>",
		PublicURL:    cmp.Or(s.publicURL, at.API),
		Now:          time.Now,
		Rand:         rand.Reader,
		Log:          s.log,
		Exporter:     s.exporter,
	}
}

func (s *stack) signingFiles() (paths []string) {
	for _, name := range s.signing {
		paths = append(paths, s.file(filepath.Join("signing", name+".pem")))
	}
	return paths
}

// deploy builds every function of the topology, each with a handler that shares nothing with
// another's, as in Lambda, and opens the operator's account.
func (s *stack) deploy(ctx context.Context, config app.Config) (map[string]lambda.Handler, error) {
	if err := s.openOperator(ctx, config); err != nil {
		return nil, err
	}
	dynamodb, err := s.enforceGrants(config.Endpoint)
	if err != nil {
		return nil, err
	}
	if s.programs != "" {
		return s.deployPrograms(ctx, config, dynamodb)
	}
	builds, deployed := all.Functions(), map[string]lambda.Handler{}
	var names []string
	var counting []*app.Counted
	for _, declared := range topology.Functions() {
		build, ok := builds[declared.Name]
		if !ok {
			return nil, fmt.Errorf("function %s is in the topology, but not in the app", declared.Name)
		}
		config.Endpoint = dynamodb + "/" + declared.Name
		handler, err := build(ctx, config)
		if err != nil {
			return nil, fmt.Errorf("build function %s: %w", declared.Name, err)
		}
		deployed[declared.Name] = function.New(declared, handler)
		counting = append(counting, handler)
		names = append(names, declared.Name)
	}
	s.say("functions", "%s", strings.Join(names, ", "))
	s.storeStats(counting)
	return deployed, nil
}

// storeStats stores what functions have counted every second, and for the last time when
// all of them have finished: there is no next invocation that would do it if nothing more
// happens.
func (s *stack) storeStats(functions []*app.Counted) {
	store := func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		for _, f := range functions {
			if err := f.StoreStats(ctx); err != nil {
				s.log.Warn("numbers are not stored yet", "error", err.Error())
			}
		}
	}
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer store()
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				store()
			case <-stop:
				return
			}
		}
	}()
	s.onStop(func() error {
		close(stop)
		<-ended
		return nil
	})
}
