package app

import (
	"context"

	"github.com/aws/aws-lambda-go/events"

	"github.com/interview-sandbox/annals/internal/objects"
)

// Uploads builds functions/uploads, which takes note of the files that have been stored.
func Uploads(_ context.Context, c Config) (*Counted, error) {
	s := newSystem(c)
	vault, err := s.vault()
	if err != nil {
		return nil, err
	}
	m := s.modules(s.repository(vault))
	m.file.Objects = s.objects()
	listener := &objects.Listener{Stored: m.file.Uploaded}
	return s.counted("uploads", handler[events.SQSEvent, struct{}](listener.Handle)), nil
}
