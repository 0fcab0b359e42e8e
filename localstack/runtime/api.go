package runtime

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/interview-sandbox/annals/localstack/function"
)

// api is the Runtime API of one environment:
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type api struct {
	next   chan *invocation
	polled chan struct{} // holds one when the runtime has asked for an invocation

	mu      sync.Mutex
	ready   bool
	failed  *Error      // how the initialization failed
	current *invocation // which has been handed over and not been answered
}

func newAPI() *api { return &api{next: make(chan *invocation), polled: make(chan struct{}, 1)} }

// invocation is one event and what becomes of it.
type invocation struct {
	id, arn, trace string
	deadline       int64 // ms since 1970
	payload        []byte

	ended    chan struct{} // closed when the rest is there
	response []byte
	err      error
}

func newInvocation(ctx context.Context, payload []byte) *invocation {
	i := &invocation{trace: newTrace(time.Now()), payload: payload, ended: make(chan struct{})}
	if c, ok := lambdacontext.FromContext(ctx); ok {
		i.id, i.arn = c.AwsRequestID, c.InvokedFunctionArn
	}
	if end, ok := ctx.Deadline(); ok {
		i.deadline = end.UnixMilli()
	}
	return i
}

// newTrace makes a trace header that is not sampled, which Lambda gives every invocation:
// https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
func newTrace(now time.Time) string {
	var random [20]byte
	rand.Read(random[:]) // never fails
	return fmt.Sprintf("Root=1-%08x-%x;Parent=%x;Sampled=0", now.Unix(), random[:12], random[12:])
}

func (a *api) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", a.poll)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", a.respond)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", a.fail)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", a.failInit)
	return mux
}

func (a *api) poll(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.ready = true
	a.mu.Unlock()
	select {
	case a.polled <- struct{}{}:
	default: // the runtime asks again without having been answered
	}
	select {
	case i := <-a.next:
		a.mu.Lock()
		a.current = i
		a.mu.Unlock()
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", i.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(i.deadline, 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", i.arn)
		h.Set("Lambda-Runtime-Trace-Id", i.trace)
		w.Write(i.payload) // a runtime that does not read it has died, which its process tells
	case <-r.Context().Done():
	}
}

func (a *api) respond(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, function.MaxPayload))
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		e := &Error{"Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size (" + strconv.Itoa(function.MaxPayload) + " bytes)."}
		if a.end(r.PathValue("id"), nil, e) {
			answer(w, http.StatusRequestEntityTooLarge, &Error{"RequestEntityTooLarge", e.Message})
		} else {
			answer(w, http.StatusBadRequest, invalidID)
		}
		return
	}
	if err != nil {
		return // the runtime is gone
	}
	a.accept(w, a.end(r.PathValue("id"), body, nil))
}

func (a *api) fail(w http.ResponseWriter, r *http.Request) {
	e, err := readError(w, r)
	if err != nil {
		answer(w, http.StatusBadRequest, &Error{"InvalidErrorShape", "The error is no JSON object of errorType and errorMessage."})
		return
	}
	a.accept(w, a.end(r.PathValue("id"), nil, e))
}

func (a *api) failInit(w http.ResponseWriter, r *http.Request) {
	e, err := readError(w, r)
	if err != nil {
		answer(w, http.StatusBadRequest, &Error{"InvalidErrorShape", "The error is no JSON object of errorType and errorMessage."})
		return
	}
	a.mu.Lock()
	late := a.ready
	if !late {
		a.failed = e
	}
	a.mu.Unlock()
	if late {
		answer(w, http.StatusForbidden, &Error{"InvalidStateTransition", "The initialization is over."})
		return
	}
	a.accept(w, true)
}

// initError is how the initialization failed, or exit if the runtime has not said.
func (a *api) initError(exit *Error) *Error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failed != nil {
		return a.failed
	}
	return exit
}

// readError reads an error as runtimes tell it. Its type may be in a header alone.
func readError(w http.ResponseWriter, r *http.Request) (*Error, error) {
	var e Error
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, function.MaxPayload)).Decode(&e); err != nil {
		return nil, err
	}
	if given := r.Header.Get("Lambda-Runtime-Function-Error-Type"); e.Type == "" {
		e.Type = given
	}
	return &e, nil
}

var invalidID = &Error{"InvalidRequestID", "Invalid request ID"}

// end ends the current invocation, if that is it.
func (a *api) end(id string, response []byte, e *Error) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := a.current
	if i == nil || i.id != id {
		return false
	}
	a.current = nil
	i.response = response
	if e != nil {
		i.err = e
	}
	close(i.ended)
	return true
}

func (a *api) accept(w http.ResponseWriter, known bool) {
	if !known {
		answer(w, http.StatusBadRequest, invalidID)
		return
	}
	answer(w, http.StatusAccepted, map[string]string{"status": "OK"})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body) // to a runtime that has died by now, if that fails
}
