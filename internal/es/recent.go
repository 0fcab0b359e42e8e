package es

import (
	"encoding/binary"
	"errors"
)

// window is how many commands of a stream are remembered: a repeat of any of the last 200
// is answered with the first one's result, however old it is.
const window = 200

// recent remembers the last commands of one stream, oldest first.
type recent []done

// done is a command that was carried out. Instead of its id and its fingerprint, which would
// make snapshots several times as large, it holds a hash and a part of them: one in 10^17
// commands is wrongly taken for a repeat of one of 200, and one in 10^9 reused ids is not
// noticed to be for another request.
type done struct {
	command     uint64
	fingerprint uint32 // 0: not known
	version     Version
}

func (r *recent) add(c Commit) {
	if len(*r) == 2*window {
		*r = append(make(recent, 0, 2*window), (*r)[window:]...)
	}
	*r = append(*r, done{shorten(c.CommandID), mark(c.Fingerprint), c.Last()})
}

func (r recent) find(commandID string) (done, bool) {
	command := shorten(commandID)
	for i := len(r) - 1; i >= 0; i-- {
		if r[i].command == command {
			return r[i], true
		}
	}
	return done{}, false
}

func (d done) sameRequest(fingerprint []byte) bool {
	m := mark(fingerprint)
	return d.fingerprint == 0 || m == 0 || d.fingerprint == m
}

// shorten is FNV-1a (RFC 9923): no defence against somebody who searches for ids that
// collide, but those are ids of their own commands.
func shorten(commandID string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(commandID) {
		h = (h ^ uint64(commandID[i])) * 1099511628211
	}
	return h
}

// mark is a part of a fingerprint, which is a hash already.
func mark(fingerprint []byte) uint32 {
	if len(fingerprint) < 4 {
		return 0
	}
	return binary.BigEndian.Uint32(fingerprint)
}

// encode gives the last window of commands in few bytes, as snapshots hold them.
func (r recent) encode() []byte {
	if len(r) > window {
		r = r[len(r)-window:]
	}
	var b []byte
	var last Version
	for _, d := range r {
		b = binary.BigEndian.AppendUint64(b, d.command)
		b = binary.BigEndian.AppendUint32(b, d.fingerprint)
		b = binary.AppendUvarint(b, uint64(d.version-last))
		last = d.version
	}
	return b
}

var errRecent = errors.New("the recent commands cannot be read")

func decodeRecent(b []byte) (r recent, err error) {
	var last Version
	for len(b) > 0 {
		if len(b) < 13 {
			return nil, errRecent
		}
		d := done{command: binary.BigEndian.Uint64(b), fingerprint: binary.BigEndian.Uint32(b[8:])}
		step, n := binary.Uvarint(b[12:])
		if n <= 0 {
			return nil, errRecent
		}
		last += Version(step)
		d.version = last
		r, b = append(r, d), b[12+n:]
	}
	return r, nil
}
