// Package estest helps to test what is built on es: given/when/then for commands, the
// contract suite that every store has to pass, and a store in memory that fails on demand.
package estest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/interview-sandbox/annals/internal/es"
)

// Memory is a real store that keeps its commits in memory. Its zero value is ready. It can
// be told to fail as stores fail, also after it has stored.
type Memory struct {
	mu      sync.Mutex
	streams map[es.Stream][]es.Commit
	faults  []Fault
}

// Fault is one way in which an append goes wrong.
type Fault uint8

// The faults.
const (
	None      Fault = iota
	Before          // fails and has stored nothing
	LostReply       // fails and has stored everything
)

// ErrInjected is what a fault returns; it wraps [es.ErrUnavailable].
var ErrInjected = errors.Join(es.ErrUnavailable, errors.New("injected fault"))

// Fail makes the next appends go wrong, one fault each.
func (m *Memory) Fail(faults ...Fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = append(m.faults, faults...)
}

// Append implements [es.Store].
func (m *Memory) Append(ctx context.Context, pending ...es.Pending) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", es.ErrUnavailable, err)
	}
	if err := es.CheckAppend(pending); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	fault := None
	if len(m.faults) > 0 {
		fault, m.faults = m.faults[0], m.faults[1:]
	}
	if fault == Before {
		return ErrInjected
	}
	if err := m.append(pending); err != nil {
		return err
	}
	if fault == LostReply {
		return ErrInjected
	}
	return nil
}

func (m *Memory) append(pending []es.Pending) error {
	for _, p := range pending {
		c := p.Commit()
		stored := m.streams[c.Stream]
		i, taken := slices.BinarySearchFunc(stored, c.Version, func(s es.Commit, v es.Version) int { return int(s.Version) - int(v) })
		if taken && stored[i].Hash == c.Hash {
			return nil // this very append succeeded before
		}
		if taken || i < len(stored) {
			return es.ErrConflict
		}
	}
	if m.streams == nil {
		m.streams = map[es.Stream][]es.Commit{}
	}
	for _, p := range pending {
		c := p.Commit()
		m.streams[c.Stream] = append(m.streams[c.Stream], c)
	}
	return nil
}

// Read implements [es.Store].
func (m *Memory) Read(ctx context.Context, s es.Stream, r es.Range) iter.Seq2[es.Commit, error] {
	return func(yield func(es.Commit, error) bool) {
		m.mu.Lock()
		stored := slices.Clone(m.streams[s])
		m.mu.Unlock()
		if r.Backward {
			slices.Reverse(stored)
		}
		n := 0
		for _, c := range stored {
			if err := ctx.Err(); err != nil {
				yield(es.Commit{}, err)
				return
			}
			if c.Version <= r.After || r.Through > 0 && c.Version > r.Through {
				continue
			}
			if r.Limit > 0 && n == r.Limit {
				return
			}
			n++
			if !yield(c, nil) {
				return
			}
		}
	}
}

// pageSize is how many commits a page of a scan has: few, so that tests see many pages.
const pageSize = 3

// Scan implements [es.Scanner].
func (m *Memory) Scan(ctx context.Context, part, parts int, after []byte) iter.Seq2[es.Page, error] {
	return func(yield func(es.Page, error) bool) {
		for {
			if err := ctx.Err(); err != nil {
				yield(es.Page{}, err)
				return
			}
			page := m.page(part, parts, string(after))
			if !yield(page, nil) || page.Next == nil {
				return
			}
			after = page.Next
		}
	}
}

func (m *Memory) page(part, parts int, after string) (page es.Page) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range slices.Sorted(maps.Keys(m.streams)) {
		if h := crc32.ChecksumIEEE([]byte(s)); int(h%uint32(parts)) != part {
			continue
		}
		for _, c := range m.streams[s] {
			place := fmt.Sprintf("%s %09d", s, c.Version)
			if place <= after {
				continue
			}
			if len(page.Commits) == pageSize {
				last := page.Commits[pageSize-1].Commit
				page.Next = fmt.Appendf(nil, "%s %09d", last.Stream, last.Version)
				return page
			}
			page.Commits = append(page.Commits, es.Scanned{Commit: c})
		}
	}
	return page
}

// Count implements [es.Scanner].
func (m *Memory) Count(context.Context) (n int64, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, commits := range m.streams {
		n += int64(len(commits))
	}
	return n, nil
}

// Search implements [es.Searcher].
func (m *Memory) Search(ctx context.Context, f es.Filter, after es.Place, look int) (found []es.Scanned, next *es.Place, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range slices.Sorted(maps.Keys(m.streams)) {
		for _, c := range m.streams[s] {
			at := es.Scanned{Commit: c}.Place()
			if cmp.Or(cmp.Compare(at.Stream, after.Stream), cmp.Compare(at.Version, after.Version)) <= 0 {
				continue
			}
			if look--; look < 0 {
				return found, next, nil
			}
			if next = &at; f.Selects(c) {
				found = append(found, es.Scanned{Commit: c})
			}
		}
	}
	return found, nil, nil
}
