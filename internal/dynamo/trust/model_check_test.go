package trust_test

import (
	"slices"
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
)

// A checker that accepts anything would show nothing, so here is a history that can have
// been, and what must not be accepted: the same with one lie in it.
func TestTheCheckerRejectsWhatCannotHaveBeen(t *testing.T) {
	give := func(account, id string, names ...string) input {
		return input{Account: account, ID: id, Order: order{Names: names}}
	}
	see := func(account string) input { return input{Account: account, Read: true} }
	expecting := func(in input, v es.Version) input { in.Expect = &v; return in }
	operations := []porcupine.Operation{
		{Call: 0, Return: 9, Input: give("1", "x", "only-a"), Output: output{Version: 1}},
		{Call: 1, Return: 8, Input: give("1", "x", "only-a"), Output: output{Version: 1, Replay: true}}, // at the same time
		{Call: 2, Return: 7, Input: see("1"), Output: output{}},                                         // not yet
		{Call: 10, Return: 11, Input: see("1"), Output: output{Version: 1, Names: estest.Names{"only-a"}}},
		{Call: 12, Return: 13, Input: give("2", "y", "only-a"), Output: output{Refusal: estest.ErrTaken}},
		{Call: 14, Return: 15, Input: give("1", "x", "b"), Output: output{Refusal: es.ErrKeyReused}},
		{Call: 16, Return: 17, Input: expecting(give("1", "z", "b"), 0), Output: output{Refusal: es.ErrStale}},
		{Call: 18, Return: 19, Input: expecting(give("1", "z", "b", "c"), 1), Output: output{Version: 3}},
		{Call: 20, Return: 21, Input: give("1", "x", "only-a"), Output: output{Version: 1, Replay: true}}, // later
		{Call: 22, Return: 23, Input: give("1", "w", "c"), Output: output{Version: 3}},                    // nothing to do
		{Call: 24, Return: 25, Input: see("1"), Output: output{Version: 3, Names: estest.Names{"only-a", "b", "c"}}},
	}
	if !porcupine.CheckOperations(model, operations) {
		t.Fatal("a history that can have been is rejected")
	}
	for lie, at := range map[string]struct {
		operation int
		out       output
	}{
		"a command carried out twice":                      {1, output{Version: 2}},
		"an effect before its cause":                       {2, output{Version: 3, Names: estest.Names{"only-a", "b", "c"}}},
		"a stale read":                                     {3, output{}},
		"a name taken twice":                               {4, output{Version: 1}},
		"another command with the same id":                 {5, output{Version: 2}},
		"a version that is not the expected one, accepted": {6, output{Version: 2}},
		"a version that is the expected one, refused":      {7, output{Refusal: es.ErrStale}},
		"a repeat carried out":                             {8, output{Version: 4}},
		"a repeat of what never was":                       {9, output{Version: 3, Replay: true}},
		"a lost command":                                   {10, output{Version: 1, Names: estest.Names{"only-a"}}},
		"commands in another order":                        {10, output{Version: 3, Names: estest.Names{"only-a", "c", "b"}}},
	} {
		history := slices.Clone(operations)
		history[at.operation].Output = at.out
		if porcupine.CheckOperations(model, history) {
			t.Errorf("%s is accepted", lie)
		}
	}
}
