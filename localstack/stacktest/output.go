package stacktest

import (
	"bytes"
	"regexp"
	"sync"
)

// output keeps what the stack prints.
type output struct {
	ready chan struct{} // closed when the stack has said that it listens

	mu   sync.Mutex
	text bytes.Buffer
	base string
}

var readyLine = regexp.MustCompile(`(?m)^listening on (http://127\.0\.0\.1:\d+)\n`)

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p)
	if o.base == "" {
		if found := readyLine.FindSubmatch(o.text.Bytes()); found != nil {
			o.base = string(found[1])
			close(o.ready)
		}
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func (o *output) url() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.base
}
