package dynoxide

import (
	"bytes"
	"io"
)

// output passes on what a server prints, line by line, and notices what it says about
// listening. Its methods are not for use at the same time as Write.
type output struct {
	log       io.Writer
	line      []byte // what has been printed of the last line
	text      []byte // the last few KB
	listening chan struct{}
	heard     bool
}

func newOutput(log io.Writer) *output {
	if log == nil {
		log = io.Discard
	}
	return &output{log: log, listening: make(chan struct{})}
}

const keep = 4 << 10

func (o *output) Write(p []byte) (int, error) {
	o.line = append(o.line, p...)
	o.text = append(o.text, p...)
	if !o.heard && bytes.Contains(o.text, []byte("Dynoxide listening on ")) {
		o.heard = true
		close(o.listening)
	}
	if len(o.text) > keep {
		o.text = o.text[len(o.text)-keep:]
	}
	for {
		end := bytes.IndexByte(o.line, '\n') + 1
		if end == 0 {
			return len(p), nil
		}
		if _, err := o.log.Write(o.line[:end]); err != nil {
			return 0, err
		}
		o.line = o.line[end:]
	}
}

func (o *output) portTaken() bool {
	return bytes.Contains(o.text, []byte("in use"))
}

func (o *output) last() []byte { return bytes.TrimSpace(o.text) }
