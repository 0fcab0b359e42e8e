// Package file is the module of files: their bytes are in S3, everything else about them in events.
// state.go has its aggregates, every other file one command, one read model with its route, or
// one reactor.
package file

import (
	"context"
	"strings"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// Module answers the requests of the file routes.
type Module struct {
	es.Executor
	Views   *projection.Reader
	Objects Objects
}

// Objects is the bucket with the bytes. An object has versions, the newest of which is not
// necessarily the one that is served.
type Objects interface {
	// Form makes what a client needs to store exactly these bytes under a key itself, at the
	// latest when it expires. The same form may store them several times.
	Form(ctx context.Context, key string, declared Content, expiresIn time.Duration) (Upload, error)
	// Link makes an address at which anybody can fetch a version for a while, to be saved
	// under a name.
	Link(ctx context.Context, key, version string, expiresIn time.Duration, name string) (string, error)
	// Versions lists the versions that are stored under a key, newest first.
	Versions(ctx context.Context, key string) ([]string, error)
	// Head tells what a version is. ok is false if there is no such version.
	Head(ctx context.Context, key, version string) (content Content, ok bool, err error)
	// Delete removes a version for ever. It does not matter if it is there.
	Delete(ctx context.Context, key, version string) error
	// Clear removes every version under every key that begins so, for ever. After an error
	// some may be left.
	Clear(ctx context.Context, prefix string) error
}

// Content is what can be said of bytes.
type Content struct {
	Size   int64 // bytes
	Type   string
	SHA256 string // hexadecimal; "": not known
}

// Upload is a form that a client sends to S3, with the file as its last field, named "file".
type Upload struct {
	URL    string            `json:"url" schema:"format=uri"`
	Fields map[string]string `json:"fields"`
}

// Routes lists the module's routes.
func (m *Module) Routes() []api.Route {
	return []api.Route{
		api.Command("POST /files", api.SignedIn, m.requestUpload).
			Does("Announces a file of up to 1 GiB and gives the form that uploads it straight to S3, good for 5 minutes.").Gives(201).Refuses(api.ErrInvalid, ErrFileExists),
		api.Query("GET /files", api.SignedIn, m.listFiles).
			Does("Lists one's own files, then those that others share. A page may have fewer than asked for, and more after it.").
			Takes(api.Paged, api.InQuery("status", "Those with this status only; without it all but deleted ones.", "enum="+strings.Join(statuses, "|"))),
		api.Query("GET /files/{id}", api.SignedIn, m.getFile).
			Does("Shows a file, now or as it was.").Takes(api.TimeTravel),
		api.Command("PATCH /files/{id}", api.SignedIn, m.renameFile).
			Does("Gives a file another name.").Refuses(api.ErrInvalid, ErrNotAvailable),
		api.Command("DELETE /files/{id}", api.SignedIn, m.deleteFile).
			Does("Deletes a file; one that was available can be restored for 30 days."),
		api.Command("POST /files/{id}/restore", api.SignedIn, m.restoreFile).
			Does("Takes the deletion of a file back.").Refuses(ErrNotDeleted),
		api.Query("GET /files/{id}/content", api.SignedIn, m.getContent).
			Does("Leads to the file's bytes, for a minute.").Gives(302).Refuses(ErrNotAvailable),
		api.Query("GET /files/{id}/history", api.SignedIn, m.fileHistory).
			Does("Lists everything that happened to a file.").Takes(api.Paged, api.Ordered),
		api.Command("PUT /files/{id}/shares/{userId}", api.SignedIn, m.shareFile).AtMost(100, time.Hour).
			Does("Lets another person read or write a file.").Refuses(api.ErrInvalid, ErrNotAvailable, ErrOwnFile, ErrNoSuchUser, ErrTooManyShares),
		api.Command("DELETE /files/{id}/shares/{userId}", api.SignedIn, m.unshareFile).
			Does("Ends what another person may do with a file."),
	}
}

// Projections lists what the projector keeps for the module: read models and snapshots.
func (m *Module) Projections() []projection.Projection {
	return []projection.Projection{&Files, &Shares, projection.Snapshots(files.Snapshotter(&m.Repository))}
}

// Reactors lists the module's reactors.
func (m *Module) Reactors() []projection.Projection {
	return []projection.Projection{m.uploads(), m.removal()}
}

// Aggregates lists what the module's streams add up to.
func (m *Module) Aggregates() []es.Folder { return []es.Folder{&files, &shares} }

var shares = es.Aggregate[Share, events.Share]{Category: "share", Reducer: 1}

// files is the aggregate of files. Whatever changes with whom a file is shared changes the
// list of that person in the same transaction.
var files = es.Aggregate[File, events.File]{
	Category: "file",
	Reducer:  1,
	Subject:  func(f File) string { return f.OwnerID },
	Coupled: func(s es.Stream, decided []events.File) (steps []es.Step) {
		for _, e := range decided {
			switch e := e.(type) {
			case events.FileShared:
				steps = append(steps, shares.On(shareID(s.ID(), e.UserID), GrantShare{s.ID(), e.UserID, Permission(e.Permission)}))
			case events.FileUnshared:
				steps = append(steps, shares.On(shareID(s.ID(), e.UserID), RevokeShare{}))
			}
		}
		return steps
	},
}

// shareID is the id of the stream that tells what a person may do with a file.
func shareID(fileID, userID string) string { return es.DeriveID("share", fileID, userID) }

// change carries out a command on the file that the call's path names.
func (m *Module) change(ctx context.Context, call api.Call, c es.Command[File, events.File]) (api.Reply[api.Changed], error) {
	id, err := call.ID()
	if err != nil {
		return api.Reply[api.Changed]{}, err
	}
	result, err := m.Execute(ctx, call.Meta, call.IfMatch, files.On(id, c))
	return api.Accepted(result), err
}

// ErrNotFound: there is no such file, or not for this person.
var ErrNotFound = api.ErrNotFound

// ErrNotAvailable: the file cannot be used as it is now.
var ErrNotAvailable = &es.Error{Kind: es.Conflict, Code: "file-not-available", Message: "This file is not available: it has not been uploaded yet, was rejected, or is deleted."}
