package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/stats"
	"github.com/interview-sandbox/annals/internal/stats/statstest"
)

func TestAnInvocationIsAnsweredThoughItsNumbersCannotBeStored(t *testing.T) {
	var log bytes.Buffer
	store, now := new(statstest.Memory), func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	broken := errors.New("broken")
	c := &Counted{
		Handler: handler[int, int](func(ctx context.Context, n int) (int, error) {
			stats.From(ctx).Answered(true, 200, false)
			if n == 2 {
				return 0, broken
			}
			return n, nil
		}),
		recorder: &stats.Recorder{Store: store, Function: "f", Now: now},
		now:      now, rand: rand.Reader, log: slog.New(slog.NewJSONHandler(&log, nil)),
	}
	store.Fail(true)
	if out, err := c.Invoke(t.Context(), []byte("1")); string(out) != "1" || err != nil {
		t.Errorf("got %s, error %v", out, err)
	}
	if !strings.Contains(log.String(), statstest.ErrInjected.Error()) {
		t.Errorf("the log is %s", &log)
	}
	if _, err := c.Invoke(t.Context(), []byte("2")); err != broken {
		t.Errorf("got error %v", err)
	}
	store.Fail(false)
	if err := c.StoreStats(t.Context()); err != nil {
		t.Fatal(err)
	}
	sum, err := (&stats.Reader{Store: store, Functions: []string{"f"}}).Summary(t.Context(), now(), now())
	if err != nil || sum.Commands != 2 {
		t.Errorf("%+v, error %v", sum, err)
	}
}

func TestAnAnswerAtTheLastMomentDoesNotWaitForItsNumbers(t *testing.T) {
	store := new(statstest.Memory)
	c := &Counted{
		Handler: handler[int, int](func(ctx context.Context, n int) (int, error) {
			stats.From(ctx).Answered(true, 200, false)
			return n, nil
		}),
		recorder: &stats.Recorder{Store: store, Function: "f", Now: time.Now}, now: time.Now, rand: rand.Reader, log: slog.New(slog.DiscardHandler),
	}
	for want, left := range []time.Duration{storing, time.Minute} {
		ctx, cancel := context.WithTimeout(t.Context(), left)
		defer cancel()
		if out, err := c.Invoke(ctx, []byte("1")); string(out) != "1" || err != nil || store.Adds() != want {
			t.Errorf("with %v left: got %s, error %v, stored %d times", left, out, err, store.Adds())
		}
	}
}
