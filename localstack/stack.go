package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/interview-sandbox/annals/internal/topology"
	"github.com/interview-sandbox/annals/localstack/front"
	"github.com/interview-sandbox/annals/localstack/lockfile"
	"github.com/interview-sandbox/annals/localstack/objects"
	"github.com/interview-sandbox/annals/localstack/queue"
)

const (
	prefix   = "annals" // of the tables' names
	region   = "us-east-1"
	failures = "annals-failures" // the bucket for records that a function cannot process
)

// credentials are what everything signs with. Any will do, but all the same: DynamoDB Local
// keeps tables apart by access key.
var credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: localKey, SecretAccessKey: localSecret}, nil
})

const localKey, localSecret = "local", "local"

// stack is everything that runs.
type stack struct {
	settings
	out     io.Writer
	log     *slog.Logger
	logFile io.Writer               // what log writes to, line by line
	fail    context.CancelCauseFunc // called by a part that ends before its time
	objects *objects.Store
	queues  queue.Server
	closers []func() error // in the order of starting
}

// run starts the stack, waits until ctx ends or a part fails, and stops it. The error is
// nil if it was ctx. restore lets a second signal do what signals do by default.
func run(ctx context.Context, restore func(), c settings, out io.Writer) error {
	running, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	s := &stack{settings: c, out: out, fail: fail}
	api, err := s.start(running)
	if err == nil {
		fmt.Fprintln(out, "listening on "+api)
		<-running.Done()
		err = context.Cause(running)
	}
	if ctx.Err() != nil {
		restore()
		s.say("stopping", "what is under way finishes first; a second signal ends it at once")
		err = nil
	}
	return errors.Join(err, s.stop())
}

// start starts every part, each when those that it needs are there, and returns where the
// API listens.
func (s *stack) start(ctx context.Context) (string, error) {
	if err := s.openDataDir(); err != nil {
		return "", err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+s.port)
	if err != nil {
		return "", fmt.Errorf("listen on port %s, which PORT can change: %w", s.port, err)
	}
	s.onStop(listener.Close)
	dynamodb, err := s.startDynamoDB(ctx)
	if err != nil {
		return "", err
	}
	s3, err := s.openS3()
	if err != nil {
		return "", err
	}
	sqs, err := s.listenSQS()
	if err != nil {
		return "", err
	}
	ses, err := s.listenSES()
	if err != nil {
		return "", err
	}
	at := endpoints{
		API: "http://" + listener.Addr().String(), DynamoDB: dynamodb,
		S3: "http://" + s3.Addr().String(), SQS: "http://" + sqs.Addr().String(), SES: "http://" + ses.Addr().String(),
	}
	config := s.config(at)
	functions, err := s.deploy(ctx, config)
	if err != nil {
		return "", err
	}
	if err := s.writeEnvironment(ctx, config); err != nil {
		return "", err
	}
	s.startSES(ses, functions)
	if err := s.startQueues(sqs, functions); err != nil {
		return "", err
	}
	s.serveS3(s3)
	if err := s.startSources(ctx, dynamodb, functions); err != nil {
		return "", err
	}
	s.startSchedules(functions)
	if err := s.writeEndpoints(at); err != nil {
		return "", err
	}
	s.serve(listener, s.withMails(front.New(topology.Routes(), functions, s.log)))
	return at.API, nil
}

// openDataDir makes the folder this stack's own.
func (s *stack) openDataDir() error {
	if err := os.MkdirAll(s.dataDir, 0o700); err != nil {
		return fmt.Errorf("make DATA_DIR: %w", err)
	}
	lock, err := lockfile.Acquire(s.file("lock"))
	if errors.Is(err, lockfile.ErrTaken) {
		return fmt.Errorf("another stack is running on %s; stop it first, or set DATA_DIR to another folder", s.dataDir)
	}
	if err != nil {
		return err
	}
	s.onStop(lock.Close)
	log, err := os.OpenFile(s.file("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	s.onStop(log.Close)
	s.logFile, s.log = log, slog.New(slog.NewJSONHandler(log, nil))
	s.say("data", "in %s; functions log to %s", s.dataDir, s.file("log"))
	return nil
}

// Limits of a connection. Writing may take as long as reading, an authorizer, an
// integration, and a slow client together.
const (
	readLimit  = time.Minute
	writeLimit = 2 * time.Minute
	endLimit   = 10 * time.Second // for requests under way when the stack is told to end
	maxHeader  = 64 << 10         // so that the front, which allows less, gives its own answer
)

// serve serves HTTP until the stack stops, and then until what is under way has finished.
func (s *stack) serve(listener net.Listener, handler http.Handler) {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       readLimit,
		WriteTimeout:      writeLimit,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.fail(fmt.Errorf("serve HTTP: %w", err))
		}
	}()
	s.onStop(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), endLimit)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		return server.Close() // on those who have not sent their whole request by now
	})
}

func (s *stack) onStop(close func() error) { s.closers = append(s.closers, close) }

// stop stops every part, in the opposite order of their starting.
func (s *stack) stop() error {
	var all []error
	for len(s.closers) > 0 {
		last := len(s.closers) - 1
		if err := s.closers[last](); err != nil && !errors.Is(err, net.ErrClosed) {
			all = append(all, err)
		}
		s.closers = s.closers[:last]
	}
	return errors.Join(all...)
}

// say tells the terminal what is being done.
func (s *stack) say(part, format string, args ...any) {
	fmt.Fprintf(s.out, "%-10s "+format+"\n", append([]any{part}, args...)...)
}

func (s *stack) file(name string) string { return filepath.Join(s.dataDir, name) }
