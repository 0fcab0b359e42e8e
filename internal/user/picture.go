package user

import (
	"context"
	"strings"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
)

// Picture is what this module has to know of a file to take it for somebody's picture.
type Picture struct {
	OwnerID     string
	ContentType string
	Available   bool
}

func (p Picture) apply(e es.Recorded) Picture {
	switch e := e.Event.(type) {
	case events.FileUploadRequested:
		p.OwnerID, p.ContentType = e.OwnerID, e.ContentType
	case events.FileAvailable, events.FileRestored:
		p.Available = true
	case events.FileDeleted, events.FilePurged:
		p.Available = false
	}
	return p
}

func (p Picture) isOf(userID string) bool {
	return p.Available && p.OwnerID == userID && strings.HasPrefix(strings.ToLower(p.ContentType), "image/")
}

// isPicture reports whether a file is a picture of a person's own that is available now.
func (m *Module) isPicture(ctx context.Context, fileID, userID string) (bool, error) {
	if !es.ValidID(fileID) {
		return false, nil
	}
	p, _, _, err := es.FoldAt(ctx, m.Store, es.NewStream("file", fileID), es.Moment{}, Picture.apply)
	return p.isOf(userID), err
}
