package operator_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
	"github.com/interview-sandbox/annals/internal/operator"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/projection/projectiontest"
	"github.com/interview-sandbox/annals/internal/stats"
	"github.com/interview-sandbox/annals/internal/stats/statstest"
)

// account is an aggregate as modules have them, with everything that is marked.
type account struct {
	ID   string `json:"id"`
	Mail string `json:"mail" data:"personal"`
	Hash string `json:"hash" data:"secret"`
	Role string `json:"role"`
	Name string `json:"name" data:"personal"`
}

func (a account) Evolve(e events.Auth) account {
	switch e := e.(type) {
	case events.UserCreated:
		a.ID, a.Mail, a.Hash = e.UserID, e.Email, e.PasswordHash
	case events.UserEmailChanged:
		a.Mail = e.New
	case events.UserRoleGranted:
		a.Role = e.Role
	case events.UserNameChanged:
		a.Name = e.New
	}
	return a
}

var accounts = es.Aggregate[account, events.Auth]{Category: "user", Reducer: 1}

// office is the module on a store in memory, some of whose items may be damaged.
type office struct {
	*estest.Memory
	damaged map[es.Place]bool
	module  operator.Module
}

func newOffice() *office {
	o := &office{Memory: new(estest.Memory), damaged: map[es.Place]bool{}}
	o.module = operator.Module{
		Repository: es.Repository{Store: o, Snapshots: new(estest.Snapshots)}, Events: o,
		Aggregates: []es.Folder{&accounts}, Now: func() time.Time { return estest.Now },
	}
	return o
}

const damage = "attribute events is missing"

// Read implements [es.Store]. It ends at a damaged item, as that of DynamoDB does.
func (o *office) Read(ctx context.Context, s es.Stream, r es.Range) iter.Seq2[es.Commit, error] {
	return func(yield func(es.Commit, error) bool) {
		for c, err := range o.Memory.Read(ctx, s, r) {
			if o.damaged[es.Place{Stream: s, Version: c.Version}] {
				c, err = es.Commit{}, &es.DamagedError{Stream: s, Version: c.Version, Reason: damage}
			}
			if !yield(c, err) || err != nil {
				return
			}
		}
	}
}

// Search implements [es.Searcher].
func (o *office) Search(ctx context.Context, f es.Filter, after es.Place, look int) ([]es.Scanned, *es.Place, error) {
	found, next, err := o.Memory.Search(ctx, f, after, look)
	for i, item := range found {
		if p := item.Place(); o.damaged[p] {
			found[i] = es.Scanned{Err: &es.DamagedError{Stream: p.Stream, Version: p.Version, Reason: damage}}
		}
	}
	return found, next, err
}

// commit appends a commit, made so many seconds after the beginning.
func (o *office) commit(t *testing.T, s es.Stream, meta es.Meta, seconds int, all ...events.Event) {
	t.Helper()
	tip := es.StartOf(s)
	for c, err := range o.Memory.Read(t.Context(), s, es.Range{}) {
		if err == nil {
			tip, err = tip.Follow(c)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	p, err := tip.Next(meta, estest.Now.Add(time.Duration(seconds)*time.Second), all[0], all[1:]...)
	if err == nil {
		err = o.Append(t.Context(), p)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// life is what happens to an account: four commits, versions 1 and 2, 3, 4, and 5.
func (o *office) life(t *testing.T, s es.Stream) {
	t.Helper()
	by := func(n int) es.Meta {
		return es.Meta{CommandID: fmt.Sprintf("command-%d", n), CorrelationID: fmt.Sprintf("request-%d", n), CausationID: "cause", Actor: "ada", Trace: "trace"}
	}
	o.commit(t, s, by(1), 0, events.UserCreated{UserID: s.ID(), Email: "ada@example.com", Name: "ADA", PasswordHash: "SECRET"}, events.UserRoleGranted{Role: "user"})
	o.commit(t, s, by(2), 1, events.UserEmailChanged{Old: "ada@example.com", New: "ada@lovelace.example"})
	o.commit(t, s, by(3), 2, events.UserPasswordChanged{PasswordHash: "SECRET"})
	o.commit(t, s, es.Meta{CommandID: "command-4", CorrelationID: "request-4", Actor: "root"}, 3, events.UserRoleGranted{Role: "auditor"})
}

var (
	staff   = api.Caller{ID: "root", Roles: []string{api.RoleOperator}}
	auditor = api.Caller{ID: "otto", Roles: []string{api.RoleAuditor}}
)

// get asks a route as clients do, and gives the body of the answer.
func (o *office) get(t *testing.T, caller api.Caller, path, query string) (answer, string, error) {
	t.Helper()
	route, params := api.Match(o.module.Routes(), "GET", path)
	if route.Serve == nil {
		t.Fatalf("there is no route for %s", path)
	}
	call := api.Call{Caller: caller, Params: params, Query: map[string]string{}}
	for pair := range strings.SplitSeq(query, "&") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			call.Query[name] = value
		}
	}
	if err := route.Check(caller, params); err != nil {
		return answer{}, "", err
	}
	response, err := route.Serve(t.Context(), call, nil)
	if err != nil {
		return answer{}, "", err
	}
	raw, err := json.Marshal(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(raw, &a); err != nil {
		t.Fatal(err)
	}
	a.etag = response.Version
	return a, string(raw), nil
}

func (o *office) expect(t *testing.T, path, query string) (answer, string) {
	t.Helper()
	a, raw, err := o.get(t, staff, path, query)
	if err != nil {
		t.Fatalf("%s?%s: %v", path, query, err)
	}
	return a, raw
}

func (o *office) refuse(t *testing.T, code, path, query string) {
	t.Helper()
	a, _, err := o.get(t, staff, path, query)
	if want := (&es.Error{Code: code}); err == nil || !want.Is(err) {
		t.Errorf("%s?%s: got %+v, error %v, want %s", path, query, a, err, code)
	}
}

// answer has the fields of all answers.
type answer struct {
	Stream     string
	Version    int
	State      map[string]any
	Items      []item
	NextCursor *string
	etag       es.Version
}

// item has the fields of the items of all lists.
type item struct {
	Stream, Actor, CommandID, CorrelationID, CausationID, TraceContext, Hash, PrevHash, Damaged string

	Version             int
	At, FirstAt, LastAt time.Time
	Types               []string
	Events              []struct {
		Version int
		Type    string
		Data    map[string]any
	}
}

// pages asks for all pages of a list and gives each item's stream, version and damage.
func (o *office) pages(t *testing.T, path, query string) (all []string) {
	t.Helper()
	for cursor := ""; ; {
		page, _ := o.expect(t, path, query+cursor)
		for _, i := range page.Items {
			all = append(all, strings.TrimSpace(fmt.Sprintf("%s %d %s", i.Stream, i.Version, i.Damaged)))
		}
		if page.NextCursor == nil {
			return all
		}
		cursor = "&cursor=" + *page.NextCursor
	}
}

func expectItems(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestStreamsAreListedByPrefixWithTheirNewestVersionAndTimes(t *testing.T) {
	o := newOffice()
	for _, s := range []es.Stream{"user#a", "user#b", "user#c", "other#a"} {
		o.life(t, s)
	}
	for limit := 1; limit <= 5; limit++ {
		query := fmt.Sprintf("limit=%d", limit)
		expectItems(t, "all", o.pages(t, "/admin/streams", query), "other#a 5", "user#a 5", "user#b 5", "user#c 5")
		expectItems(t, "by prefix", o.pages(t, "/admin/streams", query+"&prefix=user#"), "user#a 5", "user#b 5", "user#c 5")
		expectItems(t, "none", o.pages(t, "/admin/streams", query+"&prefix=nobody"))
	}
	first, _ := o.expect(t, "/admin/streams", "prefix=user#b")
	if i := first.Items[0]; !i.FirstAt.Equal(estest.Now) || !i.LastAt.Equal(estest.Now.Add(3*time.Second)) {
		t.Errorf("from %v to %v", i.FirstAt, i.LastAt)
	}
	o.damaged[es.Place{Stream: "user#a", Version: 5}] = true
	o.damaged[es.Place{Stream: "user#b", Version: 1}] = true
	expectItems(t, "damaged", o.pages(t, "/admin/streams", "prefix=user#"), "user#a 5 "+damage, "user#b 5 "+damage, "user#c 5")
}

// A search for little among much is not one request's to finish.
func TestASearchEndsInTimeAndGoesOnFromThere(t *testing.T) {
	o := newOffice()
	o.life(t, "user#a")
	o.life(t, "user#z")
	now := estest.Now
	o.module.Now = func() time.Time { now = now.Add(3 * time.Second); return now }
	page, _ := o.expect(t, "/admin/streams", "prefix=user#z&limit=1")
	if len(page.Items) > 0 || page.NextCursor == nil {
		t.Errorf("after three seconds: %d items, cursor %v", len(page.Items), page.NextCursor)
	}
	expectItems(t, "at last", o.pages(t, "/admin/streams", "prefix=user#z&limit=1"), "user#z 5")
}

func TestCommitsShowEverythingButSecrets(t *testing.T) {
	o := newOffice()
	o.life(t, "user#a")
	page, raw := o.expect(t, "/admin/streams/user%23a", "limit=2")
	if strings.Contains(raw, "SECRET") {
		t.Errorf("a secret is shown: %s", raw)
	}
	one, two := page.Items[0], page.Items[1]
	if page.Stream != "user#a" || one.Version != 1 || one.Actor != "ada" || one.CommandID != "command-1" || one.CorrelationID != "request-1" ||
		one.CausationID != "cause" || one.TraceContext != "trace" || !one.At.Equal(estest.Now) || len(one.Hash) != 64 || one.PrevHash != "" || two.PrevHash != one.Hash {
		t.Errorf("the page is %s", raw)
	}
	if e := one.Events; len(e) != 2 || e[0].Version != 1 || e[0].Type != "user.created.v1" || e[0].Data["email"] != "ada@example.com" ||
		e[1].Version != 2 || e[1].Type != "user.role-granted.v1" || e[1].Data["role"] != "user" {
		t.Errorf("the events of the first are %+v", e)
	}
	o.refuse(t, "not-found", "/admin/streams/user%23nobody", "")
	o.refuse(t, "not-found", "/admin/streams/nothing", "")
	o.refuse(t, "not-found", "/admin/streams/user%23"+strings.Repeat("x", 3000), "")
}

func TestCommitsPageBothWaysFromAnyVersion(t *testing.T) {
	o := newOffice()
	o.life(t, "user#a")
	list := func(query string) []string { return o.pages(t, "/admin/streams/user%23a", query) }
	for limit := 1; limit <= 5; limit++ {
		l := fmt.Sprintf("limit=%d", limit)
		expectItems(t, l, list(l), "1", "3", "4", "5")
		expectItems(t, l+" desc", list(l+"&order=desc"), "5", "4", "3", "1")
		for from, want := range map[int]int{1: 4, 2: 4, 3: 3, 4: 2, 5: 1, 6: 0} { // 2 is in the commit of 1
			expectItems(t, fmt.Sprint("from ", from), list(fmt.Sprintf("%s&from=%d", l, from)), []string{"1", "3", "4", "5"}[4-want:]...)
		}
		for from, want := range map[int]int{1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 9: 4} {
			expectItems(t, fmt.Sprint("desc from ", from), list(fmt.Sprintf("%s&order=desc&from=%d", l, from)), []string{"5", "4", "3", "1"}[4-want:]...)
		}
	}
	for _, bad := range []string{"from=0", "from=x", "order=up", "cursor=!", "cursor=eA", "cursor=MA", "limit=0"} {
		o.refuse(t, "malformed", "/admin/streams/user%23a", bad)
	}
}

func TestADamagedCommitIsShownAsThatAmongTheOthers(t *testing.T) {
	for version, want := range map[int][]string{
		1: {"1 " + damage, "3", "4", "5"},
		3: {"1", "3 " + damage, "4", "5"},
		5: {"1", "3", "4", "5 " + damage},
	} {
		o := newOffice()
		o.life(t, "user#a")
		o.damaged[es.Place{Stream: "user#a", Version: es.Version(version)}] = true
		for limit := 1; limit <= 5; limit++ {
			l := fmt.Sprintf("limit=%d", limit)
			expectItems(t, l, o.pages(t, "/admin/streams/user%23a", l), want...)
			back := o.pages(t, "/admin/streams/user%23a", l+"&order=desc")
			slices.Reverse(back)
			expectItems(t, l+" desc", back, want...)
		}
		o.refuse(t, "stream-damaged", "/admin/streams/user%23a/state", "")
	}
}

// alien is an event that this build does not know, with something secret in it.
type alien struct{ Secret string }

func (alien) EventType() string { return "alien.landed.v1" }

func TestOfAnEventThatCannotBeReadNothingButItsTypeIsShown(t *testing.T) {
	o := newOffice()
	o.life(t, "user#a")
	o.commit(t, "user#a", es.Meta{}, 4, alien{"SECRET"})
	page, raw := o.expect(t, "/admin/streams/user%23a", "from=6")
	if i := page.Items[0]; i.Damaged == "" || i.Events[0].Type != "alien.landed.v1" || strings.Contains(raw, "SECRET") {
		t.Errorf("it is shown as %s", raw)
	}
	o.refuse(t, "stream-damaged", "/admin/streams/user%23a/state", "")
	o.expect(t, "/admin/streams/user%23a/state", "version=5")
	o.commit(t, "user#b", es.Meta{}, 0, events.EmailClaimed{UserID: "x"}) // which belongs on another stream
	o.refuse(t, "stream-damaged", "/admin/streams/user%23b/state", "")
}

func TestWhatIsSealedIsOpenedAsLongAsItCanBe(t *testing.T) {
	o, vault := newOffice(), new(estest.Vault)
	o.module.Store, o.module.Vault = es.Opened{ScannableStore: o, Vault: vault}, vault
	x := es.Executor{Repository: o.module.Repository, Now: o.module.Now}
	for _, name := range []string{"ADA", "EVE"} {
		if _, err := x.Execute(t.Context(), es.Meta{CommandID: name}, nil, estest.Plain.On("a", estest.Give(name))); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(what, names string, damaged bool) {
		t.Helper()
		page, raw := o.expect(t, "/admin/streams/user%23a", "")
		var got []string
		for _, i := range page.Items {
			got = append(got, fmt.Sprint(i.Events[0].Data["new"]))
			if (i.Damaged != "") != damaged {
				t.Errorf("%s: %s", what, raw)
			}
		}
		if strings.Join(got, " ") != names {
			t.Errorf("%s: %s", what, raw)
		}
		if _, raw := o.expect(t, "/admin/streams/user%23a/verify", ""); !strings.Contains(raw, `"ok":true`) {
			t.Errorf("%s: %s", what, raw)
		}
	}
	expect("sealed", "ADA EVE", false)
	if a, raw := o.expect(t, "/admin/streams/user%23a/state", ""); a.State["name"] != "EVE" {
		t.Errorf("the state is %s", raw)
	}
	vault.Fail(es.ErrBroken)
	expect("broken", "<nil> <nil>", true)
	o.refuse(t, "stream-damaged", "/admin/streams/user%23a/state", "")
	down := errors.New("the key service is down")
	vault.Fail(down)
	if _, _, err := o.get(t, staff, "/admin/streams/user%23a", ""); !errors.Is(err, down) {
		t.Errorf("got error %v", err)
	}
	vault.Fail(nil)
	vault.Destroy("a")
	expect("erased", "[erased] [erased]", false)
}

func TestTheStateOfAStreamIsFoldedAsOfAnyMoment(t *testing.T) {
	o := newOffice()
	o.life(t, "user#a")
	for query, want := range map[string]string{
		"":                        `5 auditor ada@lovelace.example`,
		"version=1":               `1  ada@example.com`,
		"version=2":               `2 user ada@example.com`,
		"version=4":               `4 user ada@lovelace.example`,
		"at=2026-01-02T03:04:06Z": `3 user ada@lovelace.example`,
	} {
		a, raw := o.expect(t, "/admin/streams/user%23a/state", query)
		if got := fmt.Sprintf("%d %v %v", a.Version, a.State["role"], a.State["mail"]); got != want || a.etag != es.Version(a.Version) || a.Stream != "user#a" {
			t.Errorf("%q: %s, ETag %d, want %s", query, raw, a.etag, want)
		}
		if strings.Contains(raw, "SECRET") {
			t.Errorf("a secret is shown: %s", raw)
		}
	}
	o.refuse(t, "not-found", "/admin/streams/user%23a/state", "version=6")
	o.refuse(t, "not-found", "/admin/streams/user%23a/state", "at=2026-01-02T03:04:04Z")
	o.refuse(t, "not-found", "/admin/streams/user%23nobody/state", "")
	o.refuse(t, "no-aggregate", "/admin/streams/other%23a/state", "")
	o.refuse(t, "malformed", "/admin/streams/user%23a/state", "version=x")
}

func TestTheAuditFindsWhoDidWhat(t *testing.T) {
	o := newOffice()
	o.life(t, "user#a")
	o.life(t, "user#b")
	for limit := 1; limit <= 9; limit++ {
		for query, want := range map[string][]string{
			"actor=root":                        {"user#a 5", "user#b 5"},
			"correlationId=request-2":           {"user#a 3", "user#b 3"},
			"actor=ada&correlationId=request-4": nil,
			"from=2026-01-02T03:04:08Z":         {"user#a 5", "user#b 5"},
			"to=2026-01-02T03:04:05Z":           {"user#a 1", "user#b 1"},
			"from=2026-01-02T03:04:06Z&to=2026-01-02T03:04:07Z&actor=ada": {"user#a 3", "user#a 4", "user#b 3", "user#b 4"},
		} {
			got := o.pages(t, "/admin/audit", fmt.Sprintf("limit=%d&%s", limit, query))
			slices.Sort(got)
			expectItems(t, query, got, want...)
		}
	}
	page, raw := o.expect(t, "/admin/audit", "")
	if len(page.Items) != 8 || !slices.IsSortedFunc(page.Items, func(a, b item) int { return a.At.Compare(b.At) }) {
		t.Errorf("the page is not sorted by time: %s", raw)
	}
	if i := page.Items[0]; i.Stream != "user#a" || i.Actor != "ada" || i.CommandID != "command-1" || i.CorrelationID != "request-1" || i.CausationID != "cause" ||
		strings.Join(i.Types, " ") != "user.created.v1 user.role-granted.v1" {
		t.Errorf("the first is %+v", i)
	}
	o.damaged[es.Place{Stream: "user#b", Version: 5}] = true
	expectItems(t, "damaged", o.pages(t, "/admin/audit", "actor=root"), "user#b 5 "+damage, "user#a 5")
	garbage := base64.RawURLEncoding.EncodeToString([]byte("1 " + strings.Repeat("x", 3000)))
	for _, path := range []string{"/admin/audit", "/admin/streams"} {
		for _, bad := range []string{"cursor=!", "cursor=eA", "cursor=MCB1c2VyI2E", "cursor=" + garbage, "limit=101"} {
			o.refuse(t, "malformed", path, bad)
		}
	}
	for _, bad := range []string{"from=noon", "to=2026-01-02", "from=2026-01-02T03:04:06Z&to=2026-01-02T03:04:05Z"} {
		o.refuse(t, "malformed", "/admin/audit", bad)
	}
}

func TestAuditorsSeeNoPersonalDataAndOthersNothing(t *testing.T) {
	o := newOffice()
	o.life(t, "user#a")
	for _, path := range []string{
		"/admin/streams", "/admin/streams/user%23a", "/admin/streams/user%23a/state", "/admin/streams/user%23a/verify", "/admin/audit",
	} {
		_, raw, err := o.get(t, auditor, path, "")
		if err != nil || !strings.Contains(raw, "user#a") {
			t.Errorf("%s: %s, error %v", path, raw, err)
		}
		for _, word := range []string{"SECRET", "ADA", "ada@", "lovelace"} {
			if strings.Contains(raw, word) {
				t.Errorf("an auditor sees %s at %s: %s", word, path, raw)
			}
		}
		if _, _, err := o.get(t, api.Caller{ID: "a"}, path, ""); err != api.ErrNotFound {
			t.Errorf("%s: a user gets %v", path, err)
		}
		if _, _, err := o.get(t, api.Caller{}, path, ""); err != api.ErrUnauthenticated {
			t.Errorf("%s: somebody without a token gets %v", path, err)
		}
	}
}

func TestStatsSumUpTheLastHours(t *testing.T) {
	o := newOffice()
	sums := new(statstest.Memory)
	o.module.Stats = stats.Reader{Store: sums, Functions: []string{"command-auth"}}
	now := estest.Now
	r := &stats.Recorder{Store: sums, Function: "command-auth", Now: func() time.Time { return now }}
	o.module.Now = r.Now
	for range 3 {
		_, record := stats.Begin(t.Context())
		record.Answered(true, 200, true)
		record.Used(stats.Cost{RoundTrips: 1, WriteUnits: 1})
		record.Lagged("users", 20*time.Millisecond)
		r.Add(record, now.Add(-time.Second))
		now = now.Add(10 * time.Hour)
	}
	if err := r.StoreAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]int64{"": 2, "hours=1": 0, "hours=11": 1, "hours=720": 3} {
		_, raw, err := o.get(t, auditor, "/admin/stats", query)
		var got operator.StatsReply
		if err == nil {
			err = json.Unmarshal([]byte(raw), &got)
		}
		if err != nil || got.Commands != want || got.Replays != want || got.Capacity[0].WriteUnits != float64(want) || (want > 0) != (len(got.Lag) == 1) || !got.To.Equal(now) {
			t.Errorf("%q: %s, error %v", query, raw, err)
		}
	}
	for _, bad := range []string{"hours=0", "hours=721", "hours=x", "hours="} {
		o.refuse(t, "malformed", "/admin/stats", bad)
	}
	if _, _, err := o.get(t, api.Caller{ID: "a"}, "/admin/stats", ""); err != api.ErrNotFound {
		t.Errorf("a user gets %v", err)
	}
	if _, _, err := o.get(t, api.Caller{}, "/admin/stats", ""); err != api.ErrUnauthenticated {
		t.Errorf("somebody without a token gets %v", err)
	}
}

func TestViewsTellHowManyRowsTheyHaveAndHowLateTheyAre(t *testing.T) {
	o := newOffice()
	sums, memory := new(statstest.Memory), new(projectiontest.Memory)
	o.module.Stats = stats.Reader{Store: sums, Projector: "projector"}
	o.module.Rebuilds = &projection.Rebuilder{Projector: &projection.Projector{
		Generations: memory, Parked: memory, Rows: memory, Now: o.module.Now,
		Projections: []projection.Projection{&projection.View[int]{Name: "busy"}, &projection.View[int]{Name: "idle"}},
	}, Parts: memory}
	r := &stats.Recorder{Store: sums, Function: "projector", Now: o.module.Now}
	_, record := stats.Begin(t.Context())
	for range 3 {
		record.Created("busy", 1)
	}
	record.Created("busy", 2)
	record.Lagged("busy", 20*time.Millisecond)
	r.Add(record, estest.Now)
	if err := r.StoreAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	change := func(now projection.Generations) {
		t.Helper()
		if err := memory.ChangeGenerations(t.Context(), "busy", projection.First, now); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(rows int64) {
		t.Helper()
		_, raw := o.expect(t, "/admin/views", "")
		var got struct{ Items []operator.ViewItem }
		if err := json.Unmarshal([]byte(raw), &got); err != nil {
			t.Fatal(err)
		}
		if v := got.Items; len(v) != 2 || v[0].Rows != rows || v[0].Lag == nil || v[0].Lag.Last != 20 || v[1].Rows != 0 || v[1].Lag != nil {
			t.Errorf("the views are %s", raw)
		}
	}
	expect(3)
	for part := range projection.Parts {
		if err := memory.SavePart(t.Context(), projection.Part{View: "busy", Generation: 2, Part: part, Revision: 1, Rows: 10}); err != nil {
			t.Fatal(err)
		}
	}
	change(projection.Generations{Live: 2, Other: 1, Newest: 2})
	expect(41)
}
