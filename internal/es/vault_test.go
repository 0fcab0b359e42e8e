package es_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
)

// sealing is a repository that seals, and the store beneath it.
func sealing() (*es.Executor, *estest.Memory, *estest.Vault) {
	store, vault := new(estest.Memory), new(estest.Vault)
	x := executor(store)
	x.Store, x.Vault, x.Snapshots = es.Opened{ScannableStore: store, Vault: vault}, vault, new(estest.Snapshots)
	return x, store, vault
}

func give(t *testing.T, x *es.Executor, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := x.Execute(t.Context(), as(name), nil, estest.Plain.On("1", estest.Give(name))); err != nil {
			t.Fatal(err)
		}
	}
}

func loaded(t *testing.T, x *es.Executor) estest.Names {
	t.Helper()
	f, err := estest.Plain.Load(t.Context(), &x.Repository, "1")
	if err != nil {
		t.Fatal(err)
	}
	return f.State
}

func TestWhatIsPersonalIsStoredSealedAndReadInClear(t *testing.T) {
	x, store, vault := sealing()
	x.Cache = es.NewCache(1 << 20)
	give(t, x, "Ada", "Augusta")
	for i, c := range all(t, store) {
		for _, d := range c.Events {
			if d.Sealed == nil || bytes.Contains(append(d.JSON, d.Sealed...), []byte([]string{"Ada", "Augusta"}[i])) {
				t.Errorf("stored as %s and %q", d.JSON, d.Sealed)
			}
		}
		if _, err := c.Recorded(); !errors.As(err, new(*es.UnreadableError)) {
			t.Errorf("read without the vault: %v", err)
		}
	}
	if r, err := es.Verify(t.Context(), store, "user#1"); !r.OK() || r.Commits != 2 || err != nil {
		t.Errorf("verified without the vault: %+v %v", r, err)
	}
	want := estest.Names{"Ada", "Augusta"}
	if got := loaded(t, x); !reflect.DeepEqual(got, want) {
		t.Errorf("from the cache: %v", got)
	}
	x.Cache = nil
	if got := loaded(t, x); !reflect.DeepEqual(got, want) {
		t.Errorf("from the store: %v", got)
	}
	commits := all(t, store)
	if err := es.Open(t.Context(), vault, commits); err != nil {
		t.Fatal(err)
	}
	if r, err := commits[1].Recorded(); err != nil || r[0].Event != (events.UserNameChanged{New: "Augusta"}) {
		t.Errorf("opened: %+v %v", r, err)
	}
	if _, err := all(t, store)[1].Recorded(); err == nil {
		t.Error("opening a commit has opened what is stored")
	}
}

func TestWhatIsSealedOpensInItsPlaceOnly(t *testing.T) {
	x, store, vault := sealing()
	give(t, x, "Ada", "Augusta")
	for name, move := range map[string]func(c []es.Commit){
		"to another version": func(c []es.Commit) { c[1].Events[0].Sealed = c[0].Events[0].Sealed },
		"to another stream":  func(c []es.Commit) { c[1].Stream = "user#2" },
		"to another person":  func(c []es.Commit) { c[1].Events[0].Subject = "2" },
		"to another type":    func(c []es.Commit) { c[1].Events[0].Type = "user.email-changed.v1" },
		"changed in a bit":   func(c []es.Commit) { c[1].Events[0].Sealed[20] ^= 1 },
	} {
		commits := all(t, store)
		for i := range commits {
			commits[i].Events = []es.Data{commits[i].Events[0]}
			commits[i].Events[0].Sealed = bytes.Clone(commits[i].Events[0].Sealed)
		}
		move(commits)
		if err := es.Open(t.Context(), vault, commits[1:]); !errors.As(err, new(*es.UnreadableError)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSealedPartsAreCoveredByTheHash(t *testing.T) {
	x, store, _ := sealing()
	give(t, x, "Ada")
	for name, change := range map[string]func(*es.Data){
		"sealed":  func(d *es.Data) { d.Sealed = append(bytes.Clone(d.Sealed), 0) },
		"subject": func(d *es.Data) { d.Subject = "2" },
		"both":    func(d *es.Data) { d.Sealed, d.Subject = d.Sealed[:30], string(d.Sealed[30:]) },
		"removed": func(d *es.Data) { d.Sealed = nil },
	} {
		c := all(t, store)[0]
		c.Events = []es.Data{c.Events[0]}
		change(&c.Events[0])
		if c.Hash == c.ComputeHash() {
			t.Errorf("%s: a changed commit fits its hash", name)
		}
	}
}

func TestAfterAnErasureTheHistoryIsWholeAndThePersonIsGone(t *testing.T) {
	x, store, vault := sealing()
	give(t, x, "Ada", "Augusta")
	vault.Destroy("1")
	if got, want := loaded(t, x), (estest.Names{events.Erased, events.Erased}); !reflect.DeepEqual(got, want) {
		t.Errorf("loaded %v", got)
	}
	page, _, err := es.History(t.Context(), x.Store, "user#1", nil, 10, false)
	if err != nil || len(page) != 2 || page[1].Event != (events.UserNameChanged{Old: events.Erased, New: events.Erased}) {
		t.Errorf("history %+v %v", page, err)
	}
	if r, err := es.Verify(t.Context(), store, "user#1"); !r.OK() || err != nil {
		t.Errorf("verified: %+v %v", r, err)
	}
	if _, err := x.Execute(t.Context(), as("later"), nil, estest.Plain.On("1", estest.Give("Ada"))); !errors.Is(err, es.ErrErased) {
		t.Errorf("sealed again: %v", err)
	}
	if len(all(t, store)) != 2 {
		t.Error("something was stored about somebody who has been erased")
	}
}

func TestAVaultThatDoesNotAnswerMakesNothingUnreadable(t *testing.T) {
	x, _, vault := sealing()
	give(t, x, "Ada")
	vault.Fail(es.ErrUnreachable)
	_, err := estest.Plain.Load(t.Context(), &x.Repository, "1")
	if !errors.Is(err, es.ErrUnreachable) || errors.As(err, new(*es.UnreadableError)) {
		t.Errorf("load: %v", err)
	}
	if _, err := x.Execute(t.Context(), as("b"), nil, estest.Plain.On("1", estest.Give("b"))); !errors.Is(err, es.ErrUnreachable) {
		t.Errorf("execute: %v", err)
	}
	vault.Fail(nil)
	if got := loaded(t, x); len(got) != 1 {
		t.Errorf("later: %v", got)
	}
}

func TestSnapshotsOfPersonalStatesAreSealed(t *testing.T) {
	x, store, vault := sealing()
	personal := estest.Plain
	personal.SnapshotEvery, personal.Subject = 1, func(estest.Names) string { return "1" }
	give(t, x, "Ada")
	commits := all(t, store)
	if err := personal.Snapshotter(&x.Repository).Snapshot(t.Context(), "user#1", commits); err != nil {
		t.Fatal(err)
	}
	s, ok, _ := x.Snapshots.Load(t.Context(), "user#1")
	if !ok || s.Subject != "1" || bytes.Contains(s.State, []byte("Ada")) {
		t.Fatalf("snapshot %+v %v", s, ok)
	}
	for i := range 24 { // so that a cold load needs the snapshot
		give(t, x, fmt.Sprint(i))
	}
	reads := &counting{Store: x.Store}
	cold := x.Repository
	cold.Store = reads
	if f, err := personal.Load(t.Context(), &cold, "1"); err != nil || len(f.State) != 25 || f.State[0] != "Ada" || reads.commits != 24 {
		t.Errorf("with the key: %v %v, %d commits read", f.State, err, reads.commits)
	}
	vault.Destroy("1")
	if f, err := personal.Load(t.Context(), &cold, "1"); err != nil || len(f.State) != 25 || f.State[0] != events.Erased {
		t.Errorf("without: %v %v", f.State, err)
	}
	if err := personal.Snapshotter(&x.Repository).Snapshot(t.Context(), "user#1", commits); err != nil {
		t.Errorf("a snapshot of somebody who has been erased: %v", err)
	}
}
