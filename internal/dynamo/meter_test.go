package dynamo_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/stats"
	"github.com/interview-sandbox/annals/internal/trace"
)

func TestEveryRequestCostsWhatTheDesignSays(t *testing.T) {
	s := store()
	for _, step := range []struct {
		name string
		do   func(context.Context) error
		want stats.Cost
	}{
		{"append to one stream", func(ctx context.Context) error { return s.Append(ctx, commit(t, "user#price")) }, stats.Cost{RoundTrips: 1, WriteUnits: 1}},
		{"append to two streams", func(ctx context.Context) error {
			return s.Append(ctx, commit(t, "user#price-2"), commit(t, "email#price-2"))
		}, stats.Cost{RoundTrips: 1, WriteUnits: 4}},
		{"read a short stream", func(ctx context.Context) error { return drain(ctx, s, "user#price") }, stats.Cost{RoundTrips: 1, ReadUnits: 1}},
		{"read no stream", func(ctx context.Context) error { return drain(ctx, s, "user#nobody") }, stats.Cost{RoundTrips: 1, ReadUnits: 1}},
		{"search", func(ctx context.Context) error {
			_, _, err := s.Search(ctx, es.Filter{Prefix: "user#price"}, es.Place{}, 1)
			return err
		}, stats.Cost{RoundTrips: 1, ReadUnits: 0.5}},
	} {
		ctx, record := stats.Begin(t.Context())
		if err := step.do(ctx); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if got := record.Cost(); got != step.want {
			t.Errorf("%s cost %+v, want %+v", step.name, got, step.want)
		}
	}
}

func TestARequestIsASpanIfThereAreAny(t *testing.T) {
	s := store()
	sampled, _ := trace.Parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	for _, traced := range []bool{false, true} {
		ctx, record := stats.Begin(t.Context())
		if traced {
			record.Trace(time.Now)
		}
		stream := es.NewStream("user", fmt.Sprintf("traced-%v", traced))
		if err := s.Append(ctx, commit(t, stream)); err != nil {
			t.Fatal(err)
		}
		if err := s.Append(ctx, named(t, stream, "another")); !errors.Is(err, es.ErrConflict) {
			t.Fatalf("got %v, want a conflict", err)
		}
		calls := record.Spans("f", stats.Run{Context: sampled}, rand.Reader)[1:]
		if !traced && len(calls) != 0 || traced && len(calls) != 2 {
			t.Fatalf("traced: %v, and there are the calls %+v", traced, calls)
		}
		for i, call := range calls {
			if call.Name != "DynamoDB.PutItem" || call.Kind != trace.Client || call.Failed != (i == 1) || call.Begun.IsZero() || call.Ended.Before(call.Begun) {
				t.Errorf("call %d is %+v", i, call)
			}
		}
	}
}

func drain(ctx context.Context, s es.Store, stream es.Stream) error {
	for _, err := range s.Read(ctx, stream, es.Range{}) {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestACommitNearTheLimitOfAnItemIsRefusedWithoutARequest(t *testing.T) {
	ctx, record := stats.Begin(t.Context())
	p := named(t, "user#large", strings.Repeat("x", es.MaxCommitBytes))
	if err := store().Append(ctx, p); err == nil || record.Cost().RoundTrips != 0 {
		t.Errorf("got error %v after %d requests, want a refusal without any", err, record.Cost().RoundTrips)
	}
}

func TestTheLargestCommitThatIsNotRefusedFitsAnItem(t *testing.T) {
	p := named(t, "user#largest", strings.Repeat("x", es.MaxCommitBytes-500))
	if err := store().Append(t.Context(), p); err != nil {
		t.Errorf("got %v, want success", err)
	}
}
