package dynamo

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/interview-sandbox/annals/internal/es"
)

// timeForm has a fixed width, so that times sort as strings.
const timeForm = "2006-01-02T15:04:05.000Z"

func text[T ~string](s T) types.AttributeValue {
	return &types.AttributeValueMemberS{Value: string(s)}
}

func number[N ~uint64 | ~int](n N) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatUint(uint64(n), 10)}
}

func binary(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }

// encode gives the item that a commit is stored as. Attributes without a value are left out.
func encode(c es.Commit) map[string]types.AttributeValue {
	stored := make([]types.AttributeValue, len(c.Events))
	for i, e := range c.Events {
		event := map[string]types.AttributeValue{"type": text(e.Type), "data": text(string(e.JSON))}
		if e.Sealed != nil {
			event["sealed"] = binary(e.Sealed)
		}
		if e.Subject != "" {
			event["subject"] = text(e.Subject)
		}
		stored[i] = &types.AttributeValueMemberM{Value: event}
	}
	item := map[string]types.AttributeValue{
		"stream":  text(c.Stream),
		"version": number(c.Version),
		"events":  &types.AttributeValueMemberL{Value: stored},
		"types":   &types.AttributeValueMemberSS{Value: typesOf(c)},
		"count":   number(len(c.Events)),
		"at":      text(c.At.UTC().Format(timeForm)),
		"hash":    binary(c.Hash[:]),
	}
	if c.PrevHash != (es.Hash{}) {
		item["prevHash"] = binary(c.PrevHash[:])
	}
	if len(c.Fingerprint) > 0 {
		item["fingerprint"] = binary(c.Fingerprint)
	}
	for name, value := range map[string]string{
		"commandId":     c.CommandID,
		"correlationId": c.CorrelationID,
		"causationId":   c.CausationID,
		"actor":         c.Actor,
		"trace":         c.Trace,
	} {
		if value != "" {
			item[name] = text(value)
		}
	}
	return item
}

// typesOf is the set of the commit's event types, sorted.
func typesOf(c es.Commit) []string {
	all := make([]string, len(c.Events))
	for i, e := range c.Events {
		all[i] = e.Type
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// attributes are all that a commit is stored with.
var attributes = []string{
	"stream", "version", "events", "types", "count", "at", "hash", "prevHash",
	"fingerprint", "commandId", "correlationId", "causationId", "actor", "trace",
}

// Decode reads an item of the events table, also as it comes from the table's stream. An
// item that is not a whole commit is an error that names its stream and version.
func Decode(item map[string]types.AttributeValue) (es.Commit, error) {
	r := reader{item: item}
	c := es.Commit{
		Stream:  es.Stream(r.text("stream")),
		Version: es.Version(r.number("version")),
		Meta: es.Meta{
			CommandID:     r.optional("commandId"),
			Fingerprint:   r.binary("fingerprint"),
			CorrelationID: r.optional("correlationId"),
			CausationID:   r.optional("causationId"),
			Actor:         r.optional("actor"),
			Trace:         r.optional("trace"),
		},
		At:       r.time("at"),
		PrevHash: r.hash("prevHash"),
		Hash:     r.hash("hash"),
	}
	stored, _ := item["events"].(*types.AttributeValueMemberL)
	if stored == nil || len(stored.Value) == 0 {
		r.fail("events", "is missing")
		stored = &types.AttributeValueMemberL{}
	}
	for _, v := range stored.Value {
		m, _ := v.(*types.AttributeValueMemberM)
		if m == nil {
			r.fail("events", "does not hold maps")
			break
		}
		e := reader{item: m.Value}
		c.Events = append(c.Events, es.Data{
			Type: e.text("type"), JSON: []byte(e.text("data")), Sealed: e.binary("sealed"), Subject: e.optional("subject"),
		})
		c.Uncovered = cmp.Or(c.Uncovered, e.unread("type", "data", "sealed", "subject"))
		if e.damage != "" {
			r.fail("events", "holds an event whose "+e.damage)
		}
	}
	if n := r.number("count"); int(n) != len(c.Events) {
		r.fail("count", fmt.Sprintf("says %d events where %d are", n, len(c.Events)))
	}
	if set, _ := item["types"].(*types.AttributeValueMemberSS); set == nil || !slices.Equal(slices.Sorted(slices.Values(set.Value)), typesOf(c)) {
		r.fail("types", "does not list the events' types")
	}
	c.Uncovered = cmp.Or(c.Uncovered, r.unread(attributes...))
	if r.damage != "" {
		return es.Commit{}, &es.DamagedError{Stream: c.Stream, Version: c.Version, Reason: "attribute " + r.damage}
	}
	return c, nil
}

// reader takes attributes out of an item and keeps the first thing that is wrong with them.
type reader struct {
	item   map[string]types.AttributeValue
	damage string
}

// unread names an attribute that the item has besides these, "" if there is none.
func (r *reader) unread(names ...string) string {
	n := len(r.item)
	for _, name := range names {
		if r.item[name] != nil {
			n--
		}
	}
	if n == 0 {
		return ""
	}
	others := slices.Sorted(maps.Keys(r.item))
	return "the attribute " + strings.Join(slices.DeleteFunc(others, func(name string) bool { return slices.Contains(names, name) }), ", ")
}

func (r *reader) fail(name, how string) {
	if r.damage == "" {
		r.damage = name + " " + how
	}
}

func (r *reader) text(name string) string {
	s, ok := r.item[name].(*types.AttributeValueMemberS)
	if !ok {
		r.fail(name, "is no string")
		return ""
	}
	return s.Value
}

func (r *reader) optional(name string) string {
	if r.item[name] == nil {
		return ""
	}
	return r.text(name)
}

func (r *reader) number(name string) uint64 {
	if n, ok := r.item[name].(*types.AttributeValueMemberN); ok {
		if v, err := strconv.ParseUint(n.Value, 10, 64); err == nil {
			return v
		}
	}
	r.fail(name, "is no whole number")
	return 0
}

func (r *reader) binary(name string) []byte {
	if r.item[name] == nil {
		return nil
	}
	b, ok := r.item[name].(*types.AttributeValueMemberB)
	if !ok {
		r.fail(name, "is not binary")
		return nil
	}
	return b.Value
}

func (r *reader) hash(name string) (h es.Hash) {
	b := r.binary(name)
	if len(b) != len(h) && b != nil {
		r.fail(name, "has the wrong length")
		return h
	}
	copy(h[:], b)
	return h
}

func (r *reader) time(name string) time.Time {
	value := r.text(name)
	t, err := time.Parse(timeForm, value)
	if err != nil || t.Format(timeForm) != value {
		r.fail(name, "is no time")
	}
	return t
}
