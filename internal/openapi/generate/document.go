// Package generate writes the OpenAPI document of the API: from the routes' declarations, from
// the Go types that bodies are read and written with, and from what the source says of these.
package generate

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/comments"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/gateway"
)

// tags are what routes are grouped by: by the first part of their paths, with what it is about.
var tags = []struct{ segment, name, text string }{
	{"auth", "Auth", "Accounts and logins."},
	{"users", "Users", "People: profiles, roles, suspension, erasure."},
	{"files", "Files", "Files, whose bytes go straight to and from S3."},
	{"payments", "Payments", "Payments and refunds."},
	{"notifications", "Notifications", "Messages to people."},
	{"admin", "Operator", "For those who run the system."},
	{"", "System", "The API itself."},
}

const about = `An event-sourced backend: every change is an event, and any object can be read as it was.

Bodies are JSON in UTF-8. Fields that are not listed are refused, and those that are required have to be there.
Times are RFC 3339 in UTC, ids UUIDs, amounts of money integers in the currency's minor unit.

Refusals are problem documents (RFC 9457) whose type is stable. A path that does not exist is answered
with 404, a method that its path does not take with 405 and Allow. What the gateway before the functions
answers by itself, such as 413 to more than 10 MB, is {"message": …}.`

// Document gives the OpenAPI 3.1 document of these routes, indented.
func Document(routes []api.Route, source *comments.Source) ([]byte, error) {
	d := document{schemas{source, map[string]object{}, map[string]reflect.Type{}}, map[string]object{}}
	problem := d.of(reflect.TypeFor[gateway.Problem](), response)
	paths := d.paths(routes)
	var described []object
	responses := object{
		{"Internal", answer("Something went wrong. Tell us the correlation id.", nil, object{
			{"application/problem+json", media(only(problem, 500, "internal"))}, {"application/json", media(reference("schemas", "GatewayMessage"))}})},
		{"HeadersTooLarge", object{{"description", "The path, the query and the headers are more than 10,240 bytes."},
			{"content", object{{"application/json", media(reference("schemas", "GatewayMessage"))}}}}},
		{"NoSuchRoute", answer("There is no such route.", nil, object{{"application/problem+json", media(only(problem, 404, "no-such-route"))}})},
		{"MethodNotAllowed", answer("The path takes other methods.", object{{"Allow", header("The methods that it takes.", true)}},
			object{{"application/problem+json", media(only(problem, 405, "method-not-allowed"))}})},
	}
	for _, name := range slices.Sorted(maps.Keys(d.refusals)) {
		responses.set(name, d.refusals[name])
	}
	for _, t := range tags {
		if slices.ContainsFunc(routes, func(r api.Route) bool { return tagOf(r) == t.name }) {
			described = append(described, object{{"name", t.name}, {"description", t.text}})
		}
	}
	text, err := encode(object{
		{"openapi", "3.1.0"},
		{"info", object{{"title", "Annals"}, {"version", "1"}, {"description", about}}},
		{"servers", []object{{{"url", "/"}}}},
		{"tags", described},
		{"paths", paths},
		{"components", object{
			{"schemas", append(d.components(), member{"GatewayMessage", gatewayMessage})},
			{"parameters", parameters},
			{"headers", headers},
			{"responses", responses},
			{"securitySchemes", object{{"token", object{{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "JWT"},
				{"description", "The accessToken that POST /auth/login gives."}}}}},
		}},
	}, "  ")
	return append(text, '\n'), err
}

type document struct {
	schemas
	refusals map[string]object // by name
}

func tagOf(r api.Route) string {
	segment := strings.Split(r.Path, "/")[1]
	for _, t := range tags {
		if t.segment == segment || t.segment == "" {
			return t.name
		}
	}
	panic("unreachable")
}

func (d *document) paths(routes []api.Route) (paths object) {
	routes = slices.Clone(routes)
	slices.SortFunc(routes, func(a, b api.Route) int { return cmp.Compare(a.Path, b.Path) })
	for _, r := range routes {
		item, _ := paths.get(r.Path).(object)
		item.set(strings.ToLower(r.Method), d.operation(r))
		paths.set(r.Path, item)
	}
	return paths
}

func (d *document) operation(r api.Route) object {
	o := object{
		{"operationId", operationID(r)},
		{"tags", []string{tagOf(r)}},
		{"summary", r.Summary},
		{"description", whose(r)},
		{"parameters", d.parameters(r)},
	}
	switch {
	case r.Raw:
		o.set("requestBody", object{{"required", true}, {"content", object{{"*/*", object{}}}}})
	case r.In != nil:
		o.set("requestBody", object{{"required", !r.BodyOptional()}, {"content", object{{"application/json", media(d.of(r.In, request))}}}})
	}
	o.set("responses", d.responses(r))
	security := []object{}
	if r.Access != api.Public {
		security = append(security, object{{"token", []string{}}})
	}
	o.set("security", security)
	return o
}

// operationID is "getAuthUsersIdHistory" for GET /auth/users/{id}/history.
func operationID(r api.Route) string {
	id := strings.ToLower(r.Method)
	for part := range strings.FieldsFuncSeq(r.Path, func(c rune) bool { return strings.ContainsRune("/{}-.", c) }) {
		id += capital(part)
	}
	return id
}

// whose says who may send a request.
func whose(r api.Route) string {
	switch {
	case r.Access == api.Public:
		return "For everybody."
	case r.Access == api.SignedIn:
		return "For everybody who is logged in."
	case r.Access == api.Self && r.Command:
		return "For the user whose id is in the path."
	case r.Access == api.Self:
		return "For the user whose id is in the path, operators and auditors."
	case r.Command:
		return "For operators."
	}
	return "For operators and auditors. The latter see no personal data."
}

func (d *document) parameters(r api.Route) (all []object) {
	declared := func(in, name string) bool {
		return slices.ContainsFunc(r.Params, func(p api.Param) bool { return p.In == in && p.Name == name })
	}
	for _, name := range r.PathParams() {
		if !declared("path", name) {
			all = append(all, pathParam(name))
		}
	}
	for _, p := range r.Params {
		in, text := cmp.Or(p.In, "query"), constrain(object{{"type", "string"}}, p.Schema)
		all = append(all, object{{"name", p.Name}, {"in", in}, {"description", p.Text}, {"required", p.Required || in == "path"}, {"schema", text}})
	}
	if r.Command {
		all = append(all, reference("parameters", "IfMatch"))
		if !declared("header", "Idempotency-Key") {
			all = append(all, reference("parameters", "IdempotencyKey"))
		}
	}
	return append(all, reference("parameters", "CorrelationId"))
}

func pathParam(name string) object {
	schema, text := object{{"type", "string"}, {"minLength", 1}}, "The "+name+"."
	if name == "id" || strings.HasSuffix(name, "Id") {
		schema.set("format", "uuid")
	}
	if name == "stream" {
		text = "The stream's name, such as user%23 and an id."
	}
	return object{{"name", name}, {"in", "path"}, {"description", text}, {"required", true}, {"schema", schema}}
}

// hasVersions reports whether an answer can be that the version is still the same.
func hasVersions(r api.Route) bool {
	return slices.ContainsFunc(r.Params, func(p api.Param) bool { return p.Name == api.Versioned[0].Name })
}

// tellsVersion reports whether every answer has an ETag.
func tellsVersion(r api.Route) bool {
	if r.Out == nil || r.Out.Kind() != reflect.Struct || !r.Command && !hasVersions(r) {
		return false
	}
	field, ok := r.Out.FieldByName("Version")
	return ok && field.Tag.Get("json") == "version"
}

func (d *document) responses(r api.Route) (all object) {
	for _, status := range r.Statuses {
		all.set(strconv.Itoa(status), d.success(r, status))
	}
	if hasVersions(r) {
		all.set("304", answer("The version in If-None-Match is the present one.", object{{"ETag", reference("headers", "ETag")}}, nil))
	}
	problems := r.Problems()
	if r.Command {
		problems = append(problems, gateway.ErrBodyTooLarge)
	}
	refused := map[int][]*es.Error{}
	for _, p := range problems {
		status := gateway.StatusOf(p.Kind)
		refused[status] = append(refused[status], p)
	}
	for status := range 600 {
		if some := refused[status]; len(some) > 0 {
			all.set(strconv.Itoa(status), d.refusal(status, some))
		}
	}
	all.set("431", reference("responses", "HeadersTooLarge"))
	all.set("500", reference("responses", "Internal"))
	return all
}

func (d *document) success(r api.Route, status int) object {
	more, content := object{}, object(nil)
	switch {
	case tellsVersion(r):
		more.set("ETag", reference("headers", "ETag"))
	case r.Command || hasVersions(r):
		more.set("ETag", header("The object's version.", false))
	}
	if r.Command {
		more.set("Idempotent-Replay", reference("headers", "IdempotentReplay"))
	}
	if slices.ContainsFunc(r.Params, func(p api.Param) bool { return p.In == "header" && p.Name == "Prefer" }) {
		more.set("Preference-Applied", header("What of Prefer was heeded.", false))
	}
	if status == http.StatusFound || slices.Contains(r.Statuses, http.StatusCreated) {
		more.set("Location", header("Where it is.", true))
	}
	switch {
	case r.Out == reflect.TypeFor[api.HTML]():
		content = object{{"text/html; charset=utf-8", media(object{{"type", "string"}})}}
	case r.Out != nil && status != http.StatusNoContent && status != http.StatusFound:
		content = object{{"application/json", media(d.of(r.Out, response))}}
	}
	return answer(http.StatusText(status)+".", more, content)
}

// refusal is the reference to the response with these problems, which many routes share.
func (d *document) refusal(status int, problems []*es.Error) object {
	var text, slugs []string
	for _, p := range problems {
		text, slugs = append(text, fmt.Sprintf("`%s`: %s", p.Code, p.Message)), append(slugs, p.Code)
	}
	more := object{}
	switch status {
	case http.StatusUnauthorized:
		more.set("WWW-Authenticate", header("How to authenticate.", true))
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		more.set("Retry-After", header("After how many seconds to try again.", true))
	}
	problem := d.of(reflect.TypeFor[gateway.Problem](), response)
	content := object{{"application/problem+json", media(only(problem, status, slugs...))}}
	if status == http.StatusServiceUnavailable {
		content.set("application/json", media(reference("schemas", "GatewayMessage")))
	}
	name := strconv.Itoa(status) + "." + strings.Join(slugs, ".")
	d.refusals[name] = answer(strings.Join(text, "\n\n"), more, content)
	return reference("responses", name)
}

// only is the schema of a problem with one of these slugs.
func only(problem object, status int, slugs ...string) object {
	types := make([]string, len(slugs))
	for i, s := range slugs {
		types[i] = "/problems/" + s
	}
	return object{{"allOf", []object{problem, {{"properties", object{
		{"type", object{{"enum", types}}}, {"status", object{{"const", status}}},
	}}}}}}
}

// answer is a response. Every one has a correlation id.
func answer(text string, more, content object) object {
	all := append(object{{"X-Correlation-Id", reference("headers", "CorrelationId")}}, more...)
	o := object{{"description", text}, {"headers", all}}
	if content != nil {
		o.set("content", content)
	}
	return o
}

func media(schema object) object { return object{{"schema", schema}} }

func reference(kind, name string) object {
	return object{{"$ref", "#/components/" + kind + "/" + name}}
}

func header(text string, required bool) object {
	return object{{"description", text}, {"required", required}, {"schema", object{{"type", "string"}}}}
}

var (
	gatewayMessage = object{
		{"type", "object"},
		{"description", "What the gateway before the functions answers by itself."},
		{"properties", object{{"message", object{{"type", "string"}}}}},
		{"required", []string{"message"}},
		{"additionalProperties", false},
	}
	headers = object{
		{"CorrelationId", header("What ties together all that the request leads to.", true)},
		{"ETag", object{{"description", "The object's version."}, {"required", true}, {"schema", object{{"type", "string"}, {"pattern", `^"[0-9]+"$`}}}}},
		{"IdempotentReplay", object{{"description", "There if an earlier request had carried out the command."}, {"required", false}, {"schema", object{{"type", "string"}, {"enum", []string{"true"}}}}}},
	}
	parameters = object{
		{"IfMatch", sent("If-Match", "The version that the object has to be at, as an ETag told it; with another one it is refused. * is any.",
			object{{"anyOf", []object{{{"const", "*"}}, {{"type", "string"}, {"pattern", `^"[0-9]{1,18}"$`}}}}})},
		{"IdempotencyKey", sent("Idempotency-Key", "A repeat with the same key gives the first answer and changes nothing.",
			object{{"type", "string"}, {"pattern", `^[\x21-\x7e]{1,255}$`}})},
		{"CorrelationId", sent("X-Correlation-Id", "Ties together all that the request leads to; made if it is missing or has other characters than letters, digits and ._:-, or more than 64.",
			object{{"type", "string"}})},
	}
)

func sent(name, text string, schema object) object {
	return object{{"name", name}, {"in", "header"}, {"description", text}, {"required", false}, {"schema", schema}}
}
