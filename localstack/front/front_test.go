package front

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/interview-sandbox/annals/internal/topology"
	"github.com/interview-sandbox/annals/localstack/function"
)

func TestTheMostSpecificRouteWinsAndTheDefaultGetsTheRest(t *testing.T) {
	s := serve(t, func(in event) (string, error) { return in.RouteKey, nil })
	for request, key := range map[string]string{
		"GET /things":         "GET /things",
		"GET /things/7":       "GET /things/{id}",
		"GET /things/special": "GET /things/special",
		"POST /things/7":      "$default",
		"GET /things/":        "$default",
		"GET /things/7/more":  "$default",
		"GET /things/7%2F8":   "$default",
		"GET /":               "$default",
		"GET //things":        "$default",
		"GET /things/../x":    "$default",
	} {
		method, path, _ := strings.Cut(request, " ")
		if _, body := s.do(t, method, path, nil, nil); body != key {
			t.Errorf("%s went to %s, want %s", request, body, key)
		}
	}
}

func TestWhatGoesWrongIsAnsweredAsAPIGatewayDoesAndSaidInTheLogOnly(t *testing.T) {
	for name, c := range map[string]struct {
		handler any
		said    string
	}{
		"error":          {func() error { return errors.New("secret cause") }, "secret cause"},
		"panic":          {func() error { panic("secret cause") }, "secret cause"},
		"no status":      {returns(`{"statusCode":0}`), "status code 0"},
		"informational":  {returns(`{"statusCode":101}`), "status code 101"},
		"odd status":     {returns(`{"statusCode":2000}`), "status code 2000"},
		"fraction":       {returns(`{"statusCode":200.5}`), "number 200.5"},
		"broken base64":  {returns(`{"statusCode":200,"isBase64Encoded":true,"body":"%"}`), "illegal base64"},
		"broken headers": {returns(`{"statusCode":200,"headers":7}`), "headers"},
	} {
		s := serve(t, c.handler)
		status, body := s.do(t, "GET", "/things", nil, nil)
		if status != 500 || body != `{"message":"Internal Server Error"}` {
			t.Errorf("%s: %d %s", name, status, body)
		}
		if log := s.log.String(); !strings.Contains(log, c.said) || !strings.Contains(log, `"level":"ERROR"`) {
			t.Errorf("%s: the log does not say %q: %s", name, c.said, log)
		}
	}
}

func TestTheLogHasALineForEachRequestAndNoPath(t *testing.T) {
	s := serve(t, func() (string, error) { return "four", nil })
	s.do(t, "GET", "/things/personal?and=private", nil, nil)
	var line struct {
		Msg, Route, RequestID string
		Status, Bytes         int
	}
	if err := json.Unmarshal([]byte(s.log.String()), &line); err != nil {
		t.Fatalf("%v in %s", err, s.log.String())
	}
	if line.Msg != "request" || line.Route != "GET /things/{id}" || line.RequestID == "" || line.Status != 200 || line.Bytes != 4 {
		t.Errorf("line: %+v", line)
	}
	if log := s.log.String(); strings.Contains(log, "personal") || strings.Contains(log, "private") {
		t.Errorf("the log holds the path: %s", log)
	}
}

func TestBodiesAboveTheQuotasAreRefused(t *testing.T) {
	s := serve(t, func(in event) (int, error) { return len(in.Body), nil })
	for name, c := range map[string]struct {
		size, status int
		body         string
	}{
		"what Lambda takes":      {5 << 20, 200, "5242880"},
		"more than Lambda takes": {7 << 20, 413, `{"message":"Request Entity Too Large"}`},
		"more than the API's":    {maxBody + 1, 413, `{"message":"Request Entity Too Large"}`},
	} {
		status, body := s.do(t, "POST", "/things", nil, strings.NewReader(strings.Repeat("x", c.size)))
		if status != c.status || body != c.body {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
}

func TestABodyIsNotReadOnceItIsTooLarge(t *testing.T) {
	s := serve(t, func() (string, error) { return "ok", nil })
	var sent endless
	status, _ := s.do(t, "POST", "/things", nil, &sent)
	if status != 413 || sent > 3*maxBody {
		t.Errorf("%d after %d bytes", status, sent)
	}
}

// endless is a body without an end, and how much of it has been read.
type endless int

func (e *endless) Read(p []byte) (int, error) {
	*e += endless(len(p))
	return len(p), nil
}

func TestRequestLinesAndHeadersAboveTheQuotaAreRefused(t *testing.T) {
	s := serve(t, func() (string, error) { return "ok", nil })
	if status, body := s.do(t, "GET", "/things", http.Header{"X-Long": {strings.Repeat("x", maxHead-300)}}, nil); status != 200 {
		t.Errorf("below the quota: %d %s", status, body)
	}
	for name, c := range map[string]struct {
		path   string
		header http.Header
	}{
		"one header":   {"/things", http.Header{"X-Long": {strings.Repeat("x", maxHead)}}},
		"many headers": {"/things", http.Header{"X-Long": slicesOf(strings.Repeat("x", maxHead/4), 4)}},
		"path":         {"/things/" + strings.Repeat("x", maxHead), nil},
	} {
		status, body := s.do(t, "GET", c.path, c.header, nil)
		if status != 431 || body != `{"message":"Request Header Fields Too Large"}` {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
}

func TestAFunctionThatTakesTooLongIsLeftToRunAndTheClientTold(t *testing.T) {
	answered, ended := make(chan struct{}), make(chan error, 1)
	s := serve(t, func(ctx context.Context) error {
		<-answered
		ended <- ctx.Err()
		return nil
	})
	s.front.maxIntegration = 20 * time.Millisecond
	status, body := s.do(t, "GET", "/things", nil, nil)
	if status != 503 || body != `{"message":"Service Unavailable"}` {
		t.Errorf("%d %s", status, body)
	}
	close(answered)
	if err := <-ended; err != nil {
		t.Errorf("the invocation was cut short: %v", err)
	}
}

func TestAnInvocationSurvivesAClientThatHangsUp(t *testing.T) {
	began, gone, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	s := serve(t, func(ctx context.Context) error {
		close(began)
		<-gone
		ended <- ctx.Err()
		return nil
	})
	left := make(chan struct{})
	noticing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		context.AfterFunc(r.Context(), func() { close(left) })
		s.front.ServeHTTP(w, r)
	}))
	defer noticing.Close()
	ctx, hangUp := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", noticing.URL+"/things", nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		<-began
		hangUp()
	}()
	if _, err := http.DefaultClient.Do(req); !errors.Is(err, context.Canceled) {
		t.Fatalf("the client got: %v", err)
	}
	<-left
	close(gone)
	if err := <-ended; err != nil {
		t.Errorf("the invocation was cut short: %v", err)
	}
	if log := s.log.String(); !strings.Contains(log, `"status":200`) {
		t.Errorf("the front did not wait for it: %s", log)
	}
}

// server is a front on a real port with one handler behind every route.
type server struct {
	front *Front
	url   string
	log   *logBuffer
}

// serve puts handler behind a few routes; those under /private ask authorizer first, if one
// is given.
func serve(t *testing.T, handler any, authorizer ...any) server {
	t.Helper()
	functions := map[string]lambda.Handler{}
	for name, h := range map[string]any{"things": handler, topology.DefaultRoute: handler, topology.Authorizer: append(authorizer, handler)[0]} {
		functions[name] = function.New(topology.Function{Name: name, Timeout: time.Minute}, lambda.NewHandler(h))
	}
	log := new(logBuffer)
	f := New([]topology.Route{
		{Method: "GET", Path: "/things", Function: "things"},
		{Method: "POST", Path: "/things", Function: "things"},
		{Method: "GET", Path: "/things/{id}", Function: "things"},
		{Method: "GET", Path: "/things/special", Function: "things"},
		{Method: "POST", Path: "/private/{id}", Function: "things", Authorized: true},
	}, functions, slog.New(slog.NewJSONHandler(log, nil)))
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	return server{f, s.URL, log}
}

func (s server) do(t *testing.T, method, path string, header http.Header, body io.Reader) (int, string) {
	t.Helper()
	resp, text := s.exchange(t, method, path, header, body)
	return resp.StatusCode, text
}

func (s server) exchange(t *testing.T, method, path string, header http.Header, body io.Reader) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

// event is the little that most tests look at.
type event struct {
	RouteKey, Body  string
	IsBase64Encoded bool
}

// returns is a handler that returns this JSON, byte for byte.
func returns(payload string) any {
	return func() (json.RawMessage, error) { return json.RawMessage(payload), nil }
}

func slicesOf(value string, n int) []string {
	return strings.Split(strings.Repeat(value+" ", n-1)+value, " ")
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String waits for the first line, which is written when the client has its answer.
func (l *logBuffer) String() string {
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		l.mu.Lock()
		text := l.b.String()
		l.mu.Unlock()
		if text != "" || time.Now().After(deadline) {
			return text
		}
	}
}
