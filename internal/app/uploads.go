package app

import (
	"context"

	"github.com/aws/aws-lambda-go/events"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/file"
	"github.com/interview-sandbox/annals/internal/objects/notice"
)

// Uploads builds functions/uploads, which takes note of the files that have been stored.
func Uploads(objects Objects) Build {
	return func(_ context.Context, c Config) (*Counted, error) {
		s := newSystem(c)
		vault, _, err := s.vault()
		if err != nil {
			return nil, err
		}
		m := &file.Module{Executor: es.Executor{Repository: s.repository(vault), Now: s.Now}, Objects: objects(s.Config)}
		listener := &notice.Listener{Stored: m.Uploaded}
		return s.counted("uploads", handler[events.SQSEvent, struct{}](listener.Handle)), nil
	}
}
