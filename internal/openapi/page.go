package openapi

import (
	_ "embed"
	"fmt"
	"html"
	"strings"

	"github.com/interview-sandbox/annals/internal/api"
)

//go:embed page.css
var style string

// render makes the page for people. It needs nothing from elsewhere.
func render(document []byte) (api.HTML, error) {
	root, err := parse(document)
	if err != nil {
		return "", fmt.Errorf("read the OpenAPI document: %w", err)
	}
	p := &writer{root: root}
	title := html.EscapeString(root.at("info", "title").text())
	p.put(`<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>`, title, `</title><style>`, style, `</style></head><body><h1>`, title, `</h1>`)
	p.paragraphs(root.at("info", "description").text())
	p.put(`<nav>`)
	for _, tag := range root.at("tags").values {
		name := html.EscapeString(tag.at("name").text())
		p.put(`<a href="#`, name, `">`, name, `</a>`)
	}
	p.put(`<a href="#schemas">Schemas</a><a href="openapi.json">openapi.json</a></nav>`)
	for _, tag := range root.at("tags").values {
		p.tag(tag)
	}
	p.put(`<h2 id="schemas">Schemas</h2>`)
	all := root.at("components", "schemas")
	for i, name := range all.names {
		p.schema(name, all.values[i])
	}
	p.put(`</body></html>`)
	return api.HTML(p.String()), nil
}

type writer struct {
	strings.Builder
	root node
}

// put writes HTML as it is.
func (p *writer) put(parts ...string) {
	for _, part := range parts {
		p.WriteString(part)
	}
}

// say writes text.
func (p *writer) say(text string) { p.WriteString(prose(text)) }

// prose is text in HTML, in which what is between backticks is code.
func prose(text string) string {
	var b strings.Builder
	for i, part := range strings.Split(html.EscapeString(text), "`") {
		if i%2 == 1 {
			part = "<code>" + part + "</code>"
		}
		b.WriteString(part)
	}
	return b.String()
}

func (p *writer) paragraphs(text string) {
	for part := range strings.SplitSeq(text, "\n\n") {
		p.put(`<p>`)
		p.say(part)
		p.put(`</p>`)
	}
}

// resolve follows a reference.
func (p *writer) resolve(n node) node {
	if ref := n.at("$ref").text(); ref != "" {
		return p.root.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
	}
	return n
}

// tag writes the routes of a group.
func (p *writer) tag(tag node) {
	name := tag.at("name").text()
	p.put(`<h2 id="`, html.EscapeString(name), `">`, html.EscapeString(name), `</h2><p class="soft">`)
	p.say(tag.at("description").text())
	p.put(`</p>`)
	paths := p.root.at("paths")
	for i, path := range paths.names {
		for j, method := range paths.values[i].names {
			if operation := paths.values[i].values[j]; operation.at("tags").has(name) {
				p.operation(method, path, operation)
			}
		}
	}
}

func (p *writer) operation(method, path string, operation node) {
	p.put(`<details id="`, operation.at("operationId").text(), `"><summary><b class="`, method, `">`, strings.ToUpper(method), `</b><span class="path">`, html.EscapeString(path), `</span><span class="says">`)
	p.say(operation.at("summary").text())
	p.put(`</span></summary><div><p class="soft">`)
	p.say(operation.at("description").text())
	p.put(`</p>`)
	if parameters := operation.at("parameters").values; len(parameters) > 0 {
		p.put(`<h3>Parameters</h3><div class="wide"><table>`)
		for _, parameter := range parameters {
			parameter = p.resolve(parameter)
			in := parameter.at("in").text()
			if parameter.at("required").is(true) && in != "path" {
				in += ", required"
			}
			p.row(parameter.at("name").text(), p.kind(parameter.at("schema")), in, parameter.at("description").text())
		}
		p.put(`</table></div>`)
	}
	if body := operation.at("requestBody"); body.names != nil {
		p.put(`<h3>Body</h3>`)
		p.fields(p.resolve(body.at("content", "application/json", "schema")))
	}
	p.put(`<h3>Answers</h3><div class="wide"><table>`)
	responses := operation.at("responses")
	for i, status := range responses.names {
		p.response(status, p.resolve(responses.values[i]))
	}
	p.put(`</table></div></div></details>`)
}

func (p *writer) response(status string, response node) {
	p.put(`<tr><td>`, status, `</td><td>`)
	content := response.at("content")
	for i, kind := range content.names {
		if kind == "application/json" && status < "400" {
			p.put(p.kind(content.values[i].at("schema")), ` `)
		}
	}
	p.put(strings.ReplaceAll(prose(response.at("description").text()), "\n\n", "<br>"))
	var names []string
	for _, name := range response.at("headers").names {
		if name != "X-Correlation-Id" {
			names = append(names, "`"+name+"`")
		}
	}
	if len(names) > 0 {
		p.put(`<br><span class="soft">With `, prose(strings.Join(names, ", ")), `.</span>`)
	}
	p.put(`</td></tr>`)
}

func (p *writer) row(name, kind, note, text string) {
	p.put(`<tr><td><code>`, html.EscapeString(name), `</code></td><td>`, kind, `</td><td class="soft">`, html.EscapeString(note), `</td><td>`)
	p.say(text)
	p.put(`</td></tr>`)
}

func (p *writer) schema(name string, schema node) {
	name = html.EscapeString(name)
	p.put(`<h3 id="schema-`, name, `">`, name, `</h3>`)
	if text := schema.at("description").text(); text != "" {
		p.put(`<p class="soft">`)
		p.say(text)
		p.put(`</p>`)
	}
	p.fields(schema)
}

// fields writes those of an object.
func (p *writer) fields(schema node) {
	properties := schema.at("properties")
	p.put(`<div class="wide"><table>`)
	for i, name := range properties.names {
		note := ""
		if !schema.at("required").has(name) {
			note = "optional"
		}
		p.row(name, p.kind(properties.values[i]), note, properties.values[i].at("description").text())
	}
	p.put(`</table></div>`)
}

// kind is the type of a value in HTML.
func (p *writer) kind(schema node) string {
	if ref := schema.at("$ref").text(); ref != "" {
		name := html.EscapeString(ref[strings.LastIndex(ref, "/")+1:])
		return `<a href="#schema-` + name + `">` + name + `</a>`
	}
	if value := schema.at("const").text(); value != "" {
		return `<code>` + html.EscapeString(value) + `</code>`
	}
	var kinds []string
	for _, one := range schema.at("anyOf").values {
		kinds = append(kinds, p.kind(one))
	}
	for _, one := range append(schema.at("type").values, schema.at("type")) {
		if one.scalar != nil {
			kinds = append(kinds, one.text())
		}
	}
	if len(kinds) == 0 {
		return "anything"
	}
	text := strings.Join(kinds, " or ")
	if items := schema.at("items"); items.names != nil {
		text += " of " + p.kind(items)
	}
	if values := schema.at("additionalProperties"); values.names != nil {
		text += " of " + p.kind(values)
	}
	return text + limits(schema)
}

// limits is what a schema says of a value besides its type.
func limits(schema node) string {
	var all []string
	for _, word := range []string{"format", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "default"} {
		if value := schema.at(word).text(); value != "" {
			if word == "format" {
				all = append(all, value)
			} else {
				all = append(all, word+" "+value)
			}
		}
	}
	var values []string
	for _, v := range schema.at("enum").values {
		if v.scalar != nil { // null is one of the types already
			values = append(values, "`"+v.text()+"`")
		}
	}
	if len(values) > 0 {
		all = append(all, "one of "+strings.Join(values, " "))
	}
	if len(all) == 0 {
		return ""
	}
	return `<br><span class="soft">` + prose(strings.Join(all, ", ")) + `</span>`
}
