package main

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/topology"
	"github.com/interview-sandbox/annals/internal/user"
	"github.com/interview-sandbox/annals/localstack/front"
	"github.com/interview-sandbox/annals/localstack/scenario"
)

// gate is a function that can be held up.
type gate struct {
	lambda.Handler
	open atomic.Value // of chan struct{}, closed while the gate is open
}

func (g *gate) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	<-g.open.Load().(chan struct{})
	return g.Handler.Invoke(ctx, payload)
}

func (g *gate) hold() { g.open.Store(make(chan struct{})) }

func (g *gate) release() { close(g.open.Load().(chan struct{})) }

// gated is everything that runs but rebuilds, in this process, with a gate before the
// projector.
func gated(t *testing.T) (api string, rows *dynamo.Rows, g *gate) {
	t.Helper()
	running, fail := context.WithCancelCause(context.Background())
	s := &stack{settings: settings{dataDir: filepath.Join(t.TempDir(), "data"), signing: []string{"1"}}, out: t.Output(), fail: fail}
	t.Cleanup(func() {
		if err := errors.Join(context.Cause(running), s.stop()); err != nil {
			t.Error(err)
		}
	})
	if err := s.openDataDir(); err != nil {
		t.Fatal(err)
	}
	dynamodb, err := s.startDynamoDB(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ses, err := s.listenSES()
	if err != nil {
		t.Fatal(err)
	}
	nowhere := "http://127.0.0.1:1"
	functions, err := s.deploy(t.Context(), s.config(endpoints{nowhere, dynamodb, nowhere, nowhere, "http://" + ses.Addr().String()}))
	if err != nil {
		t.Fatal(err)
	}
	s.startSES(ses, functions)
	g = &gate{Handler: functions["projector"]}
	g.hold()
	g.release()
	functions["projector"] = g
	if err := s.startSources(t.Context(), dynamodb, functions); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(front.New(topology.Routes(), functions, s.log))
	s.onStop(func() error { server.Close(); return nil })
	return server.URL, &dynamo.Rows{Client: client(dynamodb), Table: prefix + "-views"}, g
}

// lateness is how long the projector stands still.
const lateness = 5 * time.Second

func TestEveryReadSeesTheCommandBeforeItHoweverLateTheProjectorIs(t *testing.T) {
	t.Parallel()
	api, rows, g := gated(t)
	shown := func(p scenario.Person) es.Version {
		var row user.UserRow
		stored, err := rows.Load(t.Context(), projection.Key{View: user.Users.Name, Generation: 1, ID: p.ID}, &row, true)
		if err != nil {
			t.Fatal(err)
		}
		return stored.Version
	}
	var people []scenario.Person
	for i := range 3 {
		people = append(people, scenario.Register(t, api, fmt.Sprintf("known-%d@example.com", i)))
	}
	eventually(t, "the view shows them", func() bool {
		return shown(people[0]) == 1 && shown(people[1]) == 1 && shown(people[2]) == 1
	})

	g.hold()
	held, reads := time.Now(), atomic.Int64{}
	sees := func(p scenario.Person, version int, name string) {
		a, err := p.Send(t.Context(), "GET", p.Path(fmt.Sprint("?atLeast=", version)), nil)
		if err != nil || a.Status != 200 || a.Body["version"] != float64(version) || a.Header.Get("ETag") != fmt.Sprintf("%q", fmt.Sprint(version)) || a.Text("name") != name {
			t.Errorf("after version %d, %s, a read gives %d %s, error %v", version, name, a.Status, a.Raw, err)
		}
		reads.Add(1)
	}
	newest := make([]int, len(people))
	var wg sync.WaitGroup
	for i, p := range people {
		wg.Go(func() {
			for n := 2; time.Since(held) < lateness; n++ {
				name := fmt.Sprintf("Ada %d-%d", i, n)
				a, err := p.Send(t.Context(), "PATCH", "/users/"+p.ID, map[string]string{"name": name})
				if err != nil || a.Header.Get("ETag") != fmt.Sprintf(`"%d"`, n) {
					t.Errorf("change %d: %d %s, error %v", n, a.Status, a.Raw, err)
					return
				}
				sees(p, n, name)
				newest[i] = n
			}
		})
	}
	wg.Go(func() {
		for n := 0; time.Since(held) < lateness; n++ {
			p := scenario.Register(t, api, fmt.Sprintf("new-%d@example.com", n))
			sees(p, 1, "Ada")
		}
	})
	wg.Wait()
	for i, p := range people {
		if v := shown(p); v != 1 {
			t.Errorf("the view has version %d of somebody who had %d: the projector was not late", v, newest[i])
		}
	}
	t.Logf("%d reads right after a command, the projector %v late", reads.Load(), time.Since(held).Round(time.Millisecond))

	g.release()
	eventually(t, "the view shows everything", func() bool {
		return shown(people[0]) == es.Version(newest[0]) && shown(people[1]) == es.Version(newest[1]) && shown(people[2]) == es.Version(newest[2])
	})
	for i, p := range people {
		if a := p.Expect(t, 200, "GET", p.Path(""), nil); a.Body["version"] != float64(newest[i]) {
			t.Errorf("once it has caught up: %s", a.Raw)
		}
	}
}
