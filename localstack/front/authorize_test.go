package front

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestTheAuthorizerSeesTheRequestAndTheFunctionWhatItSaid(t *testing.T) {
	type asked struct {
		Version, Type, RouteArn, RouteKey, RawPath, RawQueryString string
		Headers, PathParameters, QueryStringParameters             map[string]string
		Body                                                       *string
		RequestContext                                             struct {
			RequestID string
			HTTP      struct{ Method string }
		}
	}
	var got asked
	authorizer := func(in asked) (json.RawMessage, error) {
		got = in
		return json.RawMessage(`{"isAuthorized":true,"context":{"caller":"u1","big":12345678901234567890,"list":[1,"b"],"no":null}}`), nil
	}
	s := serve(t, func(in struct {
		RequestContext struct {
			RequestID  string
			Authorizer struct{ Lambda json.RawMessage }
		}
	}) (json.RawMessage, error) {
		if in.RequestContext.RequestID != got.RequestContext.RequestID {
			t.Errorf("request ids: %s, %s", in.RequestContext.RequestID, got.RequestContext.RequestID)
		}
		return in.RequestContext.Authorizer.Lambda, nil
	}, authorizer)

	_, body := s.do(t, "POST", "/private/7?x=1", http.Header{"Authorization": {"Bearer secret"}}, strings.NewReader("unseen"))
	if body != `{"big":12345678901234567890,"caller":"u1","list":[1,"b"],"no":null}` {
		t.Errorf("the function saw %s", body)
	}
	if got.Version != "2.0" || got.Type != "REQUEST" || got.RouteKey != "POST /private/{id}" || got.RawPath != "/private/7" ||
		got.RawQueryString != "x=1" || got.QueryStringParameters["x"] != "1" || got.PathParameters["id"] != "7" ||
		got.Headers["authorization"] != "Bearer secret" || got.RequestContext.HTTP.Method != "POST" ||
		got.RouteArn != "arn:aws:execute-api:us-east-1:000000000000:local/$default/POST/private/7" {
		t.Errorf("the authorizer saw %+v", got)
	}
	if got.Body != nil {
		t.Errorf("the authorizer saw the body %q", *got.Body)
	}
}

func TestOnlyRoutesThatAskForItAreAuthorizedAndThoseEveryTime(t *testing.T) {
	var asked atomic.Int32
	s := serve(t, echo, func() (json.RawMessage, error) {
		asked.Add(1)
		return json.RawMessage(`{"isAuthorized":true}`), nil
	})
	for request, want := range map[string]int32{"GET /things": 0, "GET /nowhere": 0, "POST /private/1": 1, "POST /private/2": 1} {
		asked.Store(0)
		method, path, _ := strings.Cut(request, " ")
		if status, body := s.do(t, method, path, nil, nil); status != 200 || asked.Load() != want {
			t.Errorf("%s: %d %s, asked %d times", request, status, body, asked.Load())
		}
	}
}

func TestARequestThatIsNotAuthorizedDoesNotReachTheFunction(t *testing.T) {
	late := make(chan struct{})
	defer close(late)
	for name, c := range map[string]struct {
		authorizer any
		status     int
	}{
		"denied":        {returns(`{"isAuthorized":false,"context":{"a":"b"}}`), 403},
		"failed":        {func() error { return errors.New("no key") }, 500},
		"not an object": {returns(`"yes"`), 500},
		"not a boolean": {returns(`{"isAuthorized":"true"}`), 500},
		"no decision":   {returns(`{"context":{}}`), 500},
		"too slow":      {func() { <-late }, 500},
	} {
		reached := false
		s := serve(t, func() (string, error) { reached = true; return "", nil }, c.authorizer)
		s.front.maxAuthorizer = 100 * time.Millisecond
		status, body := s.do(t, "POST", "/private/7", nil, nil)
		if status != c.status || body != `{"message":"`+http.StatusText(c.status)+`"}` || reached {
			t.Errorf("%s: %d %s, reached: %v", name, status, body, reached)
		}
	}
}
