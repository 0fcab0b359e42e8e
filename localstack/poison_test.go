package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/user"
	"github.com/interview-sandbox/annals/localstack/scenario"
	"github.com/interview-sandbox/annals/localstack/stacktest"
	"github.com/interview-sandbox/annals/localstack/tables"
)

// maxDelay is by how much a poison event may delay what happens to others.
const maxDelay = time.Second

func TestAPoisonEventHarmsItsOwnStreamAndNoOther(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	operator := operatorOf(t, s)
	ada, bob := scenario.Register(t, s.URL(), "ada@example.com"), scenario.Register(t, s.URL(), "bob@example.com")
	eventually(t, "the views show them", func() bool { return versionOf(t, s, ada.ID) == 1 && versionOf(t, s, bob.ID) == 1 })
	usual := delays(t, s, "usual")

	// One commit as a later build writes them, and one that was damaged on its way.
	put(t, s, next(t, s, ada.ID, newer{}))
	whole := next(t, s, bob.ID, events.UserNameChanged{Old: "Ada", New: "Bob"})
	damaged := maps.Clone(whole)
	damaged["count"] = &types.AttributeValueMemberN{Value: "7"}
	put(t, s, damaged)
	poisoned := delays(t, s, "poisoned")

	t.Logf("from the answer to the row: %v usually, %v with poison in the stream", slices.Max(usual), slices.Max(poisoned))
	if slices.Max(poisoned) > slices.Max(usual)+maxDelay {
		t.Errorf("rows of others took %v, usually %v", poisoned, usual)
	}
	wantParked(t, operator, map[string]float64{
		"users user#" + ada.ID: 2, "accounts user#" + ada.ID: 2, "users user#" + bob.ID: 2, "accounts user#" + bob.ID: 2,
	})
	expectNone(t, "table Parked", stored(t, s, "Parked"), []string{ada.Email, bob.Email, "Bob"})
	if v := versionOf(t, s, ada.ID); v != 1 {
		t.Errorf("the row of the poisoned stream shows version %d", v)
	}

	put(t, s, whole) // from a backup, as no stream record tells
	a := operator.Expect(t, 200, "POST", "/admin/parked/redrive", map[string]string{})
	if a.Body["healed"] != 2.0 || a.Body["parked"] != 2.0 {
		t.Errorf("the redrive tells %s", a.Raw)
	}
	wantParked(t, operator, map[string]float64{"users user#" + ada.ID: 2, "accounts user#" + ada.ID: 2})
	if got := operator.Expect(t, 200, "GET", bob.Path(""), nil); got.Text("name") != "Bob" || versionOf(t, s, bob.ID) != 2 {
		t.Errorf("what was repaired is shown as %s", got.Raw)
	}
	out, err := verified(s)
	for _, line := range []string{"users.1                   23 rows, 0 behind, 1 parked, 0 bad\n", "accounts.1                23 rows, 0 behind, 1 parked, 0 bad\n"} {
		if err != nil || !strings.Contains(out, line) {
			t.Errorf("in the end, error %v, want %s\n%s", err, line, out)
		}
	}
}

// delays opens ten accounts, some at the same time, and gives how long after the answer each
// is in the view.
func delays(t *testing.T, s *stacktest.Stack, name string) []time.Duration {
	t.Helper()
	all := make([]time.Duration, 10)
	var wg sync.WaitGroup
	slots := make(chan struct{}, 2)
	for i := range all {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			a, err := scenario.Client{URL: s.URL()}.Send(t.Context(), "POST", "/auth/users",
				map[string]string{"email": fmt.Sprintf("%s-%d@example.com", name, i), "password": "correct horse battery", "name": name})
			if err != nil || a.Status != 201 {
				t.Errorf("status %d, error %v", a.Status, err)
				return
			}
			answered := time.Now()
			for versionOf(t, s, a.Text("id")) == 0 && time.Since(answered) < 20*time.Second {
				time.Sleep(2 * time.Millisecond)
			}
			all[i] = time.Since(answered)
		})
	}
	wg.Wait()
	return all
}

// versionOf is the version that an account's row shows; 0: there is none.
func versionOf(t *testing.T, s *stacktest.Stack, id string) es.Version {
	t.Helper()
	rows := &dynamo.Rows{Client: client(s.Endpoints().DynamoDB), Table: prefix + "-views"}
	var row user.UserRow
	stored, err := rows.Load(t.Context(), projection.Key{View: user.Users.Name, Generation: 1, ID: id}, &row, true)
	if err != nil {
		t.Error(err)
	}
	return stored.Version
}

// next gives the item that a commit of this event to an account's stream would be stored as.
func next(t *testing.T, s *stacktest.Stack, id string, e events.Event) map[string]types.AttributeValue {
	t.Helper()
	const elsewhere = "annals-elsewhere"
	stream, c := es.NewStream("user", id), client(s.Endpoints().DynamoDB)
	tip := es.StartOf(stream)
	for c, err := range storeOf(s).Read(t.Context(), stream, es.Range{}) {
		if err == nil {
			tip, err = tip.Follow(c)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	p, err := tip.Next(es.Meta{CommandID: e.EventType(), CorrelationID: "test", Actor: "system:test"}, time.Now(), e)
	if err == nil {
		err = tables.Create(t.Context(), c, elsewhere)
	}
	if err == nil {
		err = (&dynamo.Store{Client: c, Table: elsewhere + "-events"}).Append(t.Context(), p)
	}
	if err != nil {
		t.Fatal(err)
	}
	found, err := c.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(elsewhere + "-events"), Key: map[string]types.AttributeValue{
		"stream":  &types.AttributeValueMemberS{Value: string(stream)},
		"version": &types.AttributeValueMemberN{Value: fmt.Sprint(p.Commit().Version)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return found.Item
}

// put puts an item into the events table, whatever it is and whatever is there.
func put(t *testing.T, s *stacktest.Stack, item map[string]types.AttributeValue) {
	t.Helper()
	in := &dynamodb.PutItemInput{TableName: aws.String(prefix + "-events"), Item: item}
	if _, err := client(s.Endpoints().DynamoDB).PutItem(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

// wantParked wants this to be parked and nothing else, "<view> <stream>" at a version.
func wantParked(t *testing.T, operator scenario.Person, want map[string]float64) {
	t.Helper()
	got := map[string]float64{}
	eventually(t, fmt.Sprintf("parked is %v", want), func() bool {
		clear(got)
		for _, item := range operator.Expect(t, 200, "GET", "/admin/parked", nil).Body["items"].([]any) {
			e := item.(map[string]any)
			got[fmt.Sprint(e["view"], " ", e["stream"])] = e["version"].(float64)
		}
		return maps.Equal(got, want)
	})
}
