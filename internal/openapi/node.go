package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// node is a JSON value whose members keep their order.
type node struct {
	names  []string // of an object's members
	values []node   // of an object or an array
	scalar any
}

// parse reads a JSON document.
func parse(text []byte) (n node, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return read(d)
}

func read(d *json.Decoder) (n node, err error) {
	token, err := d.Token()
	if err != nil {
		return n, err
	}
	switch token {
	case json.Delim('{'), json.Delim('['):
	default:
		return node{scalar: token}, nil
	}
	for d.More() {
		if token == json.Delim('{') {
			name, err := d.Token()
			if err != nil {
				return n, err
			}
			n.names = append(n.names, fmt.Sprint(name))
		}
		value, err := read(d)
		if err != nil {
			return n, err
		}
		n.values = append(n.values, value)
	}
	_, err = d.Token()
	return n, err
}

// at is a member of an object, and of what that is; the zero node if there is none.
func (n node) at(names ...string) node {
	for _, name := range names {
		n = n.member(name)
	}
	return n
}

func (n node) member(name string) node {
	for i, other := range n.names {
		if other == name {
			return n.values[i]
		}
	}
	return node{}
}

// text is a value as it is written, without quotes.
func (n node) text() string {
	if n.scalar == nil {
		return ""
	}
	return fmt.Sprint(n.scalar)
}

func (n node) is(value any) bool { return n.scalar == value }

// has reports whether an array contains a text.
func (n node) has(text string) bool {
	for _, v := range n.values {
		if v.is(text) {
			return true
		}
	}
	return false
}
