package runtime

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/interview-sandbox/annals/internal/app"
)

// startAuthorizer starts the authorizer as its main does, once the test lets its build go on.
func startAuthorizer() {
	app.Start(func(ctx context.Context, c app.Config) (*app.Counted, error) {
		http.Get(os.Getenv("GATE"))
		return app.Authorizer(ctx, c)
	})
}

// startBroken starts a function that cannot be built.
func startBroken() {
	app.Start(func(context.Context, app.Config) (*app.Counted, error) {
		http.Get(os.Getenv("GATE"))
		return nil, errors.New("there is no key")
	})
}

// gate holds up a build: came tells that it has come there, and open lets it go on.
func gate(t *testing.T) (url string, came <-chan struct{}, open func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	arrived, opened := make(chan struct{}), make(chan struct{})
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(arrived)
		<-opened
	})}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return "http://" + listener.Addr().String(), arrived, func() { close(opened) }
}

// started makes an environment of the test binary whose build waits at the gate.
func started(t *testing.T, kind, initialization, gate string) (Function, *output) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out := new(output)
	return Function{Name: "f", Program: self, Print: out.print, Log: slog.New(slog.DiscardHandler), Env: []string{
		as + "=" + kind, "GATE=" + gate, "AWS_LAMBDA_INITIALIZATION_TYPE=" + initialization,
		"AWS_REGION=us-east-1", "AWS_ENDPOINT_URL=http://127.0.0.1:9", "ANNALS_PREFIX=annals",
		"ANNALS_SIGNING_FILES=" + filepath.Join(t.TempDir(), "signing.pem"),
	}}, out
}

// handOver gives an environment that has polled an invocation, and does not wait for its answer.
func handOver(t *testing.T, e *Environment) *invocation {
	t.Helper()
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "r-1"})
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancel)
	i := newInvocation(ctx, []byte(`{"version":"2.0","type":"REQUEST","headers":{"authorization":"Bearer none"}}`))
	e.next <- i
	return i
}

func TestAnInvocationThatComesBeforeItsFunctionIsBuiltWaitsForIt(t *testing.T) {
	url, came, open := gate(t)
	f, out := started(t, "authorizer", "on-demand", url)
	e, err := Start(t.Context(), f) // it has polled, though its build waits
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Stop)
	<-came
	i := handOver(t, e)
	select {
	case <-i.ended:
		t.Fatalf("it answered %s, error %v, before it was built", i.response, i.err)
	default:
	}
	open()
	select {
	case <-i.ended:
	case <-e.process.Done():
		t.Fatalf("the process ended: %s", out)
	}
	if i.err != nil || !strings.Contains(string(i.response), `This access token is not valid.`) {
		t.Errorf("got %s, error %v", i.response, i.err)
	}
}

func TestABuildThatFailsIsLoggedOnceAndEndsTheProcess(t *testing.T) {
	url, came, open := gate(t)
	f, out := started(t, "cannot be built", "on-demand", url)
	e, err := Start(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Stop)
	<-came
	i := handOver(t, e)
	open()
	select {
	case <-i.ended:
		t.Fatalf("it answered %s, error %v", i.response, i.err)
	case <-e.process.Done():
	}
	if e.exit().Error() != "Runtime.ExitError: Runtime exited with error: exit status 1" {
		t.Error(e.exit())
	}
	if strings.Count(out.String(), "\n") != 0 || !strings.Contains(out.String(), `"msg":"initialization failed","error":"there is no key"`) {
		t.Errorf("it printed %s", out)
	}
}

func TestWithProvisionedConcurrencyAFunctionIsBuiltBeforeItAsksForAnInvocation(t *testing.T) {
	url, came, open := gate(t)
	f, _ := started(t, "authorizer", "provisioned-concurrency", url)
	type outcome struct {
		*Environment
		error
	}
	result := make(chan outcome, 1)
	go func() {
		e, err := Start(t.Context(), f)
		result <- outcome{e, err}
	}()
	<-came
	select {
	case o := <-result:
		if o.error == nil {
			o.Stop()
		}
		t.Fatalf("it asks for an invocation before it is built, error %v", o.error)
	case <-time.After(100 * time.Millisecond): // many times what it takes a process that does not wait
	}
	open()
	if o := <-result; o.error != nil {
		t.Error(o.error)
	} else {
		o.Stop()
	}
}
