package file

import (
	"context"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// restoreWithin is how long a deleted file can be restored.
const restoreWithin = 30 * 24 * time.Hour

// DeleteFile puts a file aside. One that has never been available is purged at once, since
// there is nothing to restore.
type DeleteFile struct{ By string }

// Decide implements [es.Command].
func (c DeleteFile) Decide(f File, now time.Time) ([]events.File, error) {
	switch {
	case !f.Exists(), c.By != f.OwnerID:
		return nil, ErrNotFound
	case f.Status == Deleted:
		return nil, nil
	case f.Status == Available:
		return []events.File{events.FileDeleted{PurgeAt: now.Add(restoreWithin)}}, nil
	}
	return PurgeFile{PurgeCanceled}.Decide(f, now)
}

// RestoreFile takes a deletion back.
type RestoreFile struct{ By string }

// ErrNotDeleted: the file cannot be restored because it has not been deleted.
var ErrNotDeleted = &es.Error{Kind: es.Conflict, Code: "file-not-deleted", Message: "This file is not deleted."}

// Decide implements [es.Command].
func (c RestoreFile) Decide(f File, now time.Time) ([]events.File, error) {
	switch {
	case !f.Exists(), c.By != f.OwnerID, f.Status == Deleted && !now.Before(f.PurgeAt):
		return nil, ErrNotFound
	case f.Status == Available:
		return nil, nil
	case f.Status != Deleted:
		return nil, ErrNotDeleted
	}
	return []events.File{events.FileRestored{ObjectVersion: f.ObjectVersion}}, nil
}

// PurgeFile ends a file for ever, and with it what others may do with it.
type PurgeFile struct{ Reason string }

// The reasons for which files are purged.
const (
	PurgeDeleted  = "deleted"  // the time to restore it is over
	PurgeCanceled = "canceled" // it was deleted before it was available
	PurgeErased   = "erased"   // its owner is
)

// Decide implements [es.Command].
func (c PurgeFile) Decide(f File, now time.Time) (decided []events.File, _ error) {
	if !f.Exists() || c.Reason == PurgeDeleted && (f.Status != Deleted || now.Before(f.PurgeAt)) {
		return nil, nil
	}
	for _, s := range f.Shares {
		decided = append(decided, events.FileUnshared{UserID: s.UserID})
	}
	return append(decided, events.FilePurged{Reason: c.Reason}), nil
}

func (m *Module) deleteFile(ctx context.Context, call api.Call, _ struct{}) (api.Reply[api.Changed], error) {
	return m.change(ctx, call, DeleteFile{call.Caller.ID})
}

func (m *Module) restoreFile(ctx context.Context, call api.Call, _ struct{}) (api.Reply[api.Changed], error) {
	return m.change(ctx, call, RestoreFile{call.Caller.ID})
}
