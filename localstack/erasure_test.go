package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/app"
	"github.com/interview-sandbox/annals/internal/app/all"
	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/keys"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/sandbox"
	"github.com/interview-sandbox/annals/internal/ses/feedback"
	"github.com/interview-sandbox/annals/internal/topology"
	"github.com/interview-sandbox/annals/localstack/dynoxide"
	"github.com/interview-sandbox/annals/localstack/front"
	"github.com/interview-sandbox/annals/localstack/function"
	"github.com/interview-sandbox/annals/localstack/mail"
	"github.com/interview-sandbox/annals/localstack/objects"
	"github.com/interview-sandbox/annals/localstack/scenario"
	"github.com/interview-sandbox/annals/localstack/tables"
)

// A deployment is every function of the topology with a database, driven step by step: the test
// says when records are delivered, what time it is, and when a process dies.
type deployment struct {
	t        *testing.T
	config   app.Config
	objects  string // the folder of the bytes of files
	api      http.Handler
	wire     *wire
	database *dynamodb.Client // not through the wire
	operator scenario.Person
	loggedIn time.Time // when the operator last did
	log      *lines
	granted  string // where functions ask for what is in tables, see [grants]

	mu        sync.Mutex
	now       time.Time
	functions map[string]*app.Counted
	delivered map[string]map[string]bool // commits, by function
}

// deployAll deploys to a DynamoDB, which may have other deployments.
func deployAll(t *testing.T, server *dynoxide.Server, name string) *deployment {
	t.Helper()
	d := &deployment{
		t: t, wire: &wire{to: server.URL()}, database: client(server.URL()), log: new(lines), objects: t.TempDir(),
		now: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), functions: map[string]*app.Counted{},
		delivered: map[string]map[string]bool{"projector": {}, "reactor": {}},
	}
	// Mailboxes are out of reach, and nothing comes back from them.
	mails := &mail.Server{Dir: mail.Dir(t.TempDir()), Now: time.Now, Emit: func(string, feedback.Detail) {}}
	t.Cleanup(mails.Wait)
	address := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { d.api.ServeHTTP(w, r) }))
	d.config = app.Config{
		Prefix: name, Region: region, Endpoint: serve(t, d.wire), Credentials: credentials,
		S3: serve(t, d.openS3()), Buckets: bucketNames(), SES: serve(t, mails), MailFrom: "Annals <annals@localhost>",
		PublicURL: address, Payments: app.Payments{SandboxHook: address + "/payments/webhooks/" + sandbox.Name},
		KeyFile: filepath.Join(t.TempDir(), "master.key"), SigningFiles: []string{filepath.Join(t.TempDir(), "1.pem")}, Now: d.time, Rand: rand.Reader, Log: slog.New(slog.NewJSONHandler(d.log, nil)),
	}
	if err := errors.Join(tables.Create(t.Context(), d.database, name), tables.StopStreams(t.Context(), d.database, name)); err != nil {
		t.Fatal(err)
	}
	d.operator = scenario.Person{Email: "operator@annals.example", Password: "correct horse operator"}
	if err := app.Bootstrap(t.Context(), d.config, d.operator.Email, d.operator.Password); err != nil {
		t.Fatal(err)
	}
	dynamodb, err := url.Parse(d.config.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	d.granted = serve(t, granted(dynamodb, name))
	handlers := map[string]lambda.Handler{}
	for _, declared := range topology.Functions() {
		d.start(declared.Name)
		handlers[declared.Name] = function.New(declared, d.functions[declared.Name])
	}
	d.api = front.New(topology.Routes(), handlers, d.config.Log)
	d.operator.Client = scenario.Client{URL: address}
	d.logIn()
	return d
}

// logIn gives the operator a token that is good for the next minutes.
func (d *deployment) logIn() {
	d.t.Helper()
	if d.time().Sub(d.loggedIn) > 2*time.Minute {
		d.operator, d.loggedIn = d.operator.LogIn(d.t), d.time()
	}
}

func startDynoxide(t *testing.T) *dynoxide.Server {
	t.Helper()
	server, err := dynoxide.Start(t.Context(), dynoxide.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	return server
}

func serve(t *testing.T, handler http.Handler) (url string) {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// openS3 opens the buckets of a deployment, whose function is told of an upload before the
// answer to it.
func (d *deployment) openS3() http.Handler {
	d.t.Helper()
	var buckets []objects.Bucket
	for _, b := range topology.Buckets() {
		buckets = append(buckets, objects.Bucket{Name: b.Name(prefix), Versioned: true, Created: func(o objects.Object) {
			stored := lambdaevents.S3Event{Records: []lambdaevents.S3EventRecord{{EventName: "ObjectCreated:Put", S3: lambdaevents.S3Entity{
				Bucket: lambdaevents.S3Bucket{Name: o.Bucket}, Object: lambdaevents.S3Object{Key: o.Key, Size: o.Size, VersionID: o.Version},
			}}}}
			body, err := json.Marshal(stored)
			if err == nil {
				body, err = json.Marshal(lambdaevents.SQSEvent{Records: []lambdaevents.SQSMessage{{MessageId: "1", Body: string(body)}}})
			}
			if err == nil {
				_, err = d.functions["uploads"].Invoke(d.t.Context(), body)
			}
			if err != nil {
				d.t.Error(err)
			}
		}})
	}
	store, err := objects.Open(d.objects, time.Now, buckets...) // the SDK signs by no other clock
	if err != nil {
		d.t.Fatal(err)
	}
	store.Keys = map[string]string{localKey: localSecret}
	return store.Handler(slog.New(slog.NewJSONHandler(d.log, nil)))
}

// start starts a function, or starts it again with nothing in its memory.
func (d *deployment) start(name string) {
	d.t.Helper()
	config := d.config
	config.Endpoint = d.granted + "/" + name
	built, err := all.Functions()[name](d.t.Context(), config)
	if err != nil {
		d.t.Fatal(err)
	}
	d.functions[name] = built
}

func (d *deployment) time() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *deployment) pass(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = d.now.Add(by)
}

// commits gives what is in the events table and was not delivered to a function yet, in the
// order in which it was written.
func (d *deployment) commits(function string) (items []map[string]types.AttributeValue, all []es.Commit) {
	d.t.Helper()
	type both struct {
		item   map[string]types.AttributeValue
		commit es.Commit
	}
	var found []both
	for _, item := range d.scan("Events") {
		c, err := dynamo.Decode(item)
		if err != nil {
			d.t.Fatal(err)
		}
		if !d.delivered[function][placeOf(c)] {
			found = append(found, both{item, c})
		}
	}
	slices.SortFunc(found, func(a, b both) int {
		return cmp.Or(a.commit.At.Compare(b.commit.At), cmp.Compare(a.commit.Stream, b.commit.Stream), cmp.Compare(a.commit.Version, b.commit.Version))
	})
	for _, f := range found {
		items, all = append(items, f.item), append(all, f.commit)
	}
	return items, all
}

func placeOf(c es.Commit) string { return fmt.Sprint(c.Stream, " ", c.Version) }

// deliver invokes a function with all that was not delivered to it, and reports whether it took
// that. What it did not take comes again.
func (d *deployment) deliver(ctx context.Context, function string) bool {
	d.t.Helper()
	items, commits := d.commits(function)
	type change struct {
		SequenceNumber string
		NewImage       json.RawMessage
	}
	type record struct {
		Change change `json:"dynamodb"`
	}
	batch := struct{ Records []record }{Records: []record{}}
	for i, item := range items {
		image, err := attributevalue.MarshalMapJSON(item)
		if err != nil {
			d.t.Fatal(err)
		}
		if d.wants(function, commits[i]) {
			batch.Records = append(batch.Records, record{change{placeOf(commits[i]), image}})
		}
	}
	payload, err := json.Marshal(batch)
	if err != nil {
		d.t.Fatal(err)
	}
	answer, err := d.functions[function].Invoke(ctx, payload)
	if err != nil || !strings.Contains(string(answer), `"batchItemFailures":[]`) {
		return false
	}
	for _, c := range commits {
		d.delivered[function][placeOf(c)] = true
	}
	return true
}

// wants is the filter of a function's event source.
func (d *deployment) wants(function string, c es.Commit) bool {
	for _, s := range topology.EventSources() {
		if s.Function == function {
			return len(s.StreamTypes) == 0 || slices.ContainsFunc(c.Events, func(e es.Data) bool { return slices.Contains(s.StreamTypes, e.Type) })
		}
	}
	return false
}

// tick runs the clock and reports whether all that was due is done.
func (d *deployment) tick(ctx context.Context) bool {
	ctx, cancel := context.WithDeadline(ctx, time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC))
	defer cancel()
	_, err := d.functions["clock"].Invoke(ctx, []byte(`{"id":"tick","detail":{}}`))
	return err == nil
}

// scan reads a whole table.
func (d *deployment) scan(id string) (items []map[string]types.AttributeValue) {
	d.t.Helper()
	for _, table := range topology.Tables() {
		if table.ID != id {
			continue
		}
		name := table.Name(d.config.Prefix)
		for pages := dynamodb.NewScanPaginator(d.database, &dynamodb.ScanInput{TableName: &name}); pages.HasMorePages(); {
			page, err := pages.NextPage(d.t.Context())
			if err != nil {
				d.t.Fatal(err)
			}
			items = append(items, page.Items...)
		}
	}
	return items
}

// wire is the way to the database. It can be cut at a request that writes.
type wire struct {
	to string

	mu      sync.Mutex
	writes  int    // the last of which it is cut before; 0: it is not cut
	cut     func() // what happens then
	without string // requests for this table are refused; "": none
}

// refuse makes the database refuse requests for a table, until it is told another.
func (w *wire) refuse(table string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.without = table
}

func (w *wire) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	w.mu.Lock()
	last, refused := false, w.without != "" && strings.Contains(string(body), `"`+w.without+`"`)
	if w.writes > 0 && slices.Contains([]string{"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}, operation) && !bytes.Contains(body, []byte(`-stats"`)) {
		w.writes--
		last = w.writes == 0
	}
	cut := w.cut
	w.mu.Unlock()
	if refused {
		out.WriteHeader(http.StatusBadRequest)
		io.WriteString(out, `{"__type":"com.amazonaws.dynamodb.v20120810#AccessDeniedException","message":"refused"}`)
		return
	}
	if last {
		cut()
		panic(http.ErrAbortHandler)
	}
	forwarded, err := http.NewRequestWithContext(context.WithoutCancel(r.Context()), r.Method, w.to+r.URL.Path, bytes.NewReader(body))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	forwarded.Header = r.Header.Clone()
	forwarded.Host = r.Host
	answer, err := http.DefaultClient.Do(forwarded)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer answer.Body.Close()
	for name, values := range answer.Header {
		out.Header()[name] = values
	}
	out.WriteHeader(answer.StatusCode)
	io.Copy(out, answer.Body)
}

// lines is a log that is read while it is written.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// run invokes the reactor or the clock, which dies before so many writes, unless that is 0, and
// is then started again with nothing in its memory.
func (d *deployment) run(writes *int, function string) (took, died bool) {
	d.t.Helper()
	ctx, kill := context.WithCancel(d.t.Context())
	defer kill()
	d.wire.mu.Lock()
	d.wire.writes, d.wire.cut = *writes, kill
	d.wire.mu.Unlock()
	if function == "clock" {
		took = d.tick(ctx)
	} else {
		took = d.deliver(ctx, function)
	}
	d.wire.mu.Lock()
	died = *writes > 0 && d.wire.writes == 0
	*writes, d.wire.writes = d.wire.writes, 0
	d.wire.mu.Unlock()
	if died {
		d.start(function)
	}
	return took, died
}

// subject is a person about whom a lot is kept.
type subject struct {
	scenario.Person
	values []string // what tells something about the person
}

// enrol opens an account and has everything kept of its owner that can be. Whatever is added
// to it is to be added to the values as well.
func (d *deployment) enrol(unique string) subject {
	t := d.t
	t.Helper()
	nobody := scenario.Client{URL: d.operator.URL}
	before, after, agent, name, reason := "before-"+unique+"@example.com", "after-"+unique+"@example.com", "Astrolabe-"+unique, "Hypatia "+unique, "Geometry "+unique
	created := nobody.Expect(t, 201, "POST", "/auth/users", map[string]string{"email": before, "password": "open sesame 1", "name": name})
	p := scenario.Person{Client: nobody, ID: created.Text("id"), Email: before, Password: "open sesame 1"}
	login := nobody.Expect(t, 200, "POST", "/auth/login", map[string]string{"email": before, "password": p.Password}, scenario.Header{Name: "User-Agent", Value: agent})
	p.Token = login.Text("accessToken")
	p.Expect(t, 200, "POST", p.Path("/email"), map[string]string{"email": after})
	for i := range 12 { // enough for a snapshot
		p.Expect(t, 200, "PATCH", "/users/"+p.ID, map[string]string{"name": fmt.Sprint(name, " ", i), "locale": "tlh-AQ"})
	}
	diary := "Dear diary " + unique
	a := p.Expect(t, 201, "POST", "/files", scenario.Announcement("Diary of "+unique, diary))
	scenario.FormOf(t, a).Must(t, 204, "", diary)
	p.Expect(t, 202, "POST", "/payments", map[string]any{"amount": 1200, "currency": "CHF", "method": "approve", "capture": "automatic", "description": "Astrolabe of " + unique}, scenario.Header{Name: "Idempotency-Key", Value: "pay"})
	p.Expect(t, 204, "POST", "/auth/logout", nil)
	p.Email = after
	p.Expect(t, 200, "POST", "/auth/login", map[string]string{"email": after, "password": p.Password}, scenario.Header{Name: "User-Agent", Value: agent})
	d.operator.Expect(t, 200, "POST", "/users/"+p.ID+"/suspend", map[string]string{"reason": reason})
	d.operator.Expect(t, 200, "POST", "/users/"+p.ID+"/reactivate", nil)
	for _, function := range []string{"projector", "reactor"} {
		if !d.deliver(t.Context(), function) {
			t.Fatalf("the %s fails: %s", function, d.log)
		}
	}
	return subject{p, []string{before, after, agent, name, reason, diary, "Diary of " + unique, "Astrolabe of " + unique}}
}

// happened reports whether there is such an event on a person's stream.
func (d *deployment) happened(p subject, event events.Event) bool {
	d.t.Helper()
	store := &dynamo.Store{Client: d.database, Table: d.config.Prefix + "-events"}
	for c, err := range store.Read(d.t.Context(), es.NewStream("user", p.ID), es.Range{}) {
		if err != nil {
			d.t.Fatal(err)
		}
		if slices.ContainsFunc(c.Events, func(e es.Data) bool { return e.Type == event.EventType() }) {
			return true
		}
	}
	return false
}

// erase has a person erased by a deployment whose reactor or clock dies once, before that many
// of their writes, and reports whether it did. With 0 it does not.
func (d *deployment) erase(p subject, writes int) (died bool) {
	t := d.t
	t.Helper()
	d.operator.Expect(t, 202, "DELETE", "/users/"+p.ID, nil)
	for range 15 {
		if !d.deliver(t.Context(), "projector") {
			t.Fatalf("the projector fails: %s", d.log)
		}
		for _, function := range []string{"reactor", "clock"} {
			took, dead := d.run(&writes, function)
			if !took && !dead {
				t.Fatalf("the %s fails: %s", function, d.log)
			}
			died = died || dead
		}
		if d.happened(p, events.UserErased{}) {
			break
		}
		d.pass(time.Minute)
	}
	return died
}

// prove demands that nothing is left of a person: none of the values is in clear anywhere,
// nothing that was sealed opens, and what happened is still there, whole.
func (d *deployment) prove(p subject) {
	t := d.t
	t.Helper()
	if !d.happened(p, events.UserErased{}) {
		t.Errorf("the erasure has not come to its end: %s", d.log)
	}
	for function := range d.delivered {
		if !d.deliver(t.Context(), function) {
			t.Fatalf("the %s fails: %s", function, d.log)
		}
	}
	for _, table := range topology.Tables() {
		for _, item := range d.scan(table.ID) {
			text, err := attributevalue.MarshalMapJSON(item)
			if err != nil {
				t.Fatal(err)
			}
			expectNone(t, "table "+table.ID, string(text), p.values)
		}
	}
	err := filepath.WalkDir(d.objects, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		bytes, err := os.ReadFile(path)
		expectNone(t, "an object", string(bytes), p.values)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	expectNone(t, "the log", d.log.String(), p.values)
	d.proveSealed(p)
	d.logIn()
	for _, path := range []string{"", "/history?limit=100", "/export"} {
		a := d.operator.Expect(t, 200, "GET", "/users/"+p.ID+path, nil)
		expectNone(t, path, a.Raw, p.values)
		if !strings.Contains(a.Raw, events.Erased) {
			t.Errorf("%s does not tell of the erasure: %s", path, a.Raw)
		}
	}
	a := d.operator.Expect(t, 200, "GET", "/admin/streams/user%23"+p.ID+"/verify", nil)
	if a.Body["ok"] != true {
		t.Errorf("the stream is not as it was written: %s", a.Raw)
	}
}

// proveSealed tries to open all that was sealed for a person.
func (d *deployment) proveSealed(p subject) {
	t := d.t
	t.Helper()
	wrapper, err := keys.OpenFile(d.config.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	vault, err := (&keys.Ring{Table: &dynamo.Keys{Client: d.database, Table: d.config.Prefix + "-keys"}, Wrapper: wrapper}).Subjects(d.time)
	if err != nil {
		t.Fatal(err)
	}
	sealed := 0
	_, all := d.commits("")
	for _, c := range all {
		for _, e := range c.Events {
			if whose := cmp.Or(e.Subject, c.Stream.ID()); e.Sealed == nil || whose != p.ID {
				continue
			}
			sealed++
			if _, err := vault.Open(t.Context(), p.ID, nil, e.Sealed); !errors.Is(err, es.ErrErased) {
				t.Errorf("an event of %s can be opened: %v", c.Stream, err)
			}
		}
	}
	if sealed < 10 {
		t.Errorf("only %d events were sealed", sealed)
	}
}

// check compares all read models with the events.
func (d *deployment) check() {
	d.t.Helper()
	d.deliver(d.t.Context(), "projector")
	checker, _, err := app.Checker(d.config)
	if err != nil {
		d.t.Fatal(err)
	}
	checked, err := checker.Check(d.t.Context(), func(f projection.Fault) { d.t.Errorf("%v: %s", f.Key, f.Reason) }, func(int) {})
	if err != nil {
		d.t.Fatal(err)
	}
	for _, c := range checked {
		if c.Behind > 0 || c.Parked > 0 || c.Bad > 0 {
			d.t.Errorf("%+v", c)
		}
	}
}

// To die before a write is to die after the one before it, and after any call outside in between.
func TestAnErasureLeavesNothingAlsoWhenAProcessDiesBeforeAnyOfItsWrites(t *testing.T) {
	t.Parallel()
	server := startDynoxide(t)
	var d *deployment
	write := 1
	for died := true; died; write++ {
		if write%10 == 1 { // what is scanned stays small
			d = deployAll(t, server, fmt.Sprintf("erasure-%d", write))
		}
		p := d.enrol(fmt.Sprintf("w%d", write))
		died = d.erase(p, write)
		d.prove(p)
		d.check()
		if t.Failed() {
			t.Fatalf("a process died before its write %d", write)
		}
	}
	if write < 20 {
		t.Errorf("only %d deaths were tried", write)
	}
}

func TestAnAddressCanBeRegisteredAgainAfterAnErasure(t *testing.T) {
	t.Parallel()
	d := deployAll(t, startDynoxide(t), prefix)
	p := d.enrol("1")
	nobody := scenario.Client{URL: d.operator.URL}
	again := map[string]string{"email": p.Email, "password": "correct horse battery", "name": "Another"}
	nobody.Refuse(t, 409, "email-taken", "POST", "/auth/users", again)
	d.erase(p, 0)
	d.prove(p)
	another := scenario.Register(t, nobody.URL, p.Email)
	if another.ID == p.ID {
		t.Error("the new account is the old one")
	}
	nobody.Refuse(t, 401, "wrong-login", "POST", "/auth/login", map[string]string{"email": p.Email, "password": p.Password})
}

func TestAnErasureGoesOnOnceWhoHoldsSomethingAnswersAgain(t *testing.T) {
	t.Parallel()
	d := deployAll(t, startDynoxide(t), prefix)
	p := d.enrol("1")
	d.operator.Expect(t, 202, "DELETE", "/users/"+p.ID, nil)
	// The key cannot be destroyed, then the logins cannot be listed.
	for _, step := range []struct {
		table string
		done  events.Event
	}{{"keys", events.UserKeyDestroyed{}}, {"views", events.UserErased{}}} {
		failed := false
		d.wire.refuse(prefix + "-" + step.table)
		for range 10 {
			failed = !d.deliver(t.Context(), "reactor") || !d.tick(t.Context()) || failed
			d.pass(time.Minute)
		}
		if !failed || d.happened(p, step.done) {
			t.Errorf("without the table %s: failed %v, and there is %s: %v", step.table, failed, step.done.EventType(), d.happened(p, step.done))
		}
		d.wire.refuse("")
	}
	for range 15 {
		d.deliver(t.Context(), "projector")
		if !d.deliver(t.Context(), "reactor") || !d.tick(t.Context()) {
			t.Fatalf("it still fails: %s", d.log)
		}
		d.pass(10 * time.Minute)
	}
	d.prove(p)
	d.check()
}
