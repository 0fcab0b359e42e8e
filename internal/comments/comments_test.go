package comments_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/comments"
	"github.com/interview-sandbox/annals/internal/projection"
)

func TestWhatTheSourceSaysIsFound(t *testing.T) {
	s := &comments.Source{Root: "../..", Module: "github.com/interview-sandbox/annals"}
	for got, want := range map[string]string{
		s.Type(reflect.TypeFor[projection.Deadline]()):          "A moment at which a reactor is asked what is to be done.",
		s.Type(reflect.TypeFor[projection.View[int]]()):         "A read model with one row for each stream of a category.",
		s.Field(reflect.TypeFor[projection.Deadline](), "Name"): "Which of the reactor's deadlines it is",
		s.Type(reflect.TypeFor[time.Time]()):                    "",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
