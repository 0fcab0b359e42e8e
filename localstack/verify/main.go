// Command verify checks every stream of an events table against its own hashes, and every
// row, total and snapshot against what the events add up to. It names the first commit of
// each stream that is not as it was written, and each row that is not as folded, and exits
// with 1 if there is one. A row that is behind its stream is no fault: it is counted.
//
// It reads the stack in DATA_DIR (.local), which has to be running; with -aws, and AWS_REGION,
// ANNALS_KMS_KEY and credentials in the environment, the tables that are deployed there.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/interview-sandbox/annals/internal/app"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	prefix := flag.String("prefix", "annals", "what the tables' names begin with")
	onAWS := flag.Bool("aws", false, "verify tables in AWS instead of the local ones")
	flag.Parse()
	ok, err := verify(ctx, *prefix, *onAWS)
	if errors.Is(err, es.ErrUnreachable) && !*onAWS {
		err = fmt.Errorf("the stack does not answer; `make run` starts it: %w", err)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "verify:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

// scans is how many parts of the table are read side by side.
const scans = 4

func verify(ctx context.Context, prefix string, onAWS bool) (ok bool, err error) {
	config, err := configOf(prefix, onAWS)
	if err != nil {
		return false, err
	}
	checker, store, err := app.Checker(config)
	if err != nil {
		return false, err
	}
	t := tally{out: os.Stdout, progress: os.Stderr, shown: time.Now()}
	if err := es.Sweep(ctx, store, scans, t.stream); err != nil {
		return false, err
	}
	t.line("verified", "%d streams, %d commits, %d bad", t.streams, t.commits, t.bad)
	all, err := checker.Check(ctx, t.fault, t.rows)
	if err != nil {
		return false, err
	}
	for _, one := range all {
		t.view(one)
	}
	return t.bad == 0, nil
}

func configOf(prefix string, onAWS bool) (app.Config, error) {
	static := func(c aws.Credentials) aws.CredentialsProvider {
		return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return c, nil })
	}
	c := app.Config{Prefix: prefix, Now: time.Now}
	if onAWS {
		c.Region, c.KMSKey = os.Getenv("AWS_REGION"), os.Getenv("ANNALS_KMS_KEY")
		c.Credentials = static(aws.Credentials{
			AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
			SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
			SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
		})
		return c, nil
	}
	c.Region, c.Credentials = "us-east-1", static(aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"})
	data := cmp.Or(os.Getenv("DATA_DIR"), ".local")
	path := filepath.Join(data, "endpoints.json")
	text, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("find the local stack, which `make run` starts and DATA_DIR says where: %w", err)
	}
	var endpoints struct{ DynamoDB string }
	if err := json.Unmarshal(text, &endpoints); err != nil {
		return c, fmt.Errorf("read %s: %w", path, err)
	}
	c.Endpoint, c.KeyFile = endpoints.DynamoDB, filepath.Join(data, "master.key")
	return c, nil
}

// tally counts what was verified and prints what is wrong.
type tally struct {
	out, progress         io.Writer
	streams, commits, bad int
	shown                 time.Time
}

func (t *tally) stream(r es.Report) {
	t.streams++
	t.commits += r.Commits
	if !r.OK() {
		t.bad++
		t.line("bad", "%s version %d: %s", r.Stream, r.FirstBad.Version, r.FirstBad.Reason)
	}
	t.show("%d streams, %d commits", t.streams, t.commits)
}

// column is what a line begins with. The longest name of a view fits, with its generation.
const column = "%-25s "

func (t *tally) line(subject, format string, args ...any) {
	fmt.Fprintf(t.out, column+format+"\n", append([]any{subject}, args...)...)
}

func (t *tally) rows(looks int) {
	t.show("%d streams, %d commits, %d looks at rows", t.streams, t.commits, looks)
}

// show shows progress, once a second.
func (t *tally) show(format string, args ...any) {
	if now := time.Now(); now.Sub(t.shown) > time.Second {
		t.shown = now
		fmt.Fprintf(t.progress, column+format+"\n", append([]any{"verifying"}, args...)...)
	}
}

func (t *tally) fault(f projection.Fault) {
	t.bad++
	t.line("bad", "%s %s: %s", name(f.Key.View, f.Key.Generation), f.Key.ID, f.Reason)
}

func (t *tally) view(c projection.Checked) {
	var more []string
	if c.Lag > 0 {
		more = append(more, fmt.Sprintf(" by up to %d", c.Lag))
	}
	if c.Unread > 0 {
		more = append(more, fmt.Sprintf(", %d of what cannot be read", c.Unread))
	}
	if c.Generation == 0 {
		t.line(c.View, "%d%s, %d bad", c.Rows, strings.Join(more, ""), c.Bad)
		return
	}
	live := ""
	if !c.Live {
		live = " (not live)"
	}
	t.line(name(c.View, c.Generation), "%d rows%s, %d behind%s, %d parked, %d bad", c.Rows, live, c.Behind, strings.Join(more, ""), c.Parked, c.Bad)
}

func name(view string, generation int) string {
	if generation == 0 {
		return view
	}
	return fmt.Sprintf("%s.%d", view, generation)
}
