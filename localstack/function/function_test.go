package function

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/topology"
)

func deploy(timeout time.Duration, handler any) *Function {
	return New(topology.Function{Name: "tested", Timeout: timeout}, lambda.NewHandler(handler))
}

func TestEveryInvocationHasAnIDOfItsOwnAndTheFunctionsDeadline(t *testing.T) {
	type seen struct {
		ID, ARN string
		Left    time.Duration
	}
	var got []seen
	f := deploy(time.Minute, func(ctx context.Context) error {
		c, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		got = append(got, seen{c.AwsRequestID, c.InvokedFunctionArn, time.Until(deadline)})
		return nil
	})
	for range 2 {
		if _, err := f.Invoke(t.Context(), []byte(`{}`)); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range got {
		if !es.ValidID(s.ID) || !strings.HasSuffix(s.ARN, ":function:tested") || s.Left > time.Minute || s.Left < 30*time.Second {
			t.Errorf("context: %+v", s)
		}
	}
	if got[0].ID == got[1].ID {
		t.Errorf("both invocations have the id %s", got[0].ID)
	}
}

func TestACallerMayNameTheInvocation(t *testing.T) {
	f := deploy(time.Minute, func(ctx context.Context) (string, error) {
		c, _ := lambdacontext.FromContext(ctx)
		return c.AwsRequestID, nil
	})
	named := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "mine"})
	if out, err := f.Invoke(named, []byte(`{}`)); string(out) != `"mine"` || err != nil {
		t.Errorf("the handler saw %s, %v", out, err)
	}
}

func TestAnErrorOfTheHandlerComesBackAsText(t *testing.T) {
	f := deploy(time.Minute, func() error { return context.DeadlineExceeded })
	_, err := f.Invoke(t.Context(), []byte(`{}`))
	if err == nil || err.Error() != context.DeadlineExceeded.Error() || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error: %v", err)
	}
}

func TestAPanicEndsTheInvocationOnly(t *testing.T) {
	f := deploy(time.Minute, func() error { panic("no luck") })
	_, err := f.Invoke(t.Context(), []byte(`{}`))
	if err == nil || !strings.Contains(err.Error(), "no luck") || !strings.Contains(err.Error(), "function_test.go") {
		t.Errorf("error without message or stack: %v", err)
	}
}

func TestAHandlerThatIgnoresItsDeadlineTimesOut(t *testing.T) {
	forever := make(chan struct{})
	defer close(forever)
	f := deploy(20*time.Millisecond, func() { <-forever })
	if _, err := f.Invoke(t.Context(), []byte(`{}`)); err == nil || err.Error() != "task timed out after 0.02 seconds" {
		t.Errorf("error: %v", err)
	}
}

func TestAHandlerRunsToItsEndWhenItsCallerHasGone(t *testing.T) {
	caller, leave := context.WithCancel(t.Context())
	began, ended := make(chan struct{}), make(chan error, 1)
	f := deploy(time.Minute, func(ctx context.Context) {
		close(began)
		<-caller.Done()
		ended <- ctx.Err()
	})
	go func() {
		<-began
		leave()
	}()
	if _, err := f.Invoke(caller, []byte(`{}`)); !errors.Is(err, context.Canceled) {
		t.Errorf("the caller was told: %v", err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the handler was told: %v", err)
	}
}

func TestPayloadsAboveLambdasQuotaAreRefused(t *testing.T) {
	ran := false
	f := deploy(time.Minute, func(in string) (string, error) {
		ran = true
		return in + "one more", nil
	})
	quoted := func(size int) []byte { return append(append([]byte{'"'}, bytes.Repeat([]byte("x"), size-2)...), '"') }

	if _, err := f.Invoke(t.Context(), quoted(MaxPayload+1)); !errors.Is(err, ErrRequestTooLarge) || ran {
		t.Errorf("request above the quota: %v, ran: %v", err, ran)
	}
	if _, err := f.Invoke(t.Context(), quoted(MaxPayload)); err == nil || !strings.Contains(err.Error(), "response payload") || !ran {
		t.Errorf("response above the quota: %v, ran: %v", err, ran)
	}
	if _, err := f.Invoke(t.Context(), quoted(MaxPayload-len("one more"))); err != nil {
		t.Errorf("both at the quota at most: %v", err)
	}
}
