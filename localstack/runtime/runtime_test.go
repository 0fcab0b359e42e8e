package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/interview-sandbox/annals/internal/topology"
	"github.com/interview-sandbox/annals/localstack/function"
)

// as makes the test binary a function: one that AWS's own runtime library runs, or one that
// speaks the protocol by hand.
const as = "RUNTIME_TEST_AS"

func TestMain(m *testing.M) {
	switch os.Getenv(as) {
	case "":
		os.Exit(m.Run())
	case "function":
		fmt.Println("started")
		lambda.Start(answerTo)
	case "broken":
		tell("init/error", `{"errorType":"Keys.Missing","errorMessage":"there is no key"}`, "")
		os.Exit(1)
	case "dies":
		os.Exit(3)
	case "authorizer":
		startAuthorizer()
	case "cannot be built":
		startBroken()
	case "by hand":
		byHand()
	}
}

// answerTo does what its event asks for.
func answerTo(ctx context.Context, ask string) (any, error) {
	switch ask {
	case "who":
		return os.Getpid(), nil
	case "context":
		c, _ := lambdacontext.FromContext(ctx)
		end, _ := ctx.Deadline()
		return []string{c.AwsRequestID, c.InvokedFunctionArn, strconv.FormatInt(end.UnixMilli(), 10), os.Getenv("_X_AMZN_TRACE_ID")[:7]}, nil
	case "fail":
		return nil, errors.New("it does not work")
	case "exit":
		os.Exit(7)
	case "hang":
		select {}
	case "large":
		return strings.Repeat("x", function.MaxPayload), nil
	case "wait":
		http.Get(os.Getenv("GATE")) // until the test lets it go on
		return os.Getpid(), nil
	}
	return ask, nil
}

func tell(path, body, errorType string) (int, string) {
	req, _ := http.NewRequest("POST", "http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+"/2018-06-01/runtime/"+path, strings.NewReader(body))
	req.Header.Set("Lambda-Runtime-Function-Error-Type", errorType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, strings.TrimSpace(string(text))
}

// byHand answers each invocation with what the protocol says to wrong calls.
func byHand() {
	for {
		resp, err := http.Get("http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/next")
		if err != nil {
			os.Exit(1)
		}
		id := resp.Header.Get("Lambda-Runtime-Aws-Request-Id")
		var said bytes.Buffer
		for _, call := range [][2]string{
			{"invocation/other/response", `1`}, {"invocation/other/error", `{}`}, {"invocation/" + id + "/error", `no`}, {"init/error", `{}`},
		} {
			status, text := tell(call[0], call[1], "")
			fmt.Fprintf(&said, "%d %s\n", status, text)
		}
		status, text := tell("invocation/"+id+"/error", `{"errorMessage":`+strconv.Quote(said.String())+`}`, "Header.Type")
		fmt.Println(status, text)
	}
}

// output keeps what functions print.
type output struct {
	mu   sync.Mutex
	text []string
}

func (o *output) print(line []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, string(line))
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.text, "\n")
}

// deploy makes a function of the test binary. Its processes end with the test.
func deploy(t *testing.T, kind string, timeout time.Duration, env ...string) (*function.Function, *output) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out := new(output)
	pool := NewPool(Function{Name: "f", Program: self, Env: append(env, as+"="+kind), Print: out.print, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() { pool.Close() })
	return function.New(topology.Function{Name: "f", Timeout: timeout}, pool), out
}

func invoke(t *testing.T, f *function.Function, ask string) (string, error) {
	t.Helper()
	out, err := f.Invoke(t.Context(), []byte(strconv.Quote(ask)))
	return string(out), err
}

func wantAnswer(t *testing.T, f *function.Function, ask string) string {
	t.Helper()
	out, err := invoke(t, f, ask)
	if err != nil {
		t.Fatalf("%s: %v", ask, err)
	}
	return out
}

func wantError(t *testing.T, f *function.Function, ask, words string) {
	t.Helper()
	if out, err := invoke(t, f, ask); err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("%s: got %s, error %v, want %q", ask, out, err, words)
	}
}

func TestAnEnvironmentAnswersOneInvocationAfterTheOther(t *testing.T) {
	f, out := deploy(t, "function", time.Minute)
	first := wantAnswer(t, f, "who")
	if again := wantAnswer(t, f, "who"); again != first {
		t.Errorf("process %s answered, then %s", first, again)
	}
	wantError(t, f, "fail", "it does not work")
	if again := wantAnswer(t, f, "who"); again != first {
		t.Errorf("after an error of the function's own process %s answers, not %s", again, first)
	}
	if strings.Count(out.String(), "started") != 1 {
		t.Errorf("it printed %q", out)
	}
}

func TestAnInvocationHasItsIdentityDeadlineAndTrace(t *testing.T) {
	f, _ := deploy(t, "function", time.Minute)
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "r-1", InvokedFunctionArn: "arn:f"})
	before := time.Now()
	out, err := f.Invoke(ctx, []byte(`"context"`))
	var got [4]string
	if err == nil {
		err = json.Unmarshal(out, &got)
	}
	if err != nil {
		t.Fatal(err)
	}
	ms, err := strconv.ParseInt(got[2], 10, 64)
	if deadline := time.UnixMilli(ms); err != nil || got[0] != "r-1" || got[1] != "arn:f" || got[3] != "Root=1-" ||
		deadline.Before(before.Add(59*time.Second)) || deadline.After(time.Now().Add(time.Minute)) {
		t.Errorf("got %s, error %v", out, err)
	}
}

func TestRequestsAtTheSameTimeHaveAnEnvironmentEach(t *testing.T) {
	var waiting sync.WaitGroup
	waiting.Add(3)
	gate := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		waiting.Done()
		waiting.Wait() // all three are under way
	})}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go gate.Serve(listener)
	defer gate.Close()
	f, _ := deploy(t, "function", time.Minute, "GATE=http://"+listener.Addr().String())
	var mu sync.Mutex
	processes := map[string]bool{}
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			who, err := f.Invoke(t.Context(), []byte(`"wait"`))
			mu.Lock()
			defer mu.Unlock()
			if processes[string(who)] = true; err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(processes) != 3 {
		t.Errorf("three requests at once were answered by the processes %v", processes)
	}
	if who := wantAnswer(t, f, "who"); !processes[who] {
		t.Errorf("a new process %s was started though %v wait", who, processes)
	}
}

func TestAProcessThatDiesIsAnErrorAndIsReplaced(t *testing.T) {
	f, _ := deploy(t, "function", time.Minute)
	first := wantAnswer(t, f, "who")
	wantError(t, f, "exit", "Runtime.ExitError: Runtime exited with error: exit status 7")
	second := wantAnswer(t, f, "who")
	if second == first {
		t.Error("the dead process answers")
	}
	pid, err := strconv.Atoi(second)
	if err == nil {
		err = syscall.Kill(pid, syscall.SIGKILL)
	}
	if err != nil {
		t.Fatal(err)
	}
	// The next request finds it dying or gone, the one after that certainly gone.
	if _, err := invoke(t, f, "who"); err != nil && !strings.Contains(err.Error(), "Runtime.ExitError: Runtime exited with error: signal: killed") {
		t.Error(err)
	}
	if third := wantAnswer(t, f, "who"); third == second {
		t.Error("the killed process answers")
	}
}

func TestATimeoutKillsTheProcess(t *testing.T) {
	f, _ := deploy(t, "function", 2*time.Second)
	first := wantAnswer(t, f, "who")
	wantError(t, f, "hang", "task timed out after 2.00 seconds")
	if wantAnswer(t, f, "who") == first {
		t.Error("the process goes on after a timeout")
	}
}

func TestTooLargeAnAnswerIsAnError(t *testing.T) {
	f, _ := deploy(t, "function", time.Minute)
	wantError(t, f, "large", "Function.ResponseSizeTooLarge")
	if out := wantAnswer(t, f, "hello"); out != `"hello"` {
		t.Errorf("it then answers %s", out)
	}
}

func TestAFailedInitializationIsTheErrorThatTheRuntimeTellsOrItsExit(t *testing.T) {
	f, _ := deploy(t, "broken", time.Minute)
	wantError(t, f, "who", "Keys.Missing: there is no key")
	f, _ = deploy(t, "dies", time.Minute)
	wantError(t, f, "who", "Runtime.ExitError: Runtime exited with error: exit status 3")
}

func TestWrongCallsOfTheProtocolAreRefused(t *testing.T) {
	f, out := deploy(t, "by hand", time.Minute)
	_, err := invoke(t, f, "x")
	want := "Header.Type: " + `400 {"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}
400 {"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}
400 {"errorType":"InvalidErrorShape","errorMessage":"The error is no JSON object of errorType and errorMessage."}
403 {"errorType":"InvalidStateTransition","errorMessage":"The initialization is over."}
`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	invoke(t, f, "x") // by now it has printed how its error was taken
	if !strings.Contains(out.String(), `202 {"status":"OK"}`) {
		t.Errorf("it printed %s", out)
	}
}

func TestAStoppedPoolWaitsForNoInvocation(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	url, came, _ := gate(t)
	pool := NewPool(Function{Name: "f", Program: self, Env: []string{as + "=function", "GATE=" + url}, Print: func([]byte) {}, Log: slog.New(slog.DiscardHandler)})
	ended := make(chan error, 1)
	go func() {
		_, err := pool.Invoke(lambdacontext.NewContext(context.Background(), &lambdacontext.LambdaContext{AwsRequestID: "r-1"}), []byte(`"wait"`))
		ended <- err
	}()
	<-came
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		pool.Close()
	}()
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Fatal("it waits for an invocation that has no end")
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the invocation ends with error %v", err)
	}
}

func TestAStoppedPoolLeavesNoProcess(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	pool := NewPool(Function{Name: "f", Program: self, Env: []string{as + "=function"}, Print: func([]byte) {}, Log: slog.New(slog.DiscardHandler)})
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "r-1"})
	out, err := pool.Invoke(ctx, []byte(`"who"`))
	if err != nil {
		t.Fatal(err)
	}
	pool.Close()
	pid, err := strconv.Atoi(string(out))
	if err != nil || syscall.Kill(pid, 0) != syscall.ESRCH {
		t.Errorf("process %s is there", out)
	}
	if _, err := pool.Invoke(ctx, []byte(`"who"`)); err == nil {
		t.Error("a stopped pool answers")
	}
}
