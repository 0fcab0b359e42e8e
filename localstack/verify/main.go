// Command verify checks every stream of an events table against its own hashes and names
// the first commit of each that is not as it was written. It exits with 1 if there is one.
//
// It reads the stack in DATA_DIR (.local), which has to be running; with AWS_REGION and
// credentials in the environment and -aws, the table that is deployed there.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	table := flag.String("table", "annals-events", "name of the events table")
	onAWS := flag.Bool("aws", false, "verify a table in AWS instead of the local one")
	flag.Parse()
	ok, err := verify(ctx, *table, *onAWS)
	if err != nil {
		fmt.Fprintln(os.Stderr, "verify:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

// scans is how many parts of the table are read side by side.
const scans = 4

func verify(ctx context.Context, table string, onAWS bool) (ok bool, err error) {
	settings, err := settingsOf(onAWS)
	if err != nil {
		return false, err
	}
	store := &dynamo.Store{Client: dynamo.NewClient(settings), Table: table}
	tally := tally{out: os.Stdout, progress: os.Stderr, shown: time.Now()}
	if err := es.Sweep(ctx, store, scans, tally.add); err != nil {
		return false, err
	}
	return tally.end(), nil
}

func settingsOf(onAWS bool) (dynamo.Settings, error) {
	static := func(c aws.Credentials) aws.CredentialsProvider {
		return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return c, nil })
	}
	if onAWS {
		return dynamo.Settings{Region: os.Getenv("AWS_REGION"), Credentials: static(aws.Credentials{
			AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
			SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
			SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
		})}, nil
	}
	s := dynamo.Settings{Region: "us-east-1", Credentials: static(aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"})}
	path := filepath.Join(cmp.Or(os.Getenv("DATA_DIR"), ".local"), "endpoints.json")
	text, err := os.ReadFile(path)
	if err != nil {
		return s, fmt.Errorf("find the local stack, which `make run` starts and DATA_DIR says where: %w", err)
	}
	var endpoints struct{ DynamoDB string }
	if err := json.Unmarshal(text, &endpoints); err != nil {
		return s, fmt.Errorf("read %s: %w", path, err)
	}
	s.Endpoint = endpoints.DynamoDB
	return s, nil
}

// tally counts what was verified and prints what is wrong.
type tally struct {
	out, progress         io.Writer
	streams, commits, bad int
	shown                 time.Time
}

func (t *tally) add(r es.Report) {
	t.streams++
	t.commits += r.Commits
	if !r.OK() {
		t.bad++
		fmt.Fprintf(t.out, "bad        %s version %d: %s\n", r.Stream, r.FirstBad.Version, r.FirstBad.Reason)
	}
	if now := time.Now(); now.Sub(t.shown) > time.Second {
		t.shown = now
		fmt.Fprintf(t.progress, "verifying  %d streams, %d commits\n", t.streams, t.commits)
	}
}

func (t *tally) end() (ok bool) {
	fmt.Fprintf(t.out, "verified   %d streams, %d commits, %d bad\n", t.streams, t.commits, t.bad)
	return t.bad == 0
}
