package dynamo_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/localstack/tables"
)

type item = map[string]types.AttributeValue

// underneath is access to the events table that goes around the store, as an attacker's.
type underneath struct {
	t *testing.T
	*dynamodb.Client
	table  string
	stream es.Stream
}

func (u underneath) key(version int) item {
	return item{"stream": &types.AttributeValueMemberS{Value: string(u.stream)}, "version": &types.AttributeValueMemberN{Value: fmt.Sprint(version)}}
}

func (u underneath) get(version int) item {
	u.t.Helper()
	out, err := u.GetItem(u.t.Context(), &dynamodb.GetItemInput{TableName: &u.table, Key: u.key(version)})
	if err != nil || out.Item == nil {
		u.t.Fatalf("no item at version %d, error %v", version, err)
	}
	return out.Item
}

func (u underneath) put(version int, i item) {
	u.t.Helper()
	i = maps.Clone(i)
	maps.Copy(i, u.key(version))
	if _, err := u.PutItem(u.t.Context(), &dynamodb.PutItemInput{TableName: &u.table, Item: i}); err != nil {
		u.t.Fatal(err)
	}
}

func (u underneath) delete(version int) {
	u.t.Helper()
	if _, err := u.DeleteItem(u.t.Context(), &dynamodb.DeleteItemInput{TableName: &u.table, Key: u.key(version)}); err != nil {
		u.t.Fatal(err)
	}
}

func (u underneath) change(version int, attribute string, v types.AttributeValue) {
	u.t.Helper()
	i := u.get(version)
	i[attribute] = v
	u.put(version, i)
}

func attribute(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// Each forgery is done to a stream of five commits of two events: versions 1, 3, 5, 7, 9.
var forgeries = map[string]struct {
	forge    func(underneath)
	firstBad es.Version // 0: it can't be noticed without a witness
}{
	"nothing":           {func(underneath) {}, 0},
	"an actor changed":  {func(u underneath) { u.change(3, "actor", attribute("somebody else")) }, 3},
	"a time changed":    {func(u underneath) { u.change(5, "at", attribute("2026-01-02T03:04:06.999Z")) }, 5},
	"a command changed": {func(u underneath) { u.change(1, "commandId", attribute("another")) }, 1},
	"a trace added":     {func(u underneath) { u.change(9, "trace", attribute("added")) }, 9},
	"an event's data changed": {func(u underneath) {
		i := u.get(7)
		i["events"].(*types.AttributeValueMemberL).Value[1].(*types.AttributeValueMemberM).Value["data"] = attribute(`{"old":"","new":"forged"}`)
		u.put(7, i)
	}, 7},
	"a hash changed": {func(u underneath) { u.change(5, "hash", &types.AttributeValueMemberB{Value: make([]byte, 32)}) }, 5},
	"a commit forged with its hash": {func(u underneath) {
		i := u.get(5)
		i["actor"] = attribute("somebody else")
		c, err := dynamo.Decode(i)
		if err != nil {
			u.t.Fatal(err)
		}
		hash := c.ComputeHash()
		i["hash"] = &types.AttributeValueMemberB{Value: hash[:]}
		u.put(5, i)
	}, 7}, // the next one shows it
	"a commit dropped":           {func(u underneath) { u.delete(3) }, 3},
	"the first commit dropped":   {func(u underneath) { u.delete(1) }, 1},
	"the last commit dropped":    {func(u underneath) { u.delete(9) }, 0},
	"two commits swapped":        {func(u underneath) { a, b := u.get(3), u.get(7); u.put(3, b); u.put(7, a) }, 3},
	"a commit copied to the end": {func(u underneath) { u.put(11, u.get(9)) }, 11},
	"a commit put in":            {func(u underneath) { u.put(4, u.get(3)) }, 4},
	"an attribute added":         {func(u underneath) { u.change(5, "ttl", &types.AttributeValueMemberN{Value: "1"}) }, 5},
	"an event's attribute added": {func(u underneath) {
		i := u.get(7)
		i["events"].(*types.AttributeValueMemberL).Value[1].(*types.AttributeValueMemberM).Value["note"] = attribute("added")
		u.put(7, i)
	}, 7},
	"a time in another form": {func(u underneath) {
		at := u.get(5)["at"].(*types.AttributeValueMemberS).Value
		u.change(5, "at", attribute(strings.Replace(at, ".", ",", 1)))
	}, 5},
	"a commit dropped and the next one damaged": {func(u underneath) { u.delete(3); u.put(5, item{}) }, 3},
	"an item that is no commit":                 {func(u underneath) { u.put(11, item{}) }, 11},
	"an attribute removed": {func(u underneath) {
		i := u.get(5)
		delete(i, "count")
		u.put(5, i)
	}, 5},
}

func TestTheVerifierNamesTheFirstCommitThatDoesNotFit(t *testing.T) {
	s := store()
	for name, f := range forgeries {
		t.Run(name, func(t *testing.T) {
			stream := es.NewStream("user", "forged-"+strings.ReplaceAll(name, " ", "-"))
			history(t, s, stream, 5)
			f.forge(underneath{t, s.Client, eventsTable, stream})
			report, err := es.Verify(t.Context(), s, stream)
			if err != nil {
				t.Fatal(err)
			}
			if got := firstBad(report); got != f.firstBad {
				t.Errorf("first bad version %d, want %d: %+v", got, f.firstBad, report.FirstBad)
			}
		})
	}
}

func firstBad(r es.Report) es.Version {
	if r.OK() {
		return 0
	}
	return r.FirstBad.Version
}

func TestAWitnessShowsWhatTheChainAloneCannot(t *testing.T) {
	s := store()
	history(t, s, "user#witnessed", 5)
	commits := all(t, s, "user#witnessed")
	end, middle := commits[4], commits[2]
	seen := es.Witness{Version: end.Last(), Hash: &end.Hash}
	if r, err := es.Verify(t.Context(), s, "user#witnessed", seen, es.Witness{Version: middle.Last()}); err != nil || !r.OK() || r.Commits != 5 {
		t.Fatalf("an untouched stream: %+v, error %v", r, err)
	}
	other := es.Hash{1}
	if r, err := es.Verify(t.Context(), s, "user#witnessed", es.Witness{Version: middle.Last(), Hash: &other}); err != nil || firstBad(r) != middle.Version {
		t.Errorf("forged anew: %+v, error %v", r.FirstBad, err)
	}
	inside := es.Witness{Version: middle.Version, Hash: &middle.PrevHash}
	if r, err := es.Verify(t.Context(), s, "user#witnessed", inside); err != nil || firstBad(r) != middle.Version {
		t.Errorf("forged anew with other bounds of its commits: %+v, error %v", r.FirstBad, err)
	}
	underneath{t, s.Client, eventsTable, "user#witnessed"}.delete(9)
	if r, err := es.Verify(t.Context(), s, "user#witnessed", seen); err != nil || firstBad(r) != 9 {
		t.Errorf("cut off at the end: %+v, error %v", r.FirstBad, err)
	}
}

func TestASweepReportsEveryStreamOnceAndFindsEveryForgery(t *testing.T) {
	const prefix = "annals-sweep"
	if err := tables.Create(t.Context(), client(), prefix); err != nil {
		t.Fatal(err)
	}
	s := store()
	s.Table = prefix + "-events"
	want := map[es.Stream]es.Version{}
	for name, f := range forgeries {
		stream := es.NewStream("user", name)
		history(t, s, stream, 5)
		f.forge(underneath{t, s.Client, s.Table, stream})
		want[stream] = f.firstBad
	}
	for _, parts := range []int{1, 4} {
		got := map[es.Stream]es.Version{}
		err := es.Sweep(t.Context(), s, parts, func(r es.Report) {
			if _, twice := got[r.Stream]; twice {
				t.Errorf("%s is reported twice", r.Stream)
			}
			got[r.Stream] = firstBad(r)
		})
		if err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(got, want) {
			t.Errorf("%d parts: got  %v\nwant %v", parts, got, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := es.Sweep(ctx, s, 2, func(es.Report) {}); err == nil {
		t.Error("a canceled sweep says that it is complete")
	}
}
