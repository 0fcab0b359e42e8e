package projection_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/projection/projectiontest"
)

// bench is a rebuilder with some streams and a clock that is set by hand.
type bench struct {
	*projection.Rebuilder
	t      *testing.T
	memory *projectiontest.Memory
	now    time.Time
	ids    int
}

const benchStreams = 5

func newBench(t *testing.T) *bench {
	b := &bench{t: t, memory: new(projectiontest.Memory), now: estest.Now}
	clock := func() time.Time { return b.now }
	b.memory.Now = clock
	store := new(estest.Memory)
	b.Rebuilder = &projection.Rebuilder{
		Projector: &projection.Projector{
			Store: store, Rows: b.memory, Parked: b.memory, Generations: b.memory, Now: clock,
			Projections: []projection.Projection{&newBuild(true).trail, projection.Rebuilds},
		},
		Executor: &es.Executor{Repository: es.Repository{Store: store}, Now: clock},
		Scanner:  store, Parts: b.memory, Queue: b.memory,
	}
	for i := range benchStreams {
		p, err := es.StartOf(es.NewStream("user", fmt.Sprint(i))).Next(es.Meta{CommandID: fmt.Sprint(i)}, estest.Now, events.UserNameChanged{New: "x"})
		if err == nil {
			err = store.Append(t.Context(), p)
		}
		if failed := b.Project(t.Context(), []es.Commit{p.Commit()}); err != nil || len(failed) > 0 {
			t.Fatal(err, failed)
		}
	}
	return b
}

func (b *bench) meta() es.Meta { b.ids++; return es.Meta{CommandID: fmt.Sprint("command ", b.ids)} }

func (b *bench) start() {
	b.t.Helper()
	if _, err := b.Start(b.t.Context(), b.meta(), nil, "trail"); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) cancel() {
	b.t.Helper()
	if _, err := b.Cancel(b.t.Context(), b.meta(), nil, "trail"); err != nil {
		b.t.Fatal(err)
	}
}

// build does every part of a rebuild.
func (b *bench) build() {
	b.t.Helper()
	for part := range projection.Parts {
		b.do(projection.Task{Do: projection.Build, View: "trail", Part: part}, time.Hour)
	}
}

func (b *bench) do(t projection.Task, time time.Duration) {
	b.t.Helper()
	if err := b.Do(b.t.Context(), t, b.now.Add(time)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) purge(time time.Duration) {
	b.t.Helper()
	b.do(projection.Task{Do: projection.Purge, View: "trail"}, time)
}

// meanwhile does something once, when the next write is about to happen.
func (b *bench) meanwhile(do func()) {
	b.memory.Fail = func(bool) error {
		b.memory.Fail = nil
		do()
		return nil
	}
}

func (b *bench) generations() projection.Generations {
	b.t.Helper()
	all, err := b.memory.LoadGenerations(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return all["trail"]
}

// rows counts the rows of a generation.
func (b *bench) rows(generation int) (n int) {
	b.t.Helper()
	for i := range benchStreams {
		var row []string
		stored, err := b.memory.Load(b.t.Context(), projection.Key{View: "trail", Generation: generation, ID: fmt.Sprint(i)}, &row, true)
		if err != nil {
			b.t.Fatal(err)
		}
		if stored.Version > 0 {
			n++
		}
	}
	return n
}

func TestAGenerationThatWasGivenUpIsPurgedWhenNobodyCanWriteToItAnyMore(t *testing.T) {
	b := newBench(t)
	b.start()
	b.build()
	b.cancel()
	for _, c := range []struct{ wait, left int }{{9, benchStreams}, {2, 0}} {
		b.now = b.now.Add(time.Duration(c.wait) * time.Minute)
		b.purge(time.Hour)
		if n := b.rows(2); n != c.left || b.rows(1) != benchStreams {
			t.Errorf("%d minutes later %d rows are left, want %d; of the live generation %d", c.wait, n, c.left, b.rows(1))
		}
	}
	if g := b.generations(); g.DroppedAt != 0 || len(b.memory.Holds("trail", g.Dropped)) > 0 {
		t.Errorf("after the purge: %+v, %v", g, b.memory.Holds("trail", g.Dropped))
	}
}

func TestAPurgeGoesOnWhereItsTimeWasUp(t *testing.T) {
	b := newBench(t)
	b.start()
	b.build()
	b.cancel()
	b.now = b.now.Add(11 * time.Minute)
	for range 100 {
		before := b.rows(2)
		b.purge(0) // one page
		if before-b.rows(2) > 2 {
			t.Fatalf("at one go %d rows became %d", before, b.rows(2))
		}
		if b.generations().DroppedAt == 0 {
			return
		}
	}
	t.Errorf("100 pages later %d rows are left", b.rows(2))
}

func TestWhatBeginsDuringAPurgeIsLeftAlone(t *testing.T) {
	b := newBench(t)
	b.start()
	b.build()
	b.cancel()
	b.now = b.now.Add(11 * time.Minute)
	b.meanwhile(func() {
		b.start()
		b.build()
	})
	b.purge(time.Hour)
	if b.rows(1) != benchStreams || b.rows(2) != 0 || b.rows(3) != benchStreams {
		t.Errorf("rows: %d live, %d given up, %d begun during the purge", b.rows(1), b.rows(2), b.rows(3))
	}
	if g := b.generations(); g.DroppedAt != 0 || g.Other != 3 {
		t.Errorf("generations: %+v", g)
	}
}

func TestWhatIsGivenUpDuringAPurgeIsPurgedLater(t *testing.T) {
	b := newBench(t)
	b.start()
	b.build()
	b.start() // gives generation 2 up
	b.build()
	b.now = b.now.Add(11 * time.Minute)
	b.meanwhile(b.cancel)
	b.purge(time.Hour)
	if b.rows(2) != 0 || b.generations().DroppedAt == 0 {
		t.Errorf("rows of the first: %d; generations: %+v", b.rows(2), b.generations())
	}
	b.now = b.now.Add(11 * time.Minute)
	b.purge(time.Hour)
	if g := b.generations(); b.rows(3) != 0 || b.rows(1) != benchStreams || g.DroppedAt != 0 {
		t.Errorf("rows of the second: %d, live: %d; generations: %+v", b.rows(3), b.rows(1), g)
	}
}

func TestAWorkerWhoseTimeIsUpHandsItsPartOn(t *testing.T) {
	b := newBench(t)
	b.start()
	for done := 0; ; done++ {
		task, ok, _ := b.memory.Take(func(int) int { return 0 })
		if !ok {
			break
		}
		if task.Do == projection.Build {
			b.do(task, 0) // one page
		}
		if done > 100 {
			t.Fatal("the tasks come to no end")
		}
	}
	if g := b.generations(); g.Building || b.rows(2) != benchStreams {
		t.Errorf("generations %+v, %d rows", g, b.rows(2))
	}
}

func TestAPartIsOneWorkersUntilItHasBeenSilentForLong(t *testing.T) {
	b := newBench(t)
	b.start()
	first := projection.Task{Do: projection.Build, View: "trail", Part: 0}
	b.meanwhile(func() {
		b.memory.Fail = func(after bool) error {
			if after {
				b.memory.Fail = nil
				return projectiontest.ErrInjected // a crash, right after the part was taken
			}
			return nil
		}
	})
	if err := b.Do(t.Context(), first, b.now.Add(time.Hour)); err == nil {
		t.Fatal("the worker did not crash")
	}
	done := func() bool {
		b.do(first, time.Hour)
		parts, err := b.memory.LoadParts(t.Context(), "trail", 2)
		if err != nil || len(parts) != 1 {
			t.Fatal(parts, err)
		}
		return parts[0].Finished
	}
	if done() {
		t.Error("a second worker took the part at once")
	}
	if b.now = b.now.Add(31 * time.Second); !done() {
		t.Error("nobody took the part over")
	}
}

func TestAPartWhoseWorkerFailedIsTakenUpAtOnce(t *testing.T) {
	b := newBench(t)
	b.start()
	first := projection.Task{Do: projection.Build, View: "trail", Part: 0}
	b.meanwhile(func() {
		writes := 0
		b.memory.Fail = func(after bool) error {
			if !after {
				writes++
			}
			if writes == 2 && !after { // the first write of rows, after the part was taken
				return projectiontest.ErrInjected
			}
			return nil
		}
	})
	if err := b.Do(t.Context(), first, b.now.Add(time.Hour)); !errors.Is(err, projectiontest.ErrInjected) {
		t.Fatalf("the worker did not fail: %v", err)
	}
	b.memory.Fail = nil
	b.do(first, time.Hour)
	if parts, err := b.memory.LoadParts(t.Context(), "trail", 2); err != nil || len(parts) != 1 || !parts[0].Finished {
		t.Errorf("parts %+v, error %v", parts, err)
	}
}

func TestARepeatedCommandIsKnown(t *testing.T) {
	b := newBench(t)
	meta := b.meta()
	first, err := b.Start(t.Context(), meta, nil, "trail")
	again, err2 := b.Start(t.Context(), meta, nil, "trail")
	if err != nil || err2 != nil || first.Replay || !again.Replay || again.Version != first.Version {
		t.Errorf("first %+v %v, again %+v %v", first, err, again, err2)
	}
	if _, err := b.Start(t.Context(), b.meta(), nil, "trail"); err != projection.ErrRebuilding {
		t.Errorf("another one: %v", err)
	}
	if _, err := b.Start(t.Context(), b.meta(), nil, "nothing"); err != projection.ErrNoView {
		t.Errorf("a view that is not there: %v", err)
	}
}

func TestWhatIsParkedForAGenerationThatWasGivenUpIsNotTriedAgain(t *testing.T) {
	b := newBench(t)
	b.start()
	b.build()
	b.cancel()
	p := projection.Parked{View: "trail", Generation: 2, Stream: "user#new", Version: 1, Error: "x", FirstAt: b.now, LastAt: b.now}
	if err := b.memory.Park(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if page, _, err := b.StillParked(t.Context(), "", 10); err != nil || len(page) > 0 {
		t.Errorf("still parked: %v, error %v", page, err)
	}
	before := len(b.memory.Holds("trail", b.generations().Dropped))
	if still, err := b.Redrive(t.Context(), p); still || err != nil {
		t.Errorf("still parked: %v, error %v", still, err)
	}
	if after := len(b.memory.Holds("trail", b.generations().Dropped)); after != before-1 {
		t.Errorf("%d things of the generation became %d", before, after)
	}
}
