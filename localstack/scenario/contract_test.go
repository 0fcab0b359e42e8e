package scenario_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/interview-sandbox/annals/localstack/scenario"
)

// document is the contract of a small API.
const document = `{
	"openapi": "3.1.0", "info": {"title": "t", "version": "1"},
	"paths": {
		"/things/{id}": {"get": {
			"parameters": [{"name": "at", "in": "query"}],
			"responses": {
				"200": {
					"headers": {"ETag": {"required": true, "schema": {"pattern": "^\"[0-9]+\"$"}}},
					"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}
				},
				"304": {}
			}
		}},
		"/things/new": {"post": {
			"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
			"responses": {"201": {}, "400": {"$ref": "#/components/responses/NoSuchRoute"}}
		}}
	},
	"components": {
		"schemas": {"Thing": {"type": "object", "properties": {"id": {"type": "string", "format": "uuid"}}, "required": ["id"], "additionalProperties": false}},
		"responses": {
			"NoSuchRoute": {"content": {"application/problem+json": {"schema": {"properties": {"type": {"enum": ["/problems/none"]}}, "required": ["type"]}}}},
			"MethodNotAllowed": {"headers": {"Allow": {"required": true, "schema": {}}}}
		}
	}
}`

const thing = `{"id":"0197a0f0-0000-7000-8000-000000000001"}`

func TestAnAnswerThatIsNotAsTheContractSaysIsABreach(t *testing.T) {
	var answer http.HandlerFunc
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/openapi.json" {
			io.WriteString(w, document)
			return
		}
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	for _, c := range []struct {
		name, request, body string // of the request
		status              int
		headers             string // of the answer: "ETag: 1, Allow: GET"
		answer              string
		breach              string // part of what is said; "": there is none
	}{
		{"as it should be", "GET /things/1?at=2", "", 200, `ETag: "1", Content-Type: application/json`, thing, ""},
		{"nothing, where there is nothing", "GET /things/1", "", 304, "", "", ""},
		{"another status", "GET /things/1", "", 202, "", "", "status 202"},
		{"no required header", "GET /things/1", "", 200, "Content-Type: application/json", thing, "ETag is missing"},
		{"a header of another form", "GET /things/1", "", 200, "ETag: 1, Content-Type: application/json", thing, "the header ETag"},
		{"another type of content", "GET /things/1", "", 200, `ETag: "1", Content-Type: text/plain`, thing, "Content-Type"},
		{"one more field", "GET /things/1", "", 200, `ETag: "1", Content-Type: application/json`, `{"id":"0197a0f0-0000-7000-8000-000000000001","more":1}`, "the body"},
		{"a value of another format", "GET /things/1", "", 200, `ETag: "1", Content-Type: application/json`, `{"id":"1"}`, "the body"},
		{"a body where there is none", "POST /things/new", thing, 201, "Content-Type: application/json", thing, "there is a body"},
		{"a request that was taken", "POST /things/new", thing, 201, "", "", ""},
		{"a request that should not have been taken", "POST /things/new", `{}`, 201, "", "", "the request"},
		{"a parameter that nobody reads", "GET /things/1?more=1", "", 200, `ETag: "1", Content-Type: application/json`, thing, "?more="},
		{"a problem", "POST /things/new", `{}`, 400, "Content-Type: application/problem+json", `{"type":"/problems/none"}`, ""},
		{"another problem", "POST /things/new", `{}`, 400, "Content-Type: application/problem+json", `{"type":"/problems/other"}`, "the body"},
		{"no route", "GET /nowhere", "", 404, "Content-Type: application/problem+json", `{"type":"/problems/none"}`, ""},
		{"no route, and yet an answer", "GET /nowhere", "", 200, "", "", "status 200"},
		{"no method", "PUT /things/1", "", 405, "Allow: GET", "", ""},
		{"no method, and none allowed", "PUT /things/1", "", 405, "", "", "Allow is missing"},
	} {
		answer = func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			for header := range strings.SplitSeq(c.headers, ", ") {
				if name, value, ok := strings.Cut(header, ": "); ok {
					w.Header().Set(name, value)
				}
			}
			w.WriteHeader(c.status)
			io.WriteString(w, c.answer)
		}
		method, path, _ := strings.Cut(c.request, " ")
		a, err := scenario.Client{URL: s.URL}.Send(t.Context(), method, path, c.body)
		var breach *scenario.BreachError
		switch {
		case a.Status != c.status:
			t.Errorf("%s: status %d, %v", c.name, a.Status, err)
		case c.breach == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.breach != "" && (!errors.As(err, &breach) || !strings.Contains(err.Error(), c.breach)):
			t.Errorf("%s: got %v, want a breach with %q", c.name, err, c.breach)
		}
	}
	if seen := scenario.Seen(s.URL)["POST /things/new"]; !seen["201"] || !seen["none"] || seen["200"] {
		t.Errorf("seen: %v", seen)
	}
}
