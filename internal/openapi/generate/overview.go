package generate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/interview-sandbox/annals/internal/api"
)

// Overview gives a page that lists these routes, in Markdown.
func Overview(routes []api.Route) []byte {
	var page strings.Builder
	page.WriteString(`# The calls

Every call of the API, generated from the routes by ` + "`make generate`" + `. The whole contract, with bodies, answers
and refusals, is in [` + "`openapi.json`" + `](openapi.json), which a running system serves as well, and at ` + "`GET /docs`" + ` for people.
`)
	for _, tag := range tags {
		fmt.Fprintf(&page, "\n## %s\n\n%s\n\n| call | what it does | for |\n| --- | --- | --- |\n", tag.name, tag.text)
		of := slices.DeleteFunc(slices.Clone(routes), func(r api.Route) bool { return tagOf(r) != tag.name })
		slices.SortStableFunc(of, func(a, b api.Route) int { return cmp.Compare(a.Path, b.Path) })
		for _, r := range of {
			fmt.Fprintf(&page, "| `%s` | %s%s | %s |\n", r.Key(), r.Summary, often(r), forWhom(r))
		}
	}
	return []byte(page.String())
}

// often says how often a route may be used.
func often(r api.Route) string {
	if r.Limit.Most == 0 {
		return ""
	}
	by := "by a user"
	if r.Access == api.Public {
		by = "from a network"
	}
	return fmt.Sprintf(" At most %d in %.0f minutes %s.", r.Limit.Most, r.Limit.Window.Minutes(), by)
}

func forWhom(r api.Route) string {
	whom := strings.TrimPrefix(whose(r), "For ")
	first, _, _ := strings.Cut(whom, ".")
	return first
}
