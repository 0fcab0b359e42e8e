package generate

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/comments"
)

type embedded struct {
	Count int `json:"count"`
}

type partRow struct {
	Name string `json:"name"`
}

type wholeBody struct {
	embedded
	ID      string           `json:"id" schema:"format=uuid"`
	Kinds   []string         `json:"kinds" schema:"enum=a|b"`
	At      time.Time        `json:"at"`
	Maybe   *string          `json:"maybe"`
	Part    *partRow         `json:"part,omitempty"`
	Totals  map[string]int64 `json:"totals"`
	Any     json.RawMessage  `json:"any"`
	Hash    []byte           `json:"hash"`
	Skipped string           `json:"-"`
	hidden  string
}

func TestASchemaIsAsBodiesAreReadAndWritten(t *testing.T) {
	const properties = `{"count":{"type":"integer"},"id":{"type":"string","format":"uuid"},"kinds":{"type":"array","items":{"type":"string","enum":["a","b"]}},` +
		`"at":{"type":"string","format":"date-time"},"maybe":{"type":["string","null"]},"part":{"anyOf":[{"$ref":"#/components/schemas/Part"},{"type":"null"}]},` +
		`"totals":{"type":"object","additionalProperties":{"type":"integer"}},"any":{},"hash":{"type":"string","contentEncoding":"base64"}}`
	const required = `["count","id","kinds","at","maybe","totals","any","hash"]`
	for d, name := range map[direction]string{response: "Whole", request: "WholeRequest"} {
		s := schemas{new(comments.Source), map[string]object{}, map[string]reflect.Type{}}
		ref := s.of(reflect.TypeFor[wholeBody](), d)
		want := `{"type":"object","properties":` + properties + `,"required":` + required + `,"additionalProperties":false}`
		if d == request {
			want = strings.NewReplacer("schemas/Part", "schemas/PartRequest", `["string","null"]`, `"string"`).Replace(want)
		}
		got, err := encode(s.made[name], "")
		if err != nil || string(got) != want || ref.get("$ref") != "#/components/schemas/"+name {
			t.Errorf("%v, %v: got\n%s, want\n%s", ref, err, got, want)
		}
	}
	_ = wholeBody{}.hidden
}
