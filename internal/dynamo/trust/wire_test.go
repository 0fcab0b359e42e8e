package trust_test

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/interview-sandbox/annals/internal/dynamo"
)

// wire carries requests to DynamoDB and replies back, and does so as badly as the weather in
// the requests' contexts says.
type wire struct {
	patience time.Duration // of clients; above what a busy machine takes, so that few time-outs are not meant
	inFlight sync.WaitGroup
	happened [faults]atomic.Int64
}

var connections = &http.Transport{MaxIdleConnsPerHost: 128}

// client is the program's own client at the end of the wire. Retries stay what they are, but
// for the time between them.
func (w *wire) client(options ...func(*dynamodb.Options)) *dynamodb.Client {
	return dynamo.NewClient(settings, append([]func(*dynamodb.Options){func(o *dynamodb.Options) {
		o.HTTPClient = &http.Client{Transport: w, Timeout: w.patience}
		o.Retryer = hasty{o.Retryer.(aws.RetryerV2)}
	}}, options...)...)
}

type hasty struct{ aws.RetryerV2 }

func (hasty) RetryDelay(int, error) (time.Duration, error) { return rand.N(2 * time.Millisecond), nil }

// drain waits until no request is on its way any more, those that their clients have given
// up included.
func (w *wire) drain() { w.inFlight.Wait() }

var errReset = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}

// RoundTrip implements [http.RoundTripper].
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	r.Body.Close()
	if err != nil {
		return nil, err
	}
	f := none
	if weather, ok := r.Context().Value(forecastKey{}).(forecast); ok {
		f = weather.next(kindOf(r))
	}
	w.happened[f].Add(1)
	if refusal, ok := refusals[f]; ok {
		return refusal(r, body), nil
	}
	if f == resetBefore {
		return nil, errReset
	}
	reply, err := w.carry(r, body, f)
	if err != nil {
		return nil, err
	}
	switch f {
	case failedAfter:
		return refusals[failed](r, body), nil
	case lostReply:
		return nil, errReset
	case cutReply:
		whole, _ := io.ReadAll(reply.Body)
		reply.Body = io.NopCloser(io.MultiReader(bytes.NewReader(whole[:len(whole)/2]), broken{}))
	}
	return reply, nil
}

func kindOf(r *http.Request) request {
	switch _, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "."); operation {
	case "PutItem":
		return aWrite
	case "TransactWriteItems":
		return aTransaction
	default:
		return aRead
	}
}

// delays are how long a request and its reply are on their way.
func (w *wire) delays(f fault) (there, back time.Duration) {
	switch f {
	case slow:
		return rand.N(10 * time.Millisecond), rand.N(10 * time.Millisecond)
	case late:
		return w.patience + rand.N(20*time.Millisecond), 0
	default:
		return 0, 0
	}
}

// carry sends a request and goes on with it when the client has given up.
func (w *wire) carry(r *http.Request, body []byte, f fault) (*http.Response, error) {
	type outcome struct {
		reply *http.Response
		err   error
	}
	done := make(chan outcome, 1)
	there, back := w.delays(f)
	w.inFlight.Go(func() {
		time.Sleep(there)
		from := time.Now()
		reply, err := send(context.WithoutCancel(r.Context()), r, body)
		if o, ok := r.Context().Value(observationKey{}).(*observation); ok && err == nil && reply.StatusCode == http.StatusOK && kindOf(r) != aRead {
			o.effect.include(from, time.Now())
		}
		time.Sleep(back)
		done <- outcome{reply, err}
	})
	select {
	case o := <-done:
		return o.reply, o.err
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// send gives the reply once all of it is there.
func send(ctx context.Context, r *http.Request, body []byte) (*http.Response, error) {
	again, err := http.NewRequestWithContext(ctx, r.Method, r.URL.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	again.Header, again.Host = r.Header, r.Host
	reply, err := connections.RoundTrip(again)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	whole, err := io.ReadAll(reply.Body)
	if err != nil {
		return nil, err
	}
	reply.Body = io.NopCloser(bytes.NewReader(whole))
	return reply, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
