package app

import (
	"context"
	"fmt"
	"sync"
	"testing"
)

func TestAHandlerAnswersRequestsSideBySide(t *testing.T) {
	h := handler[int, []int](func(_ context.Context, n int) ([]int, error) {
		out := make([]int, 1000)
		for i := range out {
			out[i] = n
		}
		return out, nil
	})
	want := func(n int) string {
		out, err := h.Invoke(t.Context(), []byte(fmt.Sprint(n)))
		if err != nil {
			t.Error(err)
		}
		return string(out)
	}
	alone := []string{want(1), want(2)}
	var wg sync.WaitGroup
	for range 50 {
		for i, expected := range alone {
			wg.Go(func() {
				if got := want(i + 1); got != expected {
					t.Errorf("answer of %d bytes differs from %d bytes", len(got), len(expected))
				}
			})
		}
	}
	wg.Wait()
	if _, err := h.Invoke(t.Context(), []byte(`"x"`)); err == nil {
		t.Error("a payload of the wrong type was taken")
	}
}
