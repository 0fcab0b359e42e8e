package generate_test

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/interview-sandbox/annals/internal/comments"
	"github.com/interview-sandbox/annals/internal/openapi"
	"github.com/interview-sandbox/annals/internal/openapi/generate"
	"github.com/interview-sandbox/annals/internal/topology"
)

var update = flag.Bool("update", false, "write openapi.json anew")

func TestTheDocumentIsThatOfTheRoutes(t *testing.T) {
	want, err := generate.Document(topology.API(), &comments.Source{Root: "../../..", Module: "github.com/interview-sandbox/annals"})
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("../openapi.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
	} else if !bytes.Equal(openapi.Document, want) {
		t.Error("openapi.json is not that of the routes: go test ./internal/openapi/... -update writes it anew")
	}
}
