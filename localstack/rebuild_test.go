package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/localstack/scenario"
	"github.com/interview-sandbox/annals/localstack/stacktest"
)

func TestARebuildGoesOnUnderLiveTrafficAndAfterKill9(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	fillWithAccounts(t, s, 2000)
	ada := scenario.Register(t, s.URL(), "ada@example.com")
	auditor := scenario.Register(t, s.URL(), "auditor@example.com")
	grant(t, s, auditor.ID, "auditor")
	operator := operatorOf(t, s)

	var url atomic.Value
	url.Store(s.URL())
	var killed atomic.Bool
	ctx, stop := context.WithCancel(t.Context())
	var traffic sync.WaitGroup
	defer traffic.Wait()
	defer stop()
	live := func(send func(scenario.Client, int) (scenario.Answer, error), want int) {
		traffic.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				before := killed.Load()
				a, err := send(scenario.Client{URL: url.Load().(string), Token: ada.Token}, n)
				if down := before || killed.Load() || ctx.Err() != nil; !down && (err != nil || a.Status != want) {
					t.Errorf("during the rebuild: status %d %s, error %v", a.Status, a.Raw, err)
				}
			}
		})
	}
	live(func(c scenario.Client, n int) (scenario.Answer, error) {
		return c.Send(ctx, "POST", "/auth/users", map[string]string{"email": fmt.Sprintf("live-%d@example.com", n), "password": "correct horse battery", "name": "L"},
			scenario.Header{Name: "Idempotency-Key", Value: fmt.Sprint("live-", n)})
	}, 201)
	live(func(c scenario.Client, _ int) (scenario.Answer, error) {
		return c.Send(ctx, "GET", ada.Path(""), nil)
	}, 200)

	started := operator.Expect(t, 202, "POST", "/admin/views/users/rebuild", nil, scenario.Header{Name: "Idempotency-Key", Value: "start"})
	again := operator.Expect(t, 202, "POST", "/admin/views/users/rebuild", nil, scenario.Header{Name: "Idempotency-Key", Value: "start"})
	if started.Raw != again.Raw || again.Header.Get("Idempotent-Replay") != "true" {
		t.Errorf("the repeat is answered with %v %s", again.Header, again.Raw)
	}
	operator.Refuse(t, 409, "view-rebuilding", "POST", "/admin/views/users/rebuild", nil)
	operator.Refuse(t, 409, "view-not-rebuilt", "POST", "/admin/views/users/switch", nil)

	// A rebuild that was faster than the kill is given up for another one.
	var trail []string
	for viewOf(t, operator.Client, "users")["status"] != "building" || !killedWhileItBuilds(t, s, &killed, &url) {
		if len(trail) > 60 {
			t.Fatal("no kill was faster than a rebuild")
		}
		operator = operatorOf(t, s)
		operator.Expect(t, 200, "POST", "/admin/views/users/cancel", nil)
		operator.Expect(t, 202, "POST", "/admin/views/users/rebuild", nil)
		trail = append(trail, "view.rebuild-started.v1", "view.rebuilt.v1", "view.generation-dropped.v1")
	}
	operator = operatorOf(t, s)
	generation := viewOf(t, operator.Client, "users")["other"].(float64)
	for deadline := time.Now().Add(3 * time.Minute); viewOf(t, operator.Client, "users")["status"] != "built"; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the rebuild does not go on: %v", viewOf(t, operator.Client, "users"))
		}
	}
	stop()
	traffic.Wait()
	eventually(t, "both generations are the same, row by row", func() bool {
		old, rebuilt := rowsOf(t, s, "users.1#"), rowsOf(t, s, fmt.Sprintf("users.%v#", generation))
		return len(old) > 2000 && reflect.DeepEqual(old, rebuilt)
	})

	for _, step := range []struct {
		command, status string
		generation      float64
	}{{"switch", "previous", generation}, {"rollback", "built", 1}, {"switch", "previous", generation}, {"cancel", "live", generation}} {
		operator.Expect(t, 200, "POST", "/admin/views/users/"+step.command, nil)
		if v := viewOf(t, operator.Client, "users"); v["status"] != step.status || v["generation"] != step.generation {
			t.Errorf("after %s the view is %v, want status %s, generation %v", step.command, v, step.status, step.generation)
		} else if rows := v["rows"].(float64); step.generation == generation && (rows < 2003 || v["lag"] == nil) {
			t.Errorf("after %s the view has %v rows, want those of all accounts before the rebuild at least; lag %v", step.command, rows, v["lag"])
		}
		ada.URL = s.URL()
		ada.Expect(t, 200, "GET", ada.Path(""), nil)
	}
	operator.Refuse(t, 409, "view-nothing-to-cancel", "POST", "/admin/views/users/cancel", nil)
	operator.Refuse(t, 409, "view-no-rollback", "POST", "/admin/views/users/rollback", nil)
	operator.Refuse(t, 404, "not-found", "POST", "/admin/views/nothing/rebuild", nil)
	wantTrail(t, s, "users", operator, append(trail, "view.rebuild-started.v1", "view.rebuilt.v1", "view.switched.v1", "view.rolled-back.v1", "view.switched.v1", "view.generation-dropped.v1")...)

	auditor.URL = s.URL()
	auditor = auditor.LogIn(t)
	for _, path := range []string{"/admin/views", "/admin/parked"} {
		auditor.Expect(t, 200, "GET", path, nil)
		ada.Refuse(t, 404, "not-found", "GET", path, nil)
	}
	for _, path := range []string{"/admin/views/users/rebuild", "/admin/views/users/switch", "/admin/parked/redrive"} {
		auditor.Refuse(t, 404, "not-found", "POST", path, map[string]string{})
		ada.Refuse(t, 404, "not-found", "POST", path, map[string]string{})
	}
}

// killedWhileItBuilds kills the stack and starts it again, and reports whether the rebuild was
// not finished then.
func killedWhileItBuilds(t *testing.T, s *stacktest.Stack, killed *atomic.Bool, url *atomic.Value) bool {
	t.Helper()
	killed.Store(true)
	s.Kill9()
	s.Restart()
	url.Store(s.URL())
	killed.Store(false)
	return viewOf(t, operatorOf(t, s).Client, "users")["status"] == "building"
}

func TestARebuildIsCanceledAndBegunAnew(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	operator := operatorOf(t, s)
	scenario.Register(t, s.URL(), "ada@example.com")
	built := func() {
		t.Helper()
		eventually(t, "the rebuild comes to its end", func() bool { return viewOf(t, operator.Client, "accounts")["status"] == "built" })
	}
	operator.Expect(t, 202, "POST", "/admin/views/accounts/rebuild", nil)
	built()
	operator.Expect(t, 202, "POST", "/admin/views/accounts/rebuild", nil) // gives up the one before
	built()
	v := viewOf(t, operator.Client, "accounts")
	operator.Refuse(t, 412, "version-mismatch", "POST", "/admin/views/accounts/cancel", nil, scenario.Header{Name: "If-Match", Value: `"1"`})
	operator.Expect(t, 200, "POST", "/admin/views/accounts/cancel", nil, scenario.Header{Name: "If-Match", Value: fmt.Sprintf(`"%v"`, v["version"])})
	if v := viewOf(t, operator.Client, "accounts"); v["other"] != nil || v["status"] != "live" || v["generation"] != 1.0 {
		t.Errorf("after it was canceled the view is %v", v)
	}
	wantTrail(t, s, "accounts", operator, "view.rebuild-started.v1", "view.rebuilt.v1", "view.generation-dropped.v1", "view.rebuild-started.v1", "view.rebuilt.v1", "view.generation-dropped.v1")
}

func TestWhatIsParkedIsListedAndTriedAgain(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	operator := operatorOf(t, s)
	store := storeOf(s)
	scenario.Register(t, s.URL(), "ada@example.com")
	// A commit that this build cannot read, as a newer one may have written.
	stream := es.NewStream("user", "0197a0f0-0000-7000-8000-000000000001")
	p, err := es.StartOf(stream).Next(es.Meta{CommandID: "newer"}, time.Now(), newer{})
	if err == nil {
		err = store.Append(t.Context(), p)
	}
	if err != nil {
		t.Fatal(err)
	}
	var items []any
	eventually(t, "it is parked for both views of accounts", func() bool {
		items = operator.Expect(t, 200, "GET", "/admin/parked", nil).Body["items"].([]any)
		return len(items) == 2
	})
	for _, item := range items {
		e := item.(map[string]any)
		if e["stream"] != string(stream) || e["version"] != 1.0 || e["attempts"] != 1.0 || e["error"] == "" || e["firstAt"] != e["lastAt"] {
			t.Errorf("parked: %v", e)
		}
	}
	if v := viewOf(t, operator.Client, "users"); v["parked"] != 1.0 {
		t.Errorf("the view is %v", v)
	}
	a := operator.Expect(t, 200, "POST", "/admin/parked/redrive", map[string]string{"view": "users"})
	if a.Body["healed"] != 0.0 || a.Body["parked"] != 1.0 || a.Body["complete"] != true {
		t.Errorf("tried again while it cannot be read: %s", a.Raw)
	}
	wantTrail(t, s, "users", operator, "view.redriven.v1")
	// The event goes away, as it would become known by a deploy.
	_, err = client(s.Endpoints().DynamoDB).DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String("annals-events"), Key: map[string]types.AttributeValue{
		"stream": &types.AttributeValueMemberS{Value: string(stream)}, "version": &types.AttributeValueMemberN{Value: "1"},
	}})
	if err == nil {
		p, err = es.StartOf(stream).Next(es.Meta{CommandID: "known"}, time.Now(), events.UserNameChanged{New: "Ada"})
	}
	if err == nil {
		err = store.Append(t.Context(), p)
	}
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is not parked any more", func() bool {
		operator.Expect(t, 200, "POST", "/admin/parked/redrive", map[string]string{})
		return len(operator.Expect(t, 200, "GET", "/admin/parked", nil).Body["items"].([]any)) == 0
	})
}

func TestMakeRebuildShowsWhatItDoesAndSaysWhatToDoNext(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	program := filepath.Join(t.TempDir(), "rebuild")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", program, "./rebuild").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, c := range []struct {
		args, want string
		code       int
	}{
		{"-view users", "users      is read from generation 2; generation 1 is kept up", 0},
		{"-view users -rollback", "is read from generation 1; generation 2 is kept up", 0},
		{"-view users -cancel", "canceled", 0},
		{"-view users -cancel", "rebuild: This view has one generation only.", 1},
		{"-view users -switch=false", "POST /admin/views/users/switch switches to it", 0},
		{"-view sers", "there is no view sers; there are accounts, ", 1},
		{"", "say which view, as in make rebuild VIEW=users; there are accounts, ", 1},
	} {
		cmd := exec.Command(program, strings.Fields(c.args)...)
		cmd.Env = append(os.Environ(), "DATA_DIR="+s.DataDir)
		out, _ := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != c.code || !strings.Contains(string(out), c.want) {
			t.Errorf("rebuild %s: code %d, want %d and %q:\n%s", c.args, cmd.ProcessState.ExitCode(), c.code, c.want, out)
		}
	}
	s.Terminate()
	cmd := exec.Command(program, "-view", "users")
	cmd.Env = append(os.Environ(), "DATA_DIR="+s.DataDir)
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "`make run` starts it") {
		t.Errorf("without a stack: error %v\n%s", err, out)
	}
}

// newer is an event that this build does not know.
type newer struct{}

func (newer) EventType() string { return "user.from-the-future.v1" }

func viewOf(t *testing.T, c scenario.Client, name string) map[string]any {
	t.Helper()
	for _, item := range c.Expect(t, 200, "GET", "/admin/views", nil).Body["items"].([]any) {
		if v := item.(map[string]any); v["name"] == name {
			return v
		}
	}
	t.Fatalf("there is no view %s", name)
	return nil
}

// wantTrail wants the events on a view's stream to be these, done by the operator or by the
// rebuild itself.
func wantTrail(t *testing.T, s *stacktest.Stack, view string, operator scenario.Person, want ...string) {
	t.Helper()
	var got []string
	for c, err := range storeOf(s).Read(t.Context(), es.NewStream("view", view), es.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range c.Events {
			got = append(got, e.Type)
			if (c.Actor == "system:rebuild") != (e.Type == "view.rebuilt.v1") || c.Actor == "anonymous" || c.Actor == "" {
				t.Errorf("%s was done by %q", e.Type, c.Actor)
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the trail of %s is %v, want %v", view, got, want)
	}
}

func storeOf(s *stacktest.Stack) *dynamo.Store {
	return &dynamo.Store{Table: "annals-events", Client: client(s.Endpoints().DynamoDB)}
}

// rowsOf reads the rows of the views table whose keys begin so, without that.
func rowsOf(t *testing.T, s *stacktest.Stack, prefix string) map[string]map[string]any {
	t.Helper()
	rows := map[string]map[string]any{}
	pages := dynamodb.NewScanPaginator(client(s.Endpoints().DynamoDB), &dynamodb.ScanInput{
		TableName: aws.String("annals-views"), FilterExpression: aws.String("begins_with(#row, :prefix)"), ConsistentRead: aws.Bool(true),
		ExpressionAttributeNames:  map[string]string{"#row": "row"},
		ExpressionAttributeValues: map[string]types.AttributeValue{":prefix": &types.AttributeValueMemberS{Value: prefix}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			id := strings.TrimPrefix(item["row"].(*types.AttributeValueMemberS).Value, prefix)
			rows[id] = map[string]any{"data": item["data"], "version": item["version"], "sort1": item["sort1"], "sort2": item["sort2"], "parked": item["parked"]}
		}
	}
	return rows
}

// fillWithAccounts stores accounts that take several pages of a scan.
func fillWithAccounts(t *testing.T, s *stacktest.Stack, n int) {
	t.Helper()
	store := storeOf(s)
	g, ctx := errgroup.WithContext(t.Context())
	g.SetLimit(4)
	for i := range n {
		g.Go(func() error {
			id := es.DeriveID("filled", fmt.Sprint(i))
			p, err := es.StartOf(es.NewStream("user", id)).Next(es.Meta{CommandID: id}, time.Now(),
				events.UserCreated{UserID: id, Email: fmt.Sprintf("filled-%d@example.com", i), Name: "F", PasswordHash: strings.Repeat("x", 3000)})
			if err != nil {
				return err
			}
			return store.Append(ctx, p)
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the accounts are in the view", func() bool { return len(rowsOf(t, s, "users.1#")) > n })
}

// grant gives an account a role, for which there is no command yet.
func grant(t *testing.T, s *stacktest.Stack, user, role string) {
	t.Helper()
	store, stream := storeOf(s), es.NewStream("user", user)
	tip := es.StartOf(stream)
	for c, err := range store.Read(t.Context(), stream, es.Range{}) {
		if err == nil {
			tip, err = tip.Follow(c)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	p, err := tip.Next(es.Meta{CommandID: "grant"}, time.Now(), events.UserRoleGranted{Role: role})
	if err == nil {
		err = store.Append(t.Context(), p)
	}
	if err != nil {
		t.Fatal(err)
	}
}
