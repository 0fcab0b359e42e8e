package front

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/interview-sandbox/annals/internal/topology"
	"github.com/interview-sandbox/annals/localstack/function"
)

// What a function returns is an answer with a status that there is, or an error. A byte that is not
// UTF-8 becomes U+FFFD, which has three.
func FuzzResponse(f *testing.F) {
	for _, payload := range []string{`{"statusCode":200,"headers":{"a":"b"},"body":"x"}`, `"text"`, `{"statusCode":1e999}`, `{"statusCode":204,"isBase64Encoded":true,"body":"eA=="}`, `null`, ``} {
		f.Add([]byte(payload))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		if r, err := responseOf(payload); err == nil && (r.status < 200 || r.status > 599 || len(r.body) > 3*len(payload)) {
			t.Errorf("%q is answered with %d and %d bytes", payload, r.status, len(r.body))
		}
	})
}

// A request reaches the function as a whole, or is refused before.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "/things/a%2Fb?x=1&x=2&y=%zz", "Cookie", "a=b", "")
	f.Add("POST", "/things", "Content-Type", "application/json", "\xff")
	f.Add("POST", "/private/7", "Authorization", "Bearer x", "{}")
	echo := func(in events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		text, err := json.Marshal(in.Headers)
		return events.APIGatewayV2HTTPResponse{StatusCode: 200, Body: string(text)}, err
	}
	allow := func(events.APIGatewayV2CustomAuthorizerV2Request) (events.APIGatewayV2CustomAuthorizerSimpleResponse, error) {
		return events.APIGatewayV2CustomAuthorizerSimpleResponse{IsAuthorized: true}, nil
	}
	functions := map[string]lambda.Handler{}
	for name, h := range map[string]any{"things": echo, topology.DefaultRoute: echo, topology.Authorizer: allow} {
		functions[name] = function.New(topology.Function{Name: name, Timeout: time.Minute}, lambda.NewHandler(h))
	}
	front := New([]topology.Route{
		{Method: "POST", Path: "/things", Function: "things"},
		{Method: "GET", Path: "/things/{id}", Function: "things"},
		{Method: "POST", Path: "/private/{id}", Function: "things", Authorized: true},
	}, functions, slog.New(slog.NewTextHandler(io.Discard, nil)))
	f.Fuzz(func(t *testing.T, method, target, name, value, body string) {
		text := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\n%s: %s\r\nContent-Length: %d\r\n\r\n%s", method, target, name, value, len(body), body)
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
		if err != nil {
			return
		}
		r.RemoteAddr = "127.0.0.1:1"
		w := httptest.NewRecorder()
		front.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
	})
}
