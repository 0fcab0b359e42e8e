package file

import (
	"context"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
)

// RecordUpload records what was stored. It makes the file available if that is what was
// announced. What comes when the file has been settled already changes nothing.
type RecordUpload struct {
	ObjectVersion string
	Stored        Content
}

// The reasons why a file is rejected.
const (
	Expired          = "expired"
	SizeMismatch     = "size-mismatch"
	TypeMismatch     = "type-mismatch"
	ChecksumMismatch = "checksum-mismatch"
)

// Decide implements [es.Command].
func (c RecordUpload) Decide(f File, _ time.Time) ([]events.File, error) {
	if f.Status != Pending {
		return nil, nil
	}
	reason := ""
	switch {
	case c.Stored.Size != f.Declared.Size:
		reason = SizeMismatch
	case c.Stored.Type != f.Declared.Type:
		reason = TypeMismatch
	case c.Stored.SHA256 != f.Declared.SHA256:
		reason = ChecksumMismatch
	default:
		return []events.File{events.FileAvailable{ObjectVersion: c.ObjectVersion}}, nil
	}
	return []events.File{events.FileRejected{Reason: reason}}, nil
}

// ExpireUpload gives up a file that was not uploaded in time.
type ExpireUpload struct{}

// Decide implements [es.Command].
func (ExpireUpload) Decide(f File, _ time.Time) ([]events.File, error) {
	if f.Status != Pending {
		return nil, nil
	}
	return []events.File{events.FileRejected{Reason: Expired}}, nil
}

var errForeign = errors.New("the object's key is not that of a file")

// Uploaded takes note that a version of an object has been stored. A repeat changes nothing.
func (m *Module) Uploaded(ctx context.Context, key, version string) error {
	id := path.Base(key)
	if !es.ValidID(id) {
		return errForeign
	}
	file, err := files.Load(ctx, &m.Repository, id)
	if err != nil {
		return err
	}
	if file.State.Status == "" || file.State.key(id) != key {
		return errForeign
	}
	stored, ok, err := m.Objects.Head(ctx, key, version)
	if err != nil || !ok {
		return err // without it, somebody has removed the object already
	}
	command := es.DeriveID("uploaded", key, version)
	_, err = m.Execute(ctx, es.Meta{CommandID: command, CorrelationID: command, Actor: "system:uploads"}, nil,
		files.On(id, RecordUpload{version, stored}))
	if err != nil {
		return fmt.Errorf("record an upload: %w", err)
	}
	return m.sweep(ctx, id)
}

// sweep removes what is stored of a file and not needed for it any more.
func (m *Module) sweep(ctx context.Context, id string) error {
	file, err := files.Load(ctx, &m.Repository, id)
	if err != nil {
		return err
	}
	key := file.State.key(id)
	versions, err := m.Objects.Versions(ctx, key)
	if err != nil {
		return err
	}
	for _, version := range versions {
		if file.State.keeps(version) {
			continue
		}
		if err := m.Objects.Delete(ctx, key, version); err != nil {
			return err
		}
	}
	return nil
}
