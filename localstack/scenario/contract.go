package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// contract is what an API tells about itself in its /openapi.json. Every answer is held to it.
type contract struct {
	paths      map[string]any
	components map[string]any
	mu         sync.Mutex
	compiler   *jsonschema.Compiler
	seen       map[string]map[string]bool
	memory     memory
}

// contracts has the contract of each API by its URL.
var contracts struct {
	sync.Mutex
	of map[string]*contract
}

// contractOf reads the contract of an API once.
func contractOf(ctx context.Context, api string) (*contract, error) {
	contracts.Lock()
	defer contracts.Unlock()
	if c := contracts.of[api]; c != nil {
		return c, nil
	}
	r, err := http.NewRequestWithContext(ctx, "GET", api+"/openapi.json", nil)
	if err != nil {
		return nil, err
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	document, err := jsonschema.UnmarshalJSON(reply.Body)
	if err != nil {
		return nil, fmt.Errorf("read the API's contract: %w", err)
	}
	c := &contract{compiler: jsonschema.NewCompiler(), seen: map[string]map[string]bool{}}
	c.compiler.AssertFormat()
	if err := c.compiler.AddResource("openapi.json", document); err != nil {
		return nil, err
	}
	whole, _ := document.(map[string]any)
	c.paths, _ = whole["paths"].(map[string]any)
	c.components, _ = whole["components"].(map[string]any)
	if len(c.paths) == 0 {
		return nil, fmt.Errorf("the API's contract has no paths: status %d", reply.StatusCode)
	}
	if contracts.of == nil {
		contracts.of = map[string]*contract{}
	}
	contracts.of[api] = c
	return c, nil
}

// Seen tells what has been answered so far at an API: by route, as in "POST /auth/users", the statuses
// of answers and the slugs of problems.
func Seen(api string) map[string]map[string]bool {
	contracts.Lock()
	c := contracts.of[api]
	contracts.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := map[string]map[string]bool{}
	for route, all := range c.seen {
		seen[route] = maps.Clone(all)
	}
	return seen
}

// check finds what is not as the contract says about an answer, and about a request that was
// taken.
func (c *contract) check(method, path string, sent []byte, a Answer) error {
	path, query, _ := strings.Cut(path, "?")
	if strings.HasPrefix(path, "/dev/") {
		return nil // the local stack's own
	}
	template := c.template(path)
	item, _ := c.paths[template].(map[string]any)
	operation, ok := item[strings.ToLower(method)].(map[string]any)
	at := "/paths/" + escape(template) + "/" + strings.ToLower(method)
	responses, responsesAt := map[string]any{}, at+"/responses"
	switch {
	case ok:
		responses, _ = operation["responses"].(map[string]any)
	case item != nil:
		responses["405"] = map[string]any{"$ref": "#/components/responses/MethodNotAllowed"}
	default:
		responses["404"] = map[string]any{"$ref": "#/components/responses/NoSuchRoute"}
	}
	status := strconv.Itoa(a.Status)
	response, ok := responses[status].(map[string]any)
	if !ok {
		return fmt.Errorf("status %s is not among those of the contract, %v", status, slices.Sorted(maps.Keys(responses)))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.note(method+" "+template, status, a)
	if err := c.checkResponse(response, responsesAt+"/"+status, a); err != nil {
		return err
	}
	if a.Status >= 300 || operation == nil {
		return nil
	}
	if err := c.checkQuery(operation, query); err != nil {
		return err
	}
	if body, ok := operation["requestBody"].(map[string]any); ok && body["content"].(map[string]any)["application/json"] != nil {
		return c.validate(at+"/requestBody/content/application~1json/schema", sent, "the request")
	}
	return nil
}

func (c *contract) note(route, status string, a Answer) {
	if c.seen[route] == nil {
		c.seen[route] = map[string]bool{}
	}
	c.seen[route][status] = true
	if slug, ok := strings.CutPrefix(a.Text("type"), "/problems/"); ok {
		c.seen[route][slug] = true
	}
}

// template finds the path of the contract that a request's path fits best.
func (c *contract) template(path string) (best string) {
	score := -1
	for template := range c.paths {
		want, got := strings.Split(template, "/"), strings.Split(path, "/")
		if len(want) != len(got) {
			continue
		}
		fits, fixed := true, 0
		for i := range want {
			switch {
			case want[i] == got[i]:
				fixed++
			case !strings.HasPrefix(want[i], "{") || got[i] == "":
				fits = false
			}
		}
		if fits && fixed > score {
			best, score = template, fixed
		}
	}
	return best
}

// resolve follows a reference to a part of the contract.
func (c *contract) resolve(part map[string]any, at string) (map[string]any, string) {
	ref, ok := part["$ref"].(string)
	if !ok {
		return part, at
	}
	kind, name, _ := strings.Cut(strings.TrimPrefix(ref, "#/components/"), "/")
	all, _ := c.components[kind].(map[string]any)
	target, _ := all[name].(map[string]any)
	return target, strings.TrimPrefix(ref, "#")
}

func (c *contract) checkResponse(response map[string]any, at string, a Answer) error {
	response, at = c.resolve(response, at)
	headers, _ := response["headers"].(map[string]any)
	for name, h := range headers {
		declared, headerAt := c.resolve(h.(map[string]any), at+"/headers/"+escape(name))
		value := a.Header.Get(name)
		if value == "" && declared["required"] == true {
			return fmt.Errorf("the header %s is missing", name)
		}
		if value == "" {
			continue
		}
		text, err := json.Marshal(value)
		if err == nil {
			err = c.validate(headerAt+"/schema", text, "the header "+name)
		}
		if err != nil {
			return err
		}
	}
	content, _ := response["content"].(map[string]any)
	contentType := a.Header.Get("Content-Type")
	if len(content) == 0 {
		if a.Raw != "" {
			return fmt.Errorf("there is a body where the contract has none: %s", a.Raw)
		}
		return nil
	}
	if _, ok := content[contentType]; !ok {
		return fmt.Errorf("Content-Type is %q, and not among %v", contentType, slices.Sorted(maps.Keys(content)))
	}
	if !strings.Contains(contentType, "json") {
		return nil
	}
	return c.validate(at+"/content/"+escape(contentType)+"/schema", []byte(a.Raw), "the body")
}

// checkQuery demands that the parameters of a request that was answered are declared: what is not does
// nothing.
func (c *contract) checkQuery(operation map[string]any, query string) error {
	sent, err := url.ParseQuery(query)
	if err != nil {
		return err
	}
	declared, _ := operation["parameters"].([]any)
	for name := range sent {
		if !slices.ContainsFunc(declared, func(p any) bool {
			one, _ := c.resolve(p.(map[string]any), "")
			return one["in"] == "query" && one["name"] == name
		}) {
			return fmt.Errorf("the parameter ?%s= is not declared", name)
		}
	}
	return nil
}

// validate checks JSON against the schema at a place in the contract.
func (c *contract) validate(at string, text []byte, what string) error {
	schema, err := c.compiler.Compile("openapi.json#" + at)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		return fmt.Errorf("%s is not as the contract says: %w: %s", what, err, text)
	}
	return nil
}

// escape makes a name a part of a JSON pointer in the fragment of a URL.
func escape(name string) string {
	return url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
}
