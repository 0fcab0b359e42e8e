package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// bar shows progress: in one line that changes on a terminal, else in a line now and then.
type bar struct {
	out      *os.File
	terminal bool
	shown    time.Time
}

const (
	width  = 30
	seldom = 2 * time.Second // between two lines where they stay
)

func newBar(out *os.File) *bar {
	info, err := out.Stat()
	return &bar{out: out, terminal: err == nil && info.Mode()&os.ModeCharDevice != 0}
}

func (b *bar) show(v view) {
	if b.terminal {
		fmt.Fprintf(b.out, "\r\x1b[K%s", line(v, true))
	} else if time.Since(b.shown) >= seldom {
		fmt.Fprintln(b.out, line(v, false))
	}
	b.shown = time.Now()
}

// end leaves the line as it is.
func (b *bar) end() {
	if b.terminal && !b.shown.IsZero() {
		fmt.Fprintln(b.out)
	}
}

func line(v view, drawn bool) string {
	p := v.Rebuild
	if p == nil || p.Total == 0 {
		return fmt.Sprintf("%-10s is about to be read", v.Name)
	}
	share := float64(p.Done) / float64(p.Total)
	text := fmt.Sprintf("%3.0f%%  %d of %d commits  %.0f/s", 100*share, p.Done, p.Total, p.Rate)
	if p.Done > 0 {
		text += fmt.Sprintf("  %v left", time.Duration(p.SecondsLeft)*time.Second)
	}
	if drawn {
		full := int(share * width)
		text = "[" + strings.Repeat("#", full) + strings.Repeat("·", width-full) + "] " + text
	}
	return fmt.Sprintf("%-10s %s", v.Name, text)
}
