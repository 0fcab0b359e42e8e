package trace_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/interview-sandbox/annals/internal/trace"
)

const valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestATraceparentIsReadAsTheStandardSays(t *testing.T) {
	c, ok := trace.Parse(valid)
	if !ok || c.Trace.String() != "0af7651916cd43dd8448eb211c80319c" || c.Span.String() != "b7ad6b7169203331" || !c.Sampled || c.String() != valid {
		t.Fatalf("%q is read as %+v, %v", valid, c, ok)
	}
	for name, s := range map[string]string{
		"not sampled":                       strings.TrimSuffix(valid, "1") + "0",
		"flags that are not known":          strings.TrimSuffix(valid, "01") + "fe",
		"a later version":                   "01" + valid[2:],
		"a later version with more to it":   "01" + valid[2:] + "-more",
		"a later version that just goes on": "cc" + valid[2:] + "-",
	} {
		if got, ok := trace.Parse(s); !ok || got.Trace != c.Trace || got.Span != c.Span {
			t.Errorf("%s: %q is refused", name, s)
		}
	}
	for name, s := range map[string]string{
		"nothing":                          "",
		"too short":                        valid[:54],
		"more than version 00 has":         valid + "-more",
		"no version that may be":           "ff" + valid[2:],
		"a later version that is longer":   "01" + valid[2:] + "more",
		"capitals":                         strings.ToUpper(valid),
		"a trace without an id":            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
		"a span without an id":             "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
		"a dash that is missing":           strings.Replace(valid, "-", "0", 1),
		"something that is no digit":       strings.Replace(valid, "a", "g", 1),
		"flags that are no number":         strings.TrimSuffix(valid, "01") + "0x",
		"a space before it, as in no list": " " + valid[:54],
	} {
		if got, ok := trace.Parse(s); ok || got != (trace.Context{}) {
			t.Errorf("%s: %q is read as %+v", name, s, got)
		}
	}
}

func TestASpanIsAChildInItsParentsTraceOrTheFirstOfItsOwn(t *testing.T) {
	parent, _ := trace.Parse(valid)
	child := trace.Begin(parent, false, rand.Reader)
	if child.Trace != parent.Trace || child.Span == parent.Span || !child.Sampled {
		t.Errorf("the child of %v is %v", parent, child)
	}
	for _, sampled := range []bool{true, false} {
		one, other := trace.Begin(trace.Context{}, sampled, rand.Reader), trace.Begin(trace.Context{}, sampled, rand.Reader)
		if one.Trace == other.Trace || one.Span == other.Span || one.Sampled != sampled {
			t.Errorf("two traces begin with %v and %v", one, other)
		}
		if again, ok := trace.Parse(one.String()); !ok || again != one {
			t.Errorf("%v is read as %v", one, again)
		}
	}
	if none := (trace.Context{}); none.String() != "" {
		t.Errorf("no context is written as %q", none)
	}
}

func TestATracestateIsPassedOnIfItIsValid(t *testing.T) {
	for _, s := range []string{"", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "fw529a3039@dt=a b , a-_*/1=x", "a=1,,b=2"} {
		if got := trace.State(s); got != s {
			t.Errorf("%q is passed on as %q", s, got)
		}
	}
	for _, s := range []string{
		"a", "a=", "=1", "A=1", "1=1", "a b=1", "a=1,a=2", "a=1=2", "a=\x01", "a=é", "1@1=x", "@a=1", "a@=1",
		"a=" + strings.Repeat("x", 257), strings.Repeat("a", 257) + "=1", strings.Repeat("a", 242) + "@b=1", "a@" + strings.Repeat("b", 15) + "=1",
		strings.Repeat("a=1,", 32) + "b=1", "a=" + strings.Repeat("x", 250) + ",b=" + strings.Repeat("x", 250) + ",c=1234567890",
	} {
		if got := trace.State(s); got != "" {
			t.Errorf("%q is passed on as %q", s, got)
		}
	}
}
