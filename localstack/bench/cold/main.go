// Cold measures cold starts: every function, and a bare one beside them, as a process over the
// Lambda Runtime API, again and again in random order, as what ran just before makes a start faster
// or slower. It prints medians and their ratios to the bare one, writes all to a file, and fails if
// what is promised does not hold.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/interview-sandbox/annals/internal/topology"
	"github.com/interview-sandbox/annals/localstack/runtime"
)

// hello is the bare function.
const hello = "hello"

func main() {
	programs := flag.String("programs", "build/native", "the `folder` of the functions' programs")
	runs := flag.Int("runs", 60, "how often each function is started")
	out := flag.String("out", "build/bench-cold.json", "the `file` that all numbers go to")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *programs, *runs, *out); err != nil {
		fmt.Fprintln(os.Stderr, "bench-cold:", err)
		os.Exit(1)
	}
}

// row is what was measured of one function, in medians.
type row struct {
	Function string  `json:"function"`
	InitMS   float64 `json:"initMs"`            // what Go spends on initialising packages (GODEBUG=inittrace=1)
	StartMS  float64 `json:"startMs"`           // from the start of the process to its first poll
	FirstMS  float64 `json:"firstMs"`           // the first invocation
	WarmMS   float64 `json:"warmMs"`            // the second one
	MemoryMB float64 `json:"memoryMb,omitzero"` // the most that was resident; Linux alone tells
	ZipMB    float64 `json:"zipMb"`             // of this machine's program

	init, start, first, warm, memory []float64
}

func run(ctx context.Context, programs string, runs int, out string) error {
	w, err := openWorld(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	rows := []*row{{Function: hello}}
	for _, f := range topology.Functions() {
		rows = append(rows, &row{Function: f.Name})
	}
	if programs, err = w.unpack(programs, rows); err != nil {
		return err
	}
	for i := range runs {
		fmt.Fprintf(os.Stderr, "\rrun %d of %d ", i+1, runs)
		for _, n := range rand.Perm(len(rows)) {
			if err := w.measure(ctx, programs, rows[n]); err != nil {
				return fmt.Errorf("%s: %w", rows[n].Function, err)
			}
		}
	}
	fmt.Fprintln(os.Stderr)
	for _, r := range rows {
		r.InitMS, r.StartMS, r.FirstMS, r.WarmMS, r.MemoryMB = median(r.init), median(r.start), median(r.first), median(r.warm), median(r.memory)
		if r.ZipMB, err = zipped(filepath.Join(programs, r.Function)); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(rows, "", "  ")
	if err == nil {
		err = os.WriteFile(out, append(text, '\n'), 0o644)
	}
	if err != nil {
		return err
	}
	print(rows, runs)
	fmt.Printf("\nall numbers: %s\n", out)
	return judge(rows)
}

// measure starts a function, invokes it twice and ends it, and then starts it once more to have
// Go tell of its packages, which takes time of its own.
func (w *world) measure(ctx context.Context, programs string, r *row) error {
	f := w.functions[r.Function]
	f.Program = filepath.Join(programs, r.Function)
	f.Print, f.Log = func([]byte) {}, slog.New(slog.DiscardHandler)
	begun := time.Now()
	e, err := runtime.Start(ctx, f)
	if err != nil {
		return err
	}
	r.start = append(r.start, ms(begun))
	for n, into := range []*[]float64{&r.first, &r.warm} {
		payload, err := w.events[r.Function](n)
		if err != nil {
			return err
		}
		invocation, cancel := context.WithTimeout(ctx, 30*time.Second)
		invocation = lambdacontext.NewContext(invocation, &lambdacontext.LambdaContext{AwsRequestID: fmt.Sprintf("r-%d", n), InvokedFunctionArn: "arn:aws:lambda:us-east-1:000000000000:function:" + r.Function})
		begun := time.Now()
		answer, err := e.Invoke(invocation, payload)
		*into = append(*into, ms(begun))
		cancel()
		if err == nil {
			err = w.wanted(r.Function, answer)
		}
		if err != nil {
			e.Stop()
			return err
		}
	}
	if mb, ok := resident(e.Pid()); ok {
		r.memory = append(r.memory, mb)
	}
	e.Stop()
	var spent float64
	f.Env = append(slices.Clone(f.Env), "GODEBUG=inittrace=1")
	f.Print = func(line []byte) {
		var name string
		var at, took float64
		if n, _ := fmt.Sscanf(string(line), "init %s @%f ms, %f ms clock", &name, &at, &took); n == 3 {
			spent += took
		}
	}
	if e, err = runtime.Start(ctx, f); err != nil {
		return err
	}
	e.Stop() // by then all that it printed has been read
	r.init = append(r.init, spent)
	return nil
}

func ms(since time.Time) float64 { return float64(time.Since(since).Microseconds()) / 1000 }

func median(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func print(rows []*row, runs int) {
	bare := rows[0]
	fmt.Printf("Cold starts, medians of %d, and times those of a bare function\n", runs)
	fmt.Printf("%-22s | packages |  start to poll |       first |    warm |       memory |          zip\n", "")
	for _, r := range rows {
		fmt.Printf("%-22s | %5.1f ms | %5.1f ms %5.2fx | %8.1f ms | %4.1f ms | %3.0f MB %5.2fx | %.1f MB %4.1fx\n", r.Function, r.InitMS,
			r.StartMS, r.StartMS/bare.StartMS, r.FirstMS, r.WarmMS, r.MemoryMB, r.MemoryMB/max(bare.MemoryMB, 1), r.ZipMB, r.ZipMB/bare.ZipMB)
	}
}

// promised is how many times as long as the bare function these may take to their first poll.
const promised = 1.5

func judge(rows []*row) (all error) {
	for _, r := range rows {
		if ratio := r.StartMS / rows[0].StartMS; ratio > promised && (r.Function == "command-auth" || r.Function == "projector") {
			all = errors.Join(all, fmt.Errorf("%s takes %.2f times as long to its first poll as a bare function; at most %.1f is promised", r.Function, ratio, promised))
		}
	}
	return all
}
