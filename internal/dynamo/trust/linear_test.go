package trust_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// checkerLimit is how long the checker may take for one world.
const checkerLimit = 30 * time.Second

var model = porcupine.Model{
	Init:  func() any { return world{} },
	Step:  func(state, in, out any) (bool, any) { return state.(world).step(in.(input), out.(output)) },
	Equal: func(a, b any) bool { return a.(world).equal(b.(world)) },
	Hash:  func(state any) uint64 { return state.(world).hash() },
}

// histories are what the checker has to find an order for, by world. Of a command with an
// unknown outcome nobody knows when it ends, so it lasts until all is over, if it has stored
// something. What failed or remained without effect says nothing about the order.
func (tr *trial) histories(all map[string]stored) map[int][]porcupine.Operation {
	worlds := map[int][]porcupine.Operation{}
	start, end := tr.history[0].call, time.Now()
	for _, o := range tr.history {
		out, ret := o.out, o.ret
		if out.Unknown || out.Failed {
			c, there := all[o.in.Account].by[o.in.ID]
			if !o.stored() || !there {
				continue
			}
			out, ret = output{Version: c.Last()}, end
		}
		worlds[o.world] = append(worlds[o.world], porcupine.Operation{
			ClientId: o.writer, Input: o.in, Output: out, Call: int64(o.call.Sub(start)), Return: int64(ret.Sub(start)), Metadata: o,
		})
	}
	return worlds
}

// linearizable checks that there is an order of the operations, none of them moved out of
// its time, in which one after the other they give what the writers were told.
func linearizable(history []porcupine.Operation) error {
	shorter := narrowed(history)
	result, info := porcupine.CheckOperationsVerbose(model, shorter, checkerLimit)
	if result == porcupine.Ok {
		return nil
	}
	why := explain(shorter, info)
	if result = porcupine.CheckOperationsTimeout(model, history, checkerLimit); result == porcupine.Ok {
		return nil
	}
	return fmt.Errorf("the checker says %s: %s", result, why)
}

// explain tells the longest order that the checker found, and what does not fit behind it.
func explain(history []porcupine.Operation, info porcupine.LinearizationInfo) string {
	byLength := func(a, b []porcupine.Operation) int { return cmp.Compare(len(a), len(b)) }
	longest := slices.MaxFunc(append(info.PartialLinearizationsOperations()[0], nil), byLength)
	type key struct {
		client int
		call   int64
	}
	placed := map[key]bool{}
	for _, op := range longest {
		placed[key{op.ClientId, op.Call}] = true
	}
	left := slices.DeleteFunc(slices.Clone(history), func(op porcupine.Operation) bool { return placed[key{op.ClientId, op.Call}] })
	slices.SortFunc(left, func(a, b porcupine.Operation) int { return cmp.Compare(a.Return, b.Return) })
	var b strings.Builder
	fmt.Fprintf(&b, "%d operations have an order that ends in\n", len(longest))
	for _, op := range longest[max(0, len(longest)-12):] {
		fmt.Fprintln(&b, "\t"+describe(op))
	}
	fmt.Fprintf(&b, "and these cannot follow:\n")
	for _, op := range left[:min(12, len(left))] {
		fmt.Fprintln(&b, "\t"+describe(op))
	}
	return b.String()
}

func describe(op porcupine.Operation) string {
	in, out := op.Input.(input), op.Output.(output)
	when := fmt.Sprintf("%9.3f–%9.3f ms  account %s ", float64(op.Call)/1e6, float64(op.Return)/1e6, in.Account)
	expect := ""
	if in.Expect != nil {
		expect = fmt.Sprintf(" if at version %d", *in.Expect)
	}
	switch {
	case in.Read:
		return when + fmt.Sprintf("read: version %d, names …%q", out.Version, out.Names[max(0, len(out.Names)-4):])
	case out.Refusal != nil:
		return when + fmt.Sprintf("command %s %+v%s: %s", in.ID, in.Order, expect, out.Refusal.Code)
	default:
		return when + fmt.Sprintf("command %s %+v%s: version %d, replay %v", in.ID, in.Order, expect, out.Version, out.Replay)
	}
}

// check makes sure that all that a trial stored is whole, that nobody was told anything
// wrong, and that it is linearizable. It ends with the first world that is not.
func (tr *trial) check(ctx context.Context) error {
	all, err := tr.whole(ctx)
	errs := []error{err, tr.told(all)}
	for world, history := range tr.histories(all) {
		if err := linearizable(history); err != nil {
			errs = append(errs, fmt.Errorf("world %d: %w", world, err))
			break
		}
	}
	return first(errs)
}

func checkTrials(t *testing.T, s shape) {
	var sum tally
	eachTrial(t, func(t *testing.T, seed uint64) {
		tr, err := runTrial(t.Context(), seed, plan(seed, s))
		if err == nil {
			err = tr.check(t.Context())
		}
		if err != nil {
			t.Error(err)
		}
		sum.add(tr)
	})
	sum.report(t)
}

func TestManyWritersOnManyStreamsAreLinearizable(t *testing.T) {
	checkTrials(t, shape{writers: 32, worlds: 32, accounts: 2, errands: 25})
}

func TestManyWritersOnOneStreamAreLinearizable(t *testing.T) {
	checkTrials(t, shape{writers: 32, worlds: 1, accounts: 1, errands: 6})
}
