package es

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"reflect"
	"sync"
	"time"
)

var shapes sync.Map // of uint32, by reflect.Type

// shapeOf is a hash of how a state's type is encoded as JSON. A snapshot of another shape
// could be decoded in part and silently be wrong.
func shapeOf[S any]() uint32 {
	t := reflect.TypeFor[S]()
	if known, ok := shapes.Load(t); ok {
		return known.(uint32)
	}
	h := fnv.New32a()
	writeShape(h, t, nil)
	shapes.Store(t, h.Sum32())
	return h.Sum32()
}

var (
	marshaler = reflect.TypeFor[json.Marshaler]()
	timeType  = reflect.TypeFor[time.Time]()
)

// writeShape writes a type as its JSON depends on it. within holds the types around it, so
// that a type that contains itself comes to an end.
func writeShape(w io.Writer, t reflect.Type, within []reflect.Type) {
	for _, outer := range within {
		if outer == t {
			fmt.Fprintf(w, "^%s", t.Name())
			return
		}
	}
	within = append(within, t)
	switch {
	case t == timeType || t.Implements(marshaler):
		fmt.Fprintf(w, "%s", t)
	case t.Kind() == reflect.Struct:
		fmt.Fprint(w, "{")
		for _, f := range reflect.VisibleFields(t) {
			if f.IsExported() {
				fmt.Fprintf(w, "%s %q ", f.Name, f.Tag.Get("json"))
				writeShape(w, f.Type, within)
				fmt.Fprint(w, ";")
			}
		}
		fmt.Fprint(w, "}")
	case t.Kind() == reflect.Map:
		fmt.Fprintf(w, "map[%s]", t.Key().Kind())
		writeShape(w, t.Elem(), within)
	case t.Kind() == reflect.Slice || t.Kind() == reflect.Array || t.Kind() == reflect.Pointer:
		fmt.Fprintf(w, "%s of ", t.Kind())
		writeShape(w, t.Elem(), within)
	default:
		fmt.Fprintf(w, "%s", t.Kind())
	}
}
