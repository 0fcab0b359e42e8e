package front

import (
	"net/http"
	"reflect"
	"testing"
)

func TestWhatAFunctionReturnsBecomesTheResponse(t *testing.T) {
	for name, c := range map[string]struct {
		returned    string
		status      int
		contentType string
		body        string
	}{
		"object without status":  {`{"name":"x"}`, 200, "application/json", `{"name":"x"}`},
		"string":                 {`"say \"hi\""`, 200, "application/json", `say "hi"`},
		"list":                   {`[1,2]`, 200, "application/json", `[1,2]`},
		"null":                   {`null`, 200, "application/json", `null`},
		"status only":            {`{"statusCode":202}`, 202, "", ""},
		"body without type":      {`{"statusCode":201,"body":"made"}`, 201, "text/plain; charset=utf-8", "made"},
		"type in any case":       {`{"statusCode":404,"headers":{"content-TYPE":"application/problem+json"},"body":"{}"}`, 404, "application/problem+json", "{}"},
		"base64":                 {`{"statusCode":200,"headers":{"Content-Type":"image/png"},"isBase64Encoded":true,"body":"AAH/"}`, 200, "image/png", "\x00\x01\xff"},
		"wrong length is undone": {`{"statusCode":200,"headers":{"Content-Length":"1","Transfer-Encoding":"chunked"},"body":"four"}`, 200, "text/plain; charset=utf-8", "four"},
		"not modified":           {`{"statusCode":304,"headers":{"ETag":"\"3\""}}`, 304, "", ""},
	} {
		resp, body := serve(t, returns(c.returned)).exchange(t, "GET", "/things", nil, nil)
		if resp.StatusCode != c.status || resp.Header.Get("Content-Type") != c.contentType || body != c.body {
			t.Errorf("%s: %d %q %q", name, resp.StatusCode, resp.Header.Get("Content-Type"), body)
		}
		if resp.Header.Get("Apigw-Requestid") == "" {
			t.Errorf("%s: no request id", name)
		}
	}
}

func TestEachCookieIsAHeaderOfItsOwn(t *testing.T) {
	resp, _ := serve(t, returns(`{"statusCode":204,"headers":{"X-One":"1"},"cookies":["a=1; Path=/","b=2"]}`)).
		exchange(t, "GET", "/things", nil, nil)
	if got := resp.Header.Values("Set-Cookie"); !reflect.DeepEqual(got, []string{"a=1; Path=/", "b=2"}) || resp.Header.Get("X-One") != "1" {
		t.Errorf("header: %v", resp.Header)
	}
}

func TestHeadGetsTheHeadersOfTheDefaultRouteAndNoBody(t *testing.T) {
	resp, body := serve(t, returns(`{"statusCode":405,"headers":{"Allow":"GET"},"body":"four"}`)).exchange(t, http.MethodHead, "/things", nil, nil)
	if resp.StatusCode != 405 || resp.Header.Get("Allow") != "GET" || resp.ContentLength != 4 || body != "" {
		t.Errorf("%d %v %d %q", resp.StatusCode, resp.Header, resp.ContentLength, body)
	}
}
