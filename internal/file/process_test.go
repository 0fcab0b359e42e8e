package file

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/projection/projectiontest"
)

// bucket is a bucket in memory with versions that fails on demand.
type bucket struct {
	objects map[string][]stored // by key, newest first
	made    int
	broken  error // every call fails with it
}

type stored struct {
	version string
	content Content
}

func (b *bucket) put(key string, c Content) (version string) {
	b.made++
	version = fmt.Sprint("v", b.made)
	b.objects[key] = append([]stored{{version, c}}, b.objects[key]...)
	return version
}

func (b *bucket) Form(_ context.Context, key string, _ Content, _ time.Duration) (Upload, error) {
	return Upload{URL: key}, b.broken
}

func (b *bucket) Link(_ context.Context, key, version string, _ time.Duration, _ string) (string, error) {
	return key + "?" + version, b.broken
}

func (b *bucket) Versions(_ context.Context, key string) (all []string, _ error) {
	for _, s := range b.objects[key] {
		all = append(all, s.version)
	}
	return all, b.broken
}

func (b *bucket) Head(_ context.Context, key, version string) (Content, bool, error) {
	for _, s := range b.objects[key] {
		if s.version == version {
			return s.content, true, b.broken
		}
	}
	return Content{}, false, b.broken
}

func (b *bucket) Delete(_ context.Context, key, version string) error {
	if b.broken == nil {
		b.objects[key] = slices.DeleteFunc(b.objects[key], func(s stored) bool { return s.version == version })
	}
	return b.broken
}

func (b *bucket) Clear(_ context.Context, prefix string) error {
	if b.broken == nil {
		maps.DeleteFunc(b.objects, func(key string, _ []stored) bool { return strings.HasPrefix(key, prefix) })
	}
	return b.broken
}

// world is the module with its views and reactors, and a clock that the test sets.
type world struct {
	*Module
	t         *testing.T
	now       time.Time
	bucket    *bucket
	store     *estest.Memory
	rows      *projectiontest.Memory
	projector *projection.Projector
	commands  int
}

var began = since.Add(time.Hour)

func newWorld(t *testing.T) *world {
	w := &world{t: t, now: began, bucket: &bucket{objects: map[string][]stored{}}, store: new(estest.Memory), rows: new(projectiontest.Memory)}
	clock := func() time.Time { return w.now }
	x := es.Executor{Repository: es.Repository{Store: w.store}, Now: clock}
	w.Module = &Module{Executor: x, Objects: w.bucket, Views: &projection.Reader{Store: w.store, Rows: w.rows, Generations: w.rows, Now: clock}}
	w.projector = &projection.Projector{
		Store: w.store, Rows: w.rows, Parked: w.rows, Deadlines: w.rows, Generations: w.rows, Now: clock, Executor: &x,
		Projections: append([]projection.Projection{&Files, &Shares}, w.Reactors()...),
	}
	return w
}

// do carries out a command on the file and everything that follows from it now.
func (w *world) do(c es.Command[File, events.File]) {
	w.t.Helper()
	w.execute(files.On(id, c))
	w.settle()
}

func (w *world) execute(s es.Step) {
	w.t.Helper()
	w.commands++
	if _, err := w.Execute(w.t.Context(), es.Meta{CommandID: fmt.Sprint("c", w.commands)}, nil, s); err != nil {
		w.t.Fatal(err)
	}
}

// request announces the file.
func (w *world) request() {
	w.do(RequestUpload{ada, "notes.txt", declared, w.now.Add(uploadWithin)})
}

// settle projects all that has happened until nothing more does.
func (w *world) settle() {
	w.t.Helper()
	for seen := -1; ; {
		commits := w.commits()
		if len(commits) == seen {
			return
		}
		seen = len(commits)
		if failed := w.projector.Project(w.t.Context(), commits); len(failed) > 0 {
			w.t.Fatal(failed)
		}
	}
}

func (w *world) commits() (all []es.Commit) {
	w.t.Helper()
	for page, err := range w.store.Scan(w.t.Context(), 0, 1, nil) {
		if err != nil {
			w.t.Fatal(err)
		}
		for _, item := range page.Commits {
			all = append(all, item.Commit)
		}
	}
	return all
}

// pass lets time pass and the clock answer what has come due.
func (w *world) pass(d time.Duration) (failed error) {
	w.t.Helper()
	w.now = w.now.Add(d)
	_, failed = (&projection.Clock{Projector: w.projector}).Tick(w.t.Context(), w.now.Add(time.Minute))
	w.settle()
	return failed
}

func (w *world) state() File {
	w.t.Helper()
	f, err := files.Load(w.t.Context(), &w.Repository, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return f.State
}

// expect demands a status and which versions there are.
func (w *world) expect(what string, status Status, versions ...string) {
	w.t.Helper()
	if f := w.state(); f.Status != status {
		w.t.Errorf("%s: it is %s, want %s", what, f.Status, status)
	}
	broken := w.bucket.broken
	w.bucket.broken = nil
	if got, _ := w.bucket.Versions(w.t.Context(), keyOf(ada, id)); !slices.Equal(got, versions) {
		w.t.Errorf("%s: stored are %v, want %v", what, got, versions)
	}
	w.bucket.broken = broken
}

// upload stores content as the client does, and notifies of it.
func (w *world) upload(c Content) (version string) {
	w.t.Helper()
	version = w.bucket.put(keyOf(ada, id), c)
	w.notify(version)
	return version
}

func (w *world) notify(version string) {
	w.t.Helper()
	if err := w.Uploaded(w.t.Context(), keyOf(ada, id), version); err != nil {
		w.t.Fatal(err)
	}
	w.settle()
}

var other = Content{Size: 5, Type: "text/plain", SHA256: strings.Repeat("cd", 32)}

func TestTheFirstUploadThatFitsIsKeptAndNoOtherOne(t *testing.T) {
	w := newWorld(t)
	w.request()
	first := w.upload(declared)
	w.expect("uploaded", Available, first)
	w.notify(first)
	w.expect("notified again", Available, first)
	second := w.upload(declared)
	w.expect("uploaded again", Available, first)
	w.notify(second) // of what is gone
	w.expect("notified again of the second", Available, first)
	w.upload(other)
	w.expect("something else uploaded", Available, first)
	if f := w.state(); f.ObjectVersion != first {
		t.Errorf("served is %s", f.ObjectVersion)
	}
}

func TestWhatDoesNotFitIsRemovedThoughTheBucketDoesNotAnswerForAWhile(t *testing.T) {
	w := newWorld(t)
	w.request()
	version := w.bucket.put(keyOf(ada, id), other)
	// The notification gets as far as the event, and no further.
	w.execute(files.On(id, RecordUpload{version, other}))
	w.bucket.broken = errors.New("broken")
	w.settle()
	w.expect("while the bucket is broken", Rejected, version)
	if err := w.pass(2 * time.Minute); err == nil {
		t.Error("nothing failed")
	}
	w.expect("still", Rejected, version)
	w.bucket.broken = nil
	if err := w.pass(time.Hour); err != nil {
		t.Error(err)
	}
	w.expect("then", Rejected)
}

func TestAnUploadThatNeverComesExpiresAndWhatComesAfterItIsRemoved(t *testing.T) {
	w := newWorld(t)
	w.request()
	if err := w.pass(uploadWithin + settleAfter - time.Second); err != nil {
		t.Fatal(err)
	}
	w.expect("before its time", Pending)
	if err := w.pass(time.Second); err != nil {
		t.Fatal(err)
	}
	w.expect("at its time", Rejected)
	w.upload(declared)
	w.expect("uploaded too late", Rejected)
}

func TestAFileIsSettledThoughItsNotificationIsLost(t *testing.T) {
	for what, c := range map[string]struct {
		content Content
		status  Status
		kept    []string
	}{
		"as announced":   {declared, Available, []string{"v2"}},
		"something else": {other, Rejected, nil},
	} {
		w := newWorld(t)
		w.request()
		w.bucket.put(keyOf(ada, id), other)
		w.bucket.put(keyOf(ada, id), c.content)
		w.bucket.broken = errors.New("broken")
		if err := w.pass(uploadWithin + settleAfter); err == nil {
			t.Errorf("%s: nothing failed", what)
		}
		w.expect(what+", while the bucket is broken", Pending, "v2", "v1")
		w.bucket.broken = nil
		if err := w.pass(time.Minute); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		w.expect(what, c.status, c.kept...)
	}
}

func TestALostNotificationOfASecondUploadLeavesNothing(t *testing.T) {
	w := newWorld(t)
	w.request()
	first := w.upload(declared)
	w.bucket.put(keyOf(ada, id), declared)
	if err := w.pass(uploadWithin + settleAfter); err != nil {
		t.Fatal(err)
	}
	w.expect("settled", Available, first)
}

func TestADeletedFileIsPurgedWhenNobodyCanRestoreItAnyMore(t *testing.T) {
	w := newWorld(t)
	w.request()
	version := w.upload(declared)
	w.do(DeleteFile{ada})
	if err := w.pass(20 * 24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	w.do(RestoreFile{ada})
	w.do(DeleteFile{ada})
	if err := w.pass(20 * 24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	w.expect("40 days after the first deletion, 20 after the second", Deleted, version)
	if err := w.pass(10*24*time.Hour - time.Minute); err != nil {
		t.Fatal(err)
	}
	w.expect("a minute before", Deleted, version)
	if err := w.pass(time.Minute); err != nil {
		t.Fatal(err)
	}
	w.expect("30 days after the second", Purged)
}

func TestARestoredFileIsNotPurged(t *testing.T) {
	w := newWorld(t)
	w.request()
	version := w.upload(declared)
	w.do(DeleteFile{ada})
	w.do(RestoreFile{ada})
	if err := w.pass(31 * 24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	w.expect("a month later", Available, version)
}

func TestWhatIsUploadedToAPurgedFileIsRemoved(t *testing.T) {
	w := newWorld(t)
	w.request()
	w.do(DeleteFile{ada})
	w.expect("canceled", Purged)
	w.upload(declared)
	w.expect("uploaded", Purged)
	w.bucket.put(keyOf(ada, id), declared) // and a notification that is lost
	if err := w.pass(uploadWithin + settleAfter); err != nil {
		t.Fatal(err)
	}
	w.expect("settled", Purged)
}

func TestObjectsThatAreNoFilesAreReported(t *testing.T) {
	w := newWorld(t)
	w.request()
	for _, key := range []string{"", "x", "files/" + ada, keyOf(bob, id), keyOf(ada, eve), "uploads/" + ada + "/" + id} {
		w.bucket.put(key, declared)
		if err := w.Uploaded(t.Context(), key, fmt.Sprint("v", w.bucket.made)); !errors.Is(err, errForeign) {
			t.Errorf("%q: %v", key, err)
		}
	}
	w.expect("after them", Pending)
}

func TestNothingOfAPersonIsLeftAfterAPurge(t *testing.T) {
	const bobs = "0197a0f0-0000-7000-8000-0000000000b0"
	w := newWorld(t)
	w.request()
	w.upload(declared)
	w.execute(files.New(bobs, RequestUpload{bob, "bobs.txt", declared, w.now.Add(uploadWithin)}))
	version := w.bucket.put(keyOf(bob, bobs), declared)
	w.execute(files.On(bobs, RecordUpload{version, declared}))
	w.execute(files.On(bobs, ShareFile{bob, ada, Write, true}))
	w.execute(files.On(id, ShareFile{ada, bob, Read, true}))
	w.execute(files.On(id, ShareFile{ada, eve, Read, true}))
	w.settle()
	name, part, err := w.Export(t.Context(), ada)
	held, ok := part.(Held)
	if err != nil || !ok || name != "files" || len(held.Files) != 1 || held.Files[0].Name != "notes.txt" || len(held.SharedWithMe) != 1 || held.SharedWithMe[0].FileID != bobs {
		t.Errorf("held are %s %+v, error %v", name, part, err)
	}
	for rounds := 0; ; rounds++ {
		steps, err := w.Purge(t.Context(), ada)
		if err != nil {
			t.Fatal(err)
		}
		if len(steps) == 0 {
			break
		}
		if rounds == 3 {
			t.Fatalf("%d things are left", len(steps))
		}
		for _, s := range append(steps, steps...) { // the views have not noticed the first time yet
			w.execute(s)
		}
		w.settle()
	}
	w.expect("ada's file", Purged)
	row, _, ok, err := Files.Get(t.Context(), w.Views, id, es.Moment{})
	if err != nil || !ok || row.Name != "" || len(row.Shares) > 0 {
		t.Errorf("its row is %+v, error %v", row, err)
	}
	left, _, _, err := Files.Get(t.Context(), w.Views, bobs, es.Moment{})
	if err != nil || left.Status != Available || len(left.Shares) > 0 {
		t.Errorf("bob's file is %+v, error %v", left, err)
	}
	for _, person := range []string{bob, eve} {
		if rows, _, err := Shares.List(t.Context(), w.Views, projection.Query{Partition: person, Limit: 10}); err != nil || len(rows) > 0 {
			t.Errorf("shared with %s are %v, error %v", person, rows, err)
		}
	}
	w.bucket.put(keyOf(ada, id), declared) // as if the removal of the file had been given up
	w.bucket.broken = errors.New("the bucket does not answer")
	if steps, err := w.Purge(t.Context(), ada); len(steps) > 0 || !errors.Is(err, w.bucket.broken) {
		t.Errorf("nothing is left by %d commands, error %v", len(steps), err)
	}
	w.bucket.broken = nil
	if steps, err := w.Purge(t.Context(), ada); len(steps) > 0 || err != nil {
		t.Errorf("left are %d things, error %v", len(steps), err)
	}
	kept := slices.Sorted(maps.Keys(w.bucket.objects))
	kept = slices.DeleteFunc(kept, func(key string) bool { return len(w.bucket.objects[key]) == 0 })
	if !slices.Equal(kept, []string{keyOf(bob, bobs)}) {
		t.Errorf("stored are %v", kept)
	}
}

func TestOnlyActiveAccountsAreSharedWith(t *testing.T) {
	for what, c := range map[string]struct {
		history []events.Event
		active  bool
	}{
		"none":        {nil, false},
		"open":        {[]events.Event{events.UserCreated{UserID: bob}}, true},
		"suspended":   {[]events.Event{events.UserCreated{UserID: bob}, events.UserSuspended{}}, false},
		"reactivated": {[]events.Event{events.UserCreated{UserID: bob}, events.UserSuspended{}, events.UserReactivated{}}, true},
		"leaving":     {[]events.Event{events.UserCreated{UserID: bob}, events.UserErasureRequested{}}, false},
	} {
		w := newWorld(t)
		if len(c.history) > 0 {
			pending, err := es.StartOf(es.NewStream("user", bob)).Next(es.Meta{CommandID: "c"}, w.now, c.history[0], c.history[1:]...)
			if err == nil {
				err = w.store.Append(t.Context(), pending)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if got, err := w.isActive(t.Context(), bob); got != c.active || err != nil {
			t.Errorf("%s: %v, error %v", what, got, err)
		}
	}
}
