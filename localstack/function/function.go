// Package function runs Lambda handlers in this process under the rules that Lambda has for
// every invocation.
package function

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/topology"
)

// MaxPayload is how large the request and the response of an invocation may be, in bytes:
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const MaxPayload = 6 << 20

// ErrRequestTooLarge is the error of an invocation whose payload is above [MaxPayload].
var ErrRequestTooLarge = errors.New("the request payload is too large")

// Function is a deployed function. It is a [lambda.Handler] itself.
type Function struct {
	name    string
	timeout time.Duration
	handler lambda.Handler
}

// New deploys a handler as the function that the topology declares. Lambda would start one
// more process for each request that comes while others are under way; here the one handler
// is called side by side, which that of lambda.NewHandler does not allow.
func New(declared topology.Function, handler lambda.Handler) *Function {
	return &Function{declared.Name, declared.Timeout, handler}
}

// Invoke runs the handler once, with the function's timeout and a [lambdacontext.LambdaContext]
// in its context, which may be the caller's.
// A handler's error, panic, timeout or too large response comes back as an error that is
// text and nothing else, as over the network; [ErrRequestTooLarge] says that the handler was
// not run. If the caller's context ends, its error is returned, and the handler runs on.
func (f *Function) Invoke(caller context.Context, payload []byte) ([]byte, error) {
	if len(payload) > MaxPayload {
		return nil, ErrRequestTooLarge
	}
	ctx, cancel := context.WithTimeout(f.identify(caller), f.timeout)
	done := make(chan outcome, 1)
	go func() {
		defer cancel()
		done <- f.call(ctx, payload)
	}()
	select {
	case o := <-done:
		return o.payload, o.err
	case <-caller.Done():
		return nil, caller.Err()
	case <-time.After(f.timeout):
		return nil, fmt.Errorf("task timed out after %.2f seconds", f.timeout.Seconds())
	}
}

type outcome struct {
	payload []byte
	err     error
}

func (f *Function) call(ctx context.Context, payload []byte) (o outcome) {
	defer func() {
		if p := recover(); p != nil {
			o = outcome{err: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
		}
	}()
	out, err := f.handler.Invoke(ctx, payload)
	if len(out) > MaxPayload {
		return outcome{err: fmt.Errorf("response payload has %d bytes, more than %d", len(out), MaxPayload)}
	}
	if err != nil {
		return outcome{err: errors.New(err.Error())}
	}
	return outcome{payload: out}
}

// identify gives an invocation an identity, unless its caller has, and takes the caller's end
// away from it.
func (f *Function) identify(caller context.Context) context.Context {
	ctx := context.WithoutCancel(caller)
	if _, given := lambdacontext.FromContext(ctx); given {
		return ctx
	}
	return lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{
		AwsRequestID:       es.NewID(time.Now(), rand.Reader),
		InvokedFunctionArn: "arn:aws:lambda:us-east-1:000000000000:function:" + f.name,
	})
}
