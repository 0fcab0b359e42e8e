package file

import (
	"context"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
)

// RenameFile gives a file another name. Its owner may, and whoever may write it.
type RenameFile struct{ By, Name string }

// Decide implements [es.Command].
func (c RenameFile) Decide(f File, _ time.Time) ([]events.File, error) {
	switch {
	case !f.Exists(), c.By != f.OwnerID && !f.permits(c.By, Write):
		return nil, ErrNotFound
	case f.Status != Available && f.Status != Pending:
		return nil, ErrNotAvailable
	case c.Name == f.Name:
		return nil, nil
	}
	return []events.File{events.FileRenamed{OwnerID: f.OwnerID, Old: f.Name, New: c.Name}}, nil
}

type renameFileBody struct {
	Name string `json:"name" schema:"minLength=1 maxLength=255"`
}

func (m *Module) renameFile(ctx context.Context, call api.Call, in renameFileBody) (reply api.Reply[api.Changed], err error) {
	var bad api.Invalid
	name := validName(&bad, "/name", in.Name)
	if err := bad.Err(); err != nil {
		return reply, err
	}
	return m.change(ctx, call, RenameFile{call.Caller.ID, name})
}
