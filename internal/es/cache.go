package es

import (
	"container/list"
	"encoding/json"
	"slices"
	"sync"
)

// Cache remembers folded aggregates, those used last first, up to a number of bytes. What it
// has may be old; an append proves whether it is.
type Cache struct {
	mu     sync.Mutex
	limit  int
	size   int
	byUse  *list.List // of *cached, the one used last in front
	stream map[Stream]*list.Element
}

type cached struct {
	stream Stream
	folded any // Folded[S]
	size   int
}

// NewCache makes a cache of about so many bytes.
func NewCache(bytes int) *Cache {
	return &Cache{limit: bytes, byUse: list.New(), stream: map[Stream]*list.Element{}}
}

// cached finds an aggregate in the cache.
func (a *Aggregate[S, E]) cached(c *Cache, s Stream) (Folded[S], bool) {
	if c == nil {
		return Folded[S]{Tip: StartOf(s)}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.stream[s]
	if !ok {
		return Folded[S]{Tip: StartOf(s)}, false
	}
	c.byUse.MoveToFront(at)
	f := at.Value.(*cached).folded.(Folded[S])
	f.recent = slices.Clip(f.recent) // others go on from it as well
	return f, true
}

// overhead is about what an entry takes besides its state and its recent commands.
const overhead = 512

// size is about how much room a state takes. Measuring it takes as long as encoding it, so
// that is done only when what was folded since then adds up to an eighth of it.
type size struct {
	measured int // bytes
	since    int // bytes of the events folded since
}

func (s *size) measure(state any) error {
	if s.measured > 0 && 8*s.since <= s.measured {
		return nil
	}
	text, err := json.Marshal(state)
	// A decoded state takes some times the room of its JSON; two is a fair guess.
	s.measured, s.since = 2*len(text), 0
	return err
}

// keep remembers an aggregate, unless a later state of it is known.
func (a *Aggregate[S, E]) keep(c *Cache, f Folded[S]) {
	if c == nil || f.Tip.Version() == 0 {
		return
	}
	if err := f.size.measure(f.State); err != nil {
		return // snapshots of it fail as well, and say so
	}
	entry := &cached{f.Tip.Stream(), f, overhead + f.size.measured + 2*f.size.since + 24*cap(f.recent)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.stream[entry.stream]; ok {
		old := at.Value.(*cached)
		if old.folded.(Folded[S]).Tip.Version() > f.Tip.Version() {
			return
		}
		c.size += entry.size - old.size
		at.Value = entry // its place in the order is from when it was found
	} else {
		c.size += entry.size
		c.stream[entry.stream] = c.byUse.PushFront(entry)
	}
	for c.size > c.limit {
		oldest := c.byUse.Remove(c.byUse.Back()).(*cached)
		delete(c.stream, oldest.stream)
		c.size -= oldest.size
	}
}
