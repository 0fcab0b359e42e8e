package es

import (
	"strings"
)

// Stream names one stream of events, "<category>#<id>": "user#0197a0f0-…".
type Stream string

// NewStream names the stream of one object of a category.
func NewStream(category, id string) Stream { return Stream(category + "#" + id) }

// Category is the part before the first '#'.
func (s Stream) Category() string { category, _, _ := strings.Cut(string(s), "#"); return category }

// ID is the part after the first '#'.
func (s Stream) ID() string { _, id, _ := strings.Cut(string(s), "#"); return id }

// Version counts the events of a stream: the first event is version 1, and a stream's
// version is that of its last event. 0 means that nothing has happened yet.
type Version uint64
