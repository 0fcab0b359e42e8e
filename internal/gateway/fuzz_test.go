package gateway_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/gateway"
)

// What a header says makes a request that is carried out or refused as malformed, and the call has
// only what is fit to be stored.
func FuzzHeaders(f *testing.F) {
	f.Add(`"1"`, "key", "wait=5", "trace-1", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", `"1", W/"2"`, "curl/8")
	f.Add(`*`, "", "wait=99999999999999999999", "a b", "00-x", "*", "\xff")
	f.Add(`W/"1"`, "a\nb", `wait="3";x`, "", "", "", strings.Repeat("é", 200))
	var got api.Call
	s := newServer(api.Command("POST /echo", api.Public, func(_ context.Context, call api.Call, _ struct{}) (r api.Reply[api.Changed], err error) {
		got = call
		return api.Reply[api.Changed]{Version: 1, Waited: call.Wait()}, nil
	}))
	f.Fuzz(func(t *testing.T, match, key, prefer, correlation, trace, none, agent string) {
		got = api.Call{}
		out, _ := s.send(t, call{method: "POST", path: "/echo", agent: agent, headers: map[string]string{
			"if-match": match, "idempotency-key": key, "prefer": prefer, "x-correlation-id": correlation, "traceparent": trace, "if-none-match": none,
		}})
		if out.StatusCode != 200 && out.StatusCode != 400 {
			t.Fatalf("status %d: %s", out.StatusCode, out.Body)
		}
		for name, value := range out.Headers {
			if strings.ContainsAny(value, "\r\n\x00") {
				t.Errorf("header %s is %q", name, value)
			}
		}
		if wait := got.Wait(); wait < 0 || wait.Seconds() > 8 {
			t.Errorf("%q waits for %v", prefer, wait)
		}
		if strings.ContainsFunc(got.Meta.CorrelationID+got.Meta.Trace, func(r rune) bool { return r < ' ' || r > '~' }) || len(got.Client) > 200 {
			t.Errorf("kept are %+v, client %q", got.Meta, got.Client)
		}
	})
}

// Whatever stands in Authorization, the authorizer lets the request pass and says who asks, or why
// that is nobody.
func FuzzAuthorization(f *testing.F) {
	f.Add("Bearer good")
	f.Add("bearer  unknown")
	f.Add("Basic \xff")
	a := &gateway.Authorizer{Verifier: verdicts{}}
	f.Fuzz(func(t *testing.T, header string) {
		out, err := a.Handle(t.Context(), events.APIGatewayV2CustomAuthorizerV2Request{Headers: map[string]string{"authorization": header}})
		if err != nil || !out.IsAuthorized || len(out.Context) == 0 {
			t.Fatalf("got %+v, error %v", out, err)
		}
		if out.Context["caller"] != nil && !strings.HasSuffix(strings.TrimSpace(header), "good") {
			t.Errorf("%q speaks for %v", header, out.Context["caller"])
		}
	})
}

// The part of a query that says what to show is read or refused as malformed.
func FuzzQuery(f *testing.F) {
	f.Add("20", "MS4w", "asc", "1", "2026-01-02T03:04:05Z")
	f.Add("1e3", "!", "ASC", "18446744073709551616", "0001-01-01T00:00:00Z")
	f.Add("+1", "MQ\n", "", "01", "2026-01-02T03:04:05,5Z")
	f.Fuzz(func(t *testing.T, limit, cursor, order, version, at string) {
		c := api.Call{Query: map[string]string{"limit": limit, "cursor": cursor, "order": order, "version": version, "at": at}}
		page, err := c.Page()
		if err == nil {
			if page.Limit < 1 || page.Limit > 100 {
				t.Errorf("limit %q is %d", limit, page.Limit)
			}
			if next := api.NewList([]int{}, page.Cursor).NextCursor; next == nil || *next != cursor {
				t.Errorf("the cursor %q is given back as %v", cursor, next)
			}
		} else if !isMalformed(err) {
			t.Errorf("error %v", err)
		}
		if _, err := c.Descending(); err != nil && !isMalformed(err) {
			t.Errorf("error %v", err)
		}
		delete(c.Query, "at")
		if m, err := c.Moment(); err == nil && m.Version == 0 || err != nil && !isMalformed(err) {
			t.Errorf("version %q is %d, error %v", version, m.Version, err)
		}
		c.Query = map[string]string{"at": at}
		if m, err := c.Moment(); err == nil && m.At.IsZero() || err != nil && !isMalformed(err) {
			t.Errorf("time %q is %v, error %v", at, m.At, err)
		}
	})
}

func isMalformed(err error) bool {
	var known *es.Error
	return errors.As(err, &known) && known.Kind == es.Malformed
}
