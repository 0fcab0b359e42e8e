// Package trust_test shows that the write side loses, doubles and reorders nothing. Many
// writers use the real executor, store and SDK against a real database, over a network that
// fails in the ways that networks and DynamoDB do.
//
//	go test -race ./internal/dynamo/trust
//	go test -race ./internal/dynamo/trust -trials 200 -commands 100000 -rapid.checks 1000 -timeout 60m
//	go test -race ./internal/dynamo/trust -run TheTestThatFailed -seed 42 -trials 20
//
// A seed repeats what the writers do and which of their requests fail. How the writers
// overlap is up to the machine, so a rare failure may take some trials of its seed. The
// model test takes its seeds as -rapid.seed.
package trust_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/localstack/dynoxide"
	"github.com/interview-sandbox/annals/localstack/tables"
)

var (
	trials   = flag.Int("trials", 10, "how often each test with a random history is run")
	commands = flag.Int("commands", 3000, "how many commands have to take effect exactly once")
	seed     = flag.Uint64("seed", 0, "the seed of every trial; 0 takes a new one each time")
)

const (
	eventsTable    = "annals-events"
	snapshotsTable = "annals-snapshots"
)

// What all tests share.
var (
	settings dynamo.Settings // of the server
	clean    *dynamo.Store   // the store without any faults
)

func TestMain(m *testing.M) {
	set("rapid.checks", "30")
	set("rapid.nofailfile", "true") // the seed is enough
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func set(name, value string) {
	if err := flag.Set(name, value); err != nil {
		panic(err)
	}
}

func run(m *testing.M) (int, error) {
	ctx := context.Background()
	server, err := dynoxide.Start(ctx, dynoxide.Options{})
	if err != nil {
		return 0, err
	}
	defer server.Stop()
	settings = dynamo.Settings{Region: "us-east-1", Endpoint: server.URL(), Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
	})}
	clean = &dynamo.Store{Client: dynamo.NewClient(settings), Table: eventsTable}
	if err := tables.Create(ctx, clean.Client, "annals"); err != nil {
		return 0, err
	}
	if err := tables.StopStreams(ctx, clean.Client, "annals"); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// eachTrial runs a test once for each of the seeds, some at a time; a failure names its seed.
// It returns when all are done.
func eachTrial(t *testing.T, check func(t *testing.T, seed uint64)) {
	t.Run("trials", func(t *testing.T) {
		for range *trials {
			s := *seed
			if s == 0 {
				s = rand.Uint64()
			}
			t.Run(fmt.Sprintf("seed %d", s), func(t *testing.T) {
				t.Parallel()
				check(t, s)
			})
		}
	})
}
