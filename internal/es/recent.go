package es

import "bytes"

// window is how many commands of a stream are remembered: a repeat of any of the last 200
// is answered with the first one's result.
const window = 200

// recent remembers the last commands of one stream, oldest first.
type recent []done

type done struct {
	commandID   string
	fingerprint []byte
	version     Version
}

func (r *recent) add(c Commit) {
	if len(*r) == 2*window {
		*r = append(make(recent, 0, 2*window), (*r)[window:]...)
	}
	*r = append(*r, done{c.CommandID, c.Fingerprint, c.Last()})
}

func (r recent) find(commandID string) (done, bool) {
	for i := len(r) - 1; i >= 0; i-- {
		if r[i].commandID == commandID {
			return r[i], true
		}
	}
	return done{}, false
}

func (d done) sameRequest(fingerprint []byte) bool {
	return d.fingerprint == nil || fingerprint == nil || bytes.Equal(d.fingerprint, fingerprint)
}
