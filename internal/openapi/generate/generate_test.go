package generate_test

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi/datamodel"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/interview-sandbox/annals/internal/comments"
	"github.com/interview-sandbox/annals/internal/openapi"
	"github.com/interview-sandbox/annals/internal/openapi/generate"
	"github.com/interview-sandbox/annals/internal/topology"
)

var update = flag.Bool("update", false, "write openapi.json and README.md anew")

func TestTheDocumentAndTheOverviewAreThoseOfTheRoutes(t *testing.T) {
	routes := topology.API()
	document, err := generate.Document(routes, &comments.Source{Root: "../../..", Module: "github.com/interview-sandbox/annals"})
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string][]byte{"openapi.json": document, "README.md": generate.Overview(routes)} {
		if *update {
			if err := os.WriteFile("../"+file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		} else if there, err := os.ReadFile("../" + file); err != nil || !bytes.Equal(there, want) {
			t.Errorf("%s is not that of the routes (%v): go test ./internal/openapi/... -update writes it anew", file, err)
		}
	}
}

func TestTheDocumentIsOneOfOpenAPI31(t *testing.T) {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	add := func(url, text string) {
		t.Helper()
		parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err == nil {
			err = c.AddResource(url, parsed)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	add("openapi31.json", datamodel.OpenAPI31SchemaData)
	add("openapi.json", string(openapi.Document))
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(openapi.Document))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.MustCompile("openapi31.json").Validate(document); err != nil {
		t.Error(err)
	}
	schemas := document.(map[string]any)["components"].(map[string]any)["schemas"].(map[string]any)
	for name := range schemas {
		if _, err := c.Compile("openapi.json#/components/schemas/" + name); err != nil {
			t.Error(err)
		}
	}
	if len(schemas) < 20 {
		t.Errorf("there are %d schemas", len(schemas))
	}
}
