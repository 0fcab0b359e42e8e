package file

import (
	"context"
	"net/http"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// FileRow is a file as its owner and those see it with whom it is shared.
type FileRow struct {
	ID          string       `json:"id" schema:"format=uuid"`
	Name        string       `json:"name" data:"personal"`
	Size        int64        `json:"size"` // bytes
	ContentType string       `json:"contentType"`
	SHA256      string       `json:"sha256"` // hexadecimal
	Status      Status       `json:"status"`
	Reason      string       `json:"reason"` // why it is rejected; "": it is not
	Owner       string       `json:"owner" schema:"format=uuid"`
	Shares      []SharedWith `json:"shares"`
	ExpiresAt   *time.Time   `json:"expiresAt"` // of a pending file: when an upload has to have begun
	PurgeAt     *time.Time   `json:"purgeAt"`   // of a deleted file: until when it can be restored
	CreatedAt   time.Time    `json:"createdAt"`
	UpdatedAt   time.Time    `json:"updatedAt"`
	Version     es.Version   `json:"version"`
}

// Files is the read model of files, by id, with a list of each owner's by time.
var Files = projection.View[FileRow]{
	Name:     "files",
	Category: "file",
	Apply:    applyToRow,
	Lists: [projection.Lists]func(FileRow) projection.Place{
		func(f FileRow) (p projection.Place) {
			if f.Status != Purged {
				p = projection.Place{Partition: f.Owner, Sort: f.CreatedAt.UTC().Format(sortable)}
			}
			return p
		},
	},
}

// sortable is a time in which the order of texts is that of times.
const sortable = "2006-01-02T15:04:05.000Z"

func applyToRow(row FileRow, recorded es.Recorded) FileRow {
	switch e := recorded.Event.(type) {
	case events.FileUploadRequested:
		row = FileRow{
			ID: recorded.Stream.ID(), Name: e.Name, Size: e.Size, ContentType: e.ContentType, SHA256: e.SHA256,
			Status: Pending, Owner: e.OwnerID, Shares: []SharedWith{}, ExpiresAt: &e.ExpiresAt, CreatedAt: recorded.At,
		}
	case events.FileAvailable:
		row.Status, row.ExpiresAt = Available, nil
	case events.FileRejected:
		row.Status, row.Reason, row.ExpiresAt = Rejected, e.Reason, nil
	case events.FileRenamed:
		row.Name = e.New
	case events.FileShared:
		row.Shares = with(row.Shares, e)
	case events.FileUnshared:
		row.Shares = without(row.Shares, e.UserID)
	case events.FileDeleted:
		row.Status, row.PurgeAt = Deleted, &e.PurgeAt
	case events.FileRestored:
		row.Status, row.PurgeAt = Available, nil
	case events.FilePurged:
		row.Status, row.Name, row.ExpiresAt, row.PurgeAt = Purged, "", nil, nil
	}
	row.UpdatedAt, row.Version = recorded.At, recorded.Version
	return row
}

// owners is the file's owner; of one that is purged there is none any more.
func (f FileRow) owners() []string {
	if f.Status == Purged {
		return nil
	}
	return []string{f.Owner}
}

// readers are those who may see the file besides operators and auditors.
func (f FileRow) readers() []string {
	ids := f.owners()
	if f.Status == Available {
		for _, s := range f.Shares {
			ids = append(ids, s.UserID)
		}
	}
	return ids
}

// getFile answers who may see the file now; how it was is for the owner, like its history.
func (m *Module) getFile(ctx context.Context, call api.Call) (reply api.Reply[FileRow], err error) {
	now, err := m.present(ctx, call)
	if err != nil {
		return reply, err
	}
	moment, err := call.Moment()
	if err != nil {
		return reply, err
	}
	readers := now.readers()
	if moment.Past() {
		readers = now.owners()
	}
	return api.OneOf(ctx, call, &Files, m.Views, func(FileRow) []string { return readers })
}

// present is the file that the path names, as it is now, for those who may see it.
func (m *Module) present(ctx context.Context, call api.Call) (row FileRow, err error) {
	id, err := call.ID()
	if err != nil {
		return row, err
	}
	moment, err := call.Moment()
	if err != nil {
		return row, err
	}
	row, _, ok, err := Files.Get(ctx, m.Views, id, es.Moment{AtLeast: moment.AtLeast})
	if err == nil && (!ok || !call.Caller.Reads(row.readers()...)) {
		err = ErrNotFound
	}
	return row, err
}

// fileHistory is for the owner: it tells who else could use the file.
func (m *Module) fileHistory(ctx context.Context, call api.Call) (reply api.Reply[api.List[api.HistoryItem]], err error) {
	row, err := m.present(ctx, call)
	if err != nil {
		return reply, err
	}
	return api.HistoryOf(ctx, call, m.Store, "file", row.owners()...)
}

// linkFor is how long a link to a file's bytes can be used.
const linkFor = time.Minute

// getContent decides on the events themselves, so that nobody gets what was taken from them a
// moment ago.
func (m *Module) getContent(ctx context.Context, call api.Call) (reply api.Reply[struct{}], err error) {
	id, err := call.ID()
	if err != nil {
		return reply, err
	}
	loaded, err := files.Load(ctx, &m.Repository, id)
	if err != nil {
		return reply, err
	}
	f := loaded.State
	if !f.Exists() || !call.Caller.SeesPersonal(f.OwnerID) && !f.permits(call.Caller.ID, Read) {
		return reply, ErrNotFound
	}
	if f.Status != Available {
		return reply, ErrNotAvailable
	}
	link, err := m.Objects.Link(ctx, f.key(id), f.ObjectVersion, linkFor, f.Name)
	return api.Reply[struct{}]{Status: http.StatusFound, Location: link}, err
}
