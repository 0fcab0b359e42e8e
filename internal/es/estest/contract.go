package estest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
)

// StoreContract holds a store to what [es.Store] promises. open gives a store; it may be the
// same one each time, since every case uses streams of its own.
func StoreContract(t *testing.T, open func(t *testing.T) es.Store) {
	cases := map[string]func(*testing.T, es.Store, func(string) es.Stream){
		"a stream nobody wrote to is empty": func(t *testing.T, s es.Store, name func(string) es.Stream) {
			expect(t, s, name("a"), es.Range{})
		},
		"what was appended is read back, every field of it": func(t *testing.T, s es.Store, name func(string) es.Stream) {
			meta := es.Meta{CommandID: "command", Fingerprint: []byte{0, 255}, CorrelationID: "correlation", CausationID: "causation", Actor: "actor", Trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
			p, err := es.StartOf(name("a")).Next(meta, Now.Add(123*time.Millisecond), events.UserNameChanged{Old: "é\u2028<", New: ""}, events.UserRoleGranted{Role: "operator"})
			if err != nil {
				t.Fatal(err)
			}
			must(t, s.Append(t.Context(), p))
			expect(t, s, name("a"), es.Range{}, p.Commit())
		},
		"empty circumstances stay empty": func(t *testing.T, s es.Store, name func(string) es.Stream) {
			p := next(t, es.StartOf(name("a")), es.Meta{CommandID: "only"}, "x")
			must(t, s.Append(t.Context(), p))
			expect(t, s, name("a"), es.Range{}, p.Commit())
		},
		"a version can be taken once": func(t *testing.T, s es.Store, name func(string) es.Stream) {
			first, second := next(t, es.StartOf(name("a")), meta(1), "x"), next(t, es.StartOf(name("a")), meta(2), "y")
			must(t, s.Append(t.Context(), first))
			if err := s.Append(t.Context(), second); !errors.Is(err, es.ErrConflict) {
				t.Fatalf("got %v, want a conflict", err)
			}
			expect(t, s, name("a"), es.Range{}, first.Commit())
		},
		"appending the same commit again changes nothing and succeeds": func(t *testing.T, s es.Store, name func(string) es.Stream) {
			p := next(t, es.StartOf(name("a")), meta(1), "x")
			must(t, s.Append(t.Context(), p))
			must(t, s.Append(t.Context(), p))
			expect(t, s, name("a"), es.Range{}, p.Commit())
		},
		"the same command decided differently is a conflict": func(t *testing.T, s es.Store, name func(string) es.Stream) {
			p, q := next(t, es.StartOf(name("a")), meta(1), "x"), next(t, es.StartOf(name("a")), meta(1), "y")
			must(t, s.Append(t.Context(), p))
			if err := s.Append(t.Context(), q); !errors.Is(err, es.ErrConflict) {
				t.Fatalf("got %v, want a conflict", err)
			}
			expect(t, s, name("a"), es.Range{}, p.Commit())
		},
		"several streams change together": func(t *testing.T, s es.Store, name func(string) es.Stream) {
			a, b := next(t, es.StartOf(name("a")), meta(1), "x"), next(t, es.StartOf(name("b")), meta(1), "y")
			must(t, s.Append(t.Context(), a, b))
			must(t, s.Append(t.Context(), a, b))
			expect(t, s, name("a"), es.Range{}, a.Commit())
			expect(t, s, name("b"), es.Range{}, b.Commit())
		},
		"several streams stay as they are together": func(t *testing.T, s es.Store, name func(string) es.Stream) {
			taken := next(t, es.StartOf(name("b")), meta(1), "taken")
			must(t, s.Append(t.Context(), taken))
			a, b := next(t, es.StartOf(name("a")), meta(2), "x"), next(t, es.StartOf(name("b")), meta(2), "y")
			if err := s.Append(t.Context(), a, b); !errors.Is(err, es.ErrConflict) {
				t.Fatalf("got %v, want a conflict", err)
			}
			expect(t, s, name("a"), es.Range{})
			expect(t, s, name("b"), es.Range{}, taken.Commit())
		},
		"ranges select by version, both ways": func(t *testing.T, s es.Store, name func(string) es.Stream) {
			c := grow(t, s, name("a"), 5)
			expect(t, s, name("a"), es.Range{After: 2}, c[2], c[3], c[4])
			expect(t, s, name("a"), es.Range{After: 1, Through: 3}, c[1], c[2])
			expect(t, s, name("a"), es.Range{Through: 2}, c[0], c[1])
			expect(t, s, name("a"), es.Range{Backward: true, Limit: 2}, c[4], c[3])
			expect(t, s, name("a"), es.Range{Backward: true, Through: 4, After: 2}, c[3], c[2])
			expect(t, s, name("a"), es.Range{Limit: 3}, c[0], c[1], c[2])
			expect(t, s, name("a"), es.Range{After: 5})
			expect(t, s, name("a"), es.Range{After: 4, Through: 3})
		},
		"a stream longer than a page of the database is read whole": func(t *testing.T, s es.Store, name func(string) es.Stream) {
			tip := es.StartOf(name("a"))
			var want []es.Commit
			for i := range 8 {
				p := next(t, tip, meta(i), strings.Repeat("x", 200<<10))
				must(t, s.Append(t.Context(), p))
				want = append(want, p.Commit())
				tip = follow(t, tip, p.Commit())
			}
			expect(t, s, name("a"), es.Range{}, want...)
			expect(t, s, name("a"), es.Range{Limit: 7}, want[:7]...)
		},
		"a reader may stop early": func(t *testing.T, s es.Store, name func(string) es.Stream) {
			c := grow(t, s, name("a"), 3)
			for got, err := range s.Read(t.Context(), name("a"), es.Range{}) {
				must(t, err)
				if got.Version != c[0].Version {
					t.Fatalf("got version %d first", got.Version)
				}
				break
			}
		},
		"of many writers of one version one wins": func(t *testing.T, s es.Store, name func(string) es.Stream) {
			const writers = 16
			var wg sync.WaitGroup
			results := make([]error, writers)
			for i := range writers {
				p := next(t, es.StartOf(name("a")), meta(i), fmt.Sprint(i))
				wg.Go(func() { results[i] = s.Append(t.Context(), p) })
			}
			wg.Wait()
			won := 0
			for _, err := range results {
				switch {
				case err == nil:
					won++
				case !errors.Is(err, es.ErrConflict):
					t.Errorf("got %v, want a conflict", err)
				}
			}
			if commits := read(t, s.Read(t.Context(), name("a"), es.Range{})); won != 1 || len(commits) != 1 {
				t.Errorf("%d writers won and %d commits are there", won, len(commits))
			}
		},
		"a commit that cannot fit is refused before anything is written": func(t *testing.T, s es.Store, name func(string) es.Stream) {
			small, large := next(t, es.StartOf(name("b")), meta(1), "x"), next(t, es.StartOf(name("a")), meta(1), strings.Repeat("x", 400<<10))
			if err := s.Append(t.Context(), small, large); !errors.Is(err, es.ErrTooLarge) {
				t.Fatalf("got %v, want too large", err)
			}
			expect(t, s, name("a"), es.Range{})
			expect(t, s, name("b"), es.Range{})
		},
		"a canceled caller gets an error": func(t *testing.T, s es.Store, name func(string) es.Stream) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := s.Append(ctx, next(t, es.StartOf(name("a")), meta(1), "x")); !errors.Is(err, es.ErrUnavailable) {
				t.Errorf("append: got %v, want %v", err, es.ErrUnavailable)
			}
			for _, err := range s.Read(ctx, name("a"), es.Range{}) {
				if err == nil {
					t.Error("read gave a commit")
				}
			}
		},
	}
	for behaviour, check := range cases {
		t.Run(behaviour, func(t *testing.T) {
			check(t, open(t), func(id string) es.Stream { return es.NewStream("user", t.Name()+id) })
		})
	}
}

func meta(n int) es.Meta { return es.Meta{CommandID: fmt.Sprintf("command-%d", n), Actor: "tester"} }

func next(t *testing.T, tip es.Tip, m es.Meta, text string) es.Pending {
	t.Helper()
	p, err := tip.Next(m, Now, events.UserNameChanged{Old: "old", New: text})
	must(t, err)
	return p
}

func follow(t *testing.T, tip es.Tip, c es.Commit) es.Tip {
	t.Helper()
	tip, err := tip.Follow(c)
	must(t, err)
	return tip
}

func grow(t *testing.T, s es.Store, stream es.Stream, commits int) (all []es.Commit) {
	t.Helper()
	tip := es.StartOf(stream)
	for i := range commits {
		p := next(t, tip, meta(i), fmt.Sprint(i))
		must(t, s.Append(t.Context(), p))
		tip = follow(t, tip, p.Commit())
		all = append(all, p.Commit())
	}
	return all
}

func read(t *testing.T, commits iter.Seq2[es.Commit, error]) (all []es.Commit) {
	t.Helper()
	for c, err := range commits {
		must(t, err)
		all = append(all, c)
	}
	return all
}

func expect(t *testing.T, s es.Store, stream es.Stream, r es.Range, want ...es.Commit) {
	t.Helper()
	got := read(t, s.Read(t.Context(), stream, r))
	if len(got) != len(want) {
		t.Fatalf("%+v: got %d commits, want %d", r, len(got), len(want))
	}
	for i := range want {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Fatalf("%+v: commit %d:\ngot  %+v\nwant %+v", r, i, got[i], want[i])
		}
		if got[i].ComputeHash() != got[i].Hash {
			t.Fatalf("commit %d does not fit its hash", i)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
