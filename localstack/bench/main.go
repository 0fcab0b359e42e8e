// Bench measures what the design promises, on a DynamoDB on this machine: what commands cost
// beside two common designs, how fast aggregates fold and come back, and how appends scale.
// It prints ratios, writes all numbers to a file and draws one of them, and fails if what
// has to hold does not.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

func main() {
	out := flag.String("out", "build/bench.json", "the `file` that all numbers go to")
	plot := flag.String("plot", "build/cold-load.svg", "the `file` that the plot of cold loads goes to")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *out, *plot); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out, plot string) error {
	r, err := measure(ctx)
	if err != nil {
		return err
	}
	numbers, err := r.json()
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{out: numbers, plot: draw(r.Loads)} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, content, 0o644); err != nil {
			return err
		}
	}
	r.print(os.Stdout)
	fmt.Printf("\nall numbers: %s, the plot: %s\n", out, plot)
	return r.judge()
}

func measure(ctx context.Context) (r report, err error) {
	r.Go, r.Cores = runtime.Version(), runtime.NumCPU()
	progress("starting dynoxide")
	e, err := startEngine(ctx)
	if err != nil {
		return r, err
	}
	defer e.server.Stop()
	r.Folds = measureFolds()
	if r.Commands, err = measureCommands(ctx, e); err != nil {
		return r, err
	}
	if r.Appends, err = measureAppends(ctx, e); err != nil {
		return r, err
	}
	r.Loads, err = measureLoads(ctx, e)
	return r, err
}

var begun = time.Now()

// progress says on stderr what is going on, and since when.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%4.0fs  %s\n", time.Since(begun).Seconds(), fmt.Sprintf(format, args...))
}
