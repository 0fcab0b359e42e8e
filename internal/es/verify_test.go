package es_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
)

func TestAStreamThatLacksTheNextCommitAWitnessHasSeenIsCutOff(t *testing.T) {
	store, _ := grown(t, 3, 0)
	if r, err := es.Verify(t.Context(), store, "user#1", es.Witness{Version: 3}); err != nil || !r.OK() {
		t.Errorf("as far as was seen: %+v %v", r.FirstBad, err)
	}
	if r, err := es.Verify(t.Context(), store, "user#1", es.Witness{Version: 4}); err != nil || r.OK() || r.FirstBad.Version != 4 {
		t.Errorf("one more was seen: %+v %v", r, err)
	}
}

func TestACommitOlderThanTheOneBeforeItDoesNotFitWhateverItsHash(t *testing.T) {
	store, _ := grown(t, 3, 0)
	commits := all(t, store)
	commits[2].At = commits[1].At.Add(-time.Second)
	commits[2].Hash = commits[2].ComputeHash()
	if r, err := es.Verify(t.Context(), &recorded{commits: commits}, "user#1"); err != nil || r.OK() || r.FirstBad.Version != 3 {
		t.Errorf("%+v %v", r, err)
	}
}

// torn is a store whose scan has missed a stream's first commit, which its reads have.
type torn struct{ *estest.Memory }

func (s torn) Scan(ctx context.Context, part, parts int, after []byte) iter.Seq2[es.Page, error] {
	return func(yield func(es.Page, error) bool) {
		for page, err := range s.Memory.Scan(ctx, part, parts, after) {
			page.Commits = page.Commits[1:]
			if !yield(page, err) {
				return
			}
		}
	}
}

func TestASweepBelievesAStreamMoreThanTheScanOfIt(t *testing.T) {
	store, _ := grown(t, 3, 0)
	reports := 0
	err := es.Sweep(t.Context(), torn{store}, 1, func(r es.Report) {
		if reports++; !r.OK() || r.Commits != 3 {
			t.Errorf("report %+v", r)
		}
	})
	if err != nil || reports != 1 {
		t.Errorf("%d reports, error %v", reports, err)
	}
}
