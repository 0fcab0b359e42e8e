package dynamo_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es/estest"
)

func TestTriesAreCountedUnderEachName(t *testing.T) {
	tries := &dynamo.Tries{Client: client(), Table: "annals-tries"}
	until := estest.Now.Add(time.Hour).Truncate(time.Second)
	for _, step := range []struct {
		counts []api.Count
		want   []int
	}{
		{[]api.Count{{Name: "a", N: 1, Until: until}, {Name: "b", N: 1, Until: until}}, []int{1, 1}},
		{[]api.Count{{Name: "b", N: 1, Until: until}, {Name: "c", N: 1, Until: until}}, []int{2, 1}},
		{[]api.Count{{Name: "c", N: -1, Until: until}, {Name: "b", N: -1, Until: until}}, []int{0, 1}},
		{nil, []int{}},
	} {
		if got, err := tries.Add(t.Context(), step.counts...); err != nil || !slices.Equal(got, step.want) {
			t.Errorf("%v: got %v, error %v, want %v", step.counts, got, err, step.want)
		}
	}
	if got, err := tries.Until(t.Context(), "a"); err != nil || !got.Equal(until) {
		t.Errorf("kept until %v, error %v, want %v", got, err, until)
	}
	if got, err := tries.Until(t.Context(), "nothing"); err != nil || !got.IsZero() {
		t.Errorf("what there is not is kept until %v, error %v", got, err)
	}
}

func TestOfManyUsesAtTheSameMomentOnlyThoseThatALimitHasRoomForPass(t *testing.T) {
	limiter := &api.Limiter{Tries: &dynamo.Tries{Client: client(), Table: "annals-tries"}, Now: func() time.Time { return estest.Now }}
	limit := api.Limit{What: "tries at the same moment", Most: 10, Window: time.Hour}
	var passed atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if limiter.Take(t.Context(), limiter.Use(limit, "somebody")) == nil {
				passed.Add(1)
			}
		})
	}
	wg.Wait()
	if passed.Load() != 10 {
		t.Errorf("%d passed", passed.Load())
	}
}
