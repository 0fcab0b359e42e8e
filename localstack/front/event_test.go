package front

import (
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

// echo is a handler that returns its event.
func echo(in json.RawMessage) (json.RawMessage, error) { return in, nil }

// As the service itself sends it; compare the recorded events of API Gateway in the tests
// of AWS's own emulator: https://github.com/aws/aws-lambda-dotnet, Tools/LambdaTestTool-v2.
func TestARequestBecomesAnEventOfPayloadFormat2(t *testing.T) {
	s := serve(t, echo)
	host := strings.TrimPrefix(s.url, "http://")
	_, port, _ := strings.Cut(host, ":")
	before := time.Now()
	_, body := s.do(t, "GET", "/things/Ren%C3%A9%20B?tag=a%20b&q=1&tag=c%2Cd&empty", http.Header{
		"User-Agent":      {"tester/1"},
		"Accept":          {"text/html, application/json"},
		"X-Twice":         {"one", "two"},
		"Cookie":          {"session=abc; theme=dark", "third=3"},
		"X-Forwarded-For": {"192.0.2.1"},
		"Accept-Encoding": {"identity"},
	}, nil)

	var got map[string]any
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	context := got["requestContext"].(map[string]any)
	headers := got["headers"].(map[string]any)
	taken := func(from map[string]any, name, form string) any {
		value := from[name]
		if s, ok := value.(string); !ok || !regexp.MustCompile(form).MatchString(s) {
			t.Errorf("%s: %v", name, value)
		}
		delete(from, name)
		return value
	}
	taken(context, "requestId", `^[A-Z2-7]{15}=$`)
	taken(headers, "x-amzn-trace-id", `^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$`)
	at, err := time.Parse("02/Jan/2006:15:04:05 -0700", taken(context, "time", ` \+0000$`).(string))
	if err != nil || at.Before(before.Truncate(time.Second)) || at.After(time.Now()) {
		t.Errorf("time: %v %v", at, err)
	}
	if ms, _ := context["timeEpoch"].(float64); time.UnixMilli(int64(ms)).Truncate(time.Second).Compare(at) != 0 {
		t.Errorf("timeEpoch: %v", context["timeEpoch"])
	}
	delete(context, "timeEpoch")
	delete(context, "authentication") // aws-lambda-go has no way to leave it out

	want := map[string]any{
		"version":        "2.0",
		"routeKey":       "GET /things/{id}",
		"rawPath":        "/things/René B",
		"rawQueryString": "tag=a%20b&q=1&tag=c%2Cd&empty",
		"cookies":        []any{"session=abc", "theme=dark", "third=3"},
		"headers": map[string]any{
			"accept":            "text/html, application/json",
			"accept-encoding":   "identity",
			"host":              host,
			"user-agent":        "tester/1",
			"x-forwarded-for":   "192.0.2.1, 127.0.0.1",
			"x-forwarded-port":  port,
			"x-forwarded-proto": "http",
			"x-twice":           "one,two",
		},
		"queryStringParameters": map[string]any{"tag": "a b,c,d", "q": "1", "empty": ""},
		"pathParameters":        map[string]any{"id": "René B"},
		"requestContext": map[string]any{
			"accountId":    "000000000000",
			"apiId":        "local",
			"domainName":   host,
			"domainPrefix": "local",
			"http": map[string]any{
				"method": "GET", "path": "/things/René B", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "tester/1",
			},
			"routeKey": "GET /things/{id}",
			"stage":    "$default",
		},
		"isBase64Encoded": false,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("event:\n%#v\nwant:\n%#v", got, want)
	}
}

func TestWhatARequestLacksTheEventLacks(t *testing.T) {
	s := serve(t, echo)
	_, body := s.do(t, "GET", "/", nil, nil)
	var got map[string]json.RawMessage
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"cookies", "queryStringParameters", "pathParameters", "body", "stageVariables"} {
		if value, ok := got[name]; ok {
			t.Errorf("%s: %s", name, value)
		}
	}
	if string(got["rawQueryString"]) != `""` {
		t.Errorf("rawQueryString: %s", got["rawQueryString"])
	}
}

func TestBodiesThatAreNotTextArriveInBase64(t *testing.T) {
	s := serve(t, echo)
	for _, c := range []struct{ contentType, sent, arrives string }{
		{"application/json", `{"a":"é"}`, `{"a":"é"}`},
		{"Application/JSON; charset=utf-8", "{}", "{}"},
		{"application/merge-patch+json", "{}", "{}"},
		{"text/plain", "plain", "plain"},
		{"", "plain", "plain"},
		{"application/xml", "<a/>", "<a/>"},
		{"application/json", "\xff\x00", "/wA="},
		{"application/octet-stream", "plain", "cGxhaW4="},
		{"application/x-www-form-urlencoded", "a=b", "YT1i"},
		{"image/png", "", ""},
	} {
		header := http.Header{}
		if c.contentType != "" {
			header.Set("Content-Type", c.contentType)
		}
		_, body := s.do(t, "POST", "/things", header, strings.NewReader(c.sent))
		var got event
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		if got.Body != c.arrives || got.IsBase64Encoded != (c.sent != c.arrives) {
			t.Errorf("%q as %q arrives as %q, base64: %v", c.sent, c.contentType, got.Body, got.IsBase64Encoded)
		}
	}
}

func TestAChunkedBodyArrivesWithItsLength(t *testing.T) {
	s := serve(t, func(in struct{ Headers map[string]string }) (string, error) {
		return in.Headers["content-length"], nil
	})
	unsized := struct{ *strings.Reader }{strings.NewReader("seven b")}
	if _, length := s.do(t, "POST", "/things", nil, unsized); length != "7" {
		t.Errorf("content-length: %q", length)
	}
}
