package es

import "time"

// Moment says which state of an object is asked for. The zero value is the present.
type Moment struct {
	AtLeast Version   // the present, no older than this version
	Version Version   // exactly this version; 0: no matter
	At      time.Time // as it was then; zero: no matter
}

// Past reports whether a past state is asked for.
func (m Moment) Past() bool { return m.Version > 0 || !m.At.IsZero() }

// through bounds the commits that can matter.
func (m Moment) through() Range { return Range{Through: m.Version} }

// includes reports whether an event had happened by then.
func (m Moment) includes(r Recorded) bool {
	return (m.Version == 0 || r.Version <= m.Version) && (m.At.IsZero() || !r.At.After(m.At))
}

// reached reports whether a state folded to this version is one that was asked for: a
// version that a stream does not have yet is not.
func (m Moment) reached(v Version) bool { return v > 0 && v >= m.Version }
