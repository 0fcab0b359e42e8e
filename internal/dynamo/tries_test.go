package dynamo_test

import (
	"slices"
	"testing"

	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es/estest"
)

func TestTriesAreCountedUnderEachName(t *testing.T) {
	tries := &dynamo.Tries{Client: client(), Table: "annals-tries"}
	expect := func(want ...int) {
		t.Helper()
		if got, err := tries.Wrong(t.Context(), "a", "b", "c"); err != nil || !slices.Equal(got, want) {
			t.Errorf("got %v, error %v, want %v", got, err, want)
		}
	}
	expect(0, 0, 0)
	for _, names := range [][]string{{"a", "b"}, {"b"}, {"b", "c"}} {
		if err := tries.Add(t.Context(), estest.Now, names...); err != nil {
			t.Fatal(err)
		}
	}
	expect(1, 3, 1)
}
