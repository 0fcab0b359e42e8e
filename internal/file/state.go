package file

import (
	"slices"
	"time"

	"github.com/interview-sandbox/annals/events"
)

// The statuses of a file.
const (
	Pending   = "pending" // not uploaded yet, or not checked
	Available = "available"
	Rejected  = "rejected" // nothing was uploaded, or something else than was announced
	Deleted   = "deleted"  // can be restored
	Purged    = "purged"   // gone for ever
)

// statuses are those that can be seen.
var statuses = []string{Pending, Available, Rejected, Deleted}

// What a person with whom a file is shared may do: write includes reading.
const (
	Read  = "read"
	Write = "write"
)

// File is what the events of a "file#<id>" stream add up to.
type File struct {
	OwnerID   string
	Name      string `data:"personal"`
	Declared  Content
	ExpiresAt time.Time // an upload has to have begun by then
	Status    string    // "": there is no file
	// ObjectVersion is the version of the S3 object that was checked and is served.
	ObjectVersion string
	PurgeAt       time.Time // of a deleted file
	Shares        []SharedWith
}

// SharedWith is one person with whom a file is shared.
type SharedWith struct {
	UserID     string `json:"userId" schema:"format=uuid"`
	Permission string `json:"permission" schema:"enum=read|write"`
}

// Exists reports whether there is anything left of the file.
func (f File) Exists() bool { return f.Status != "" && f.Status != Purged }

// key is where in the bucket the bytes of the file with this id are.
func (f File) key(id string) string { return keyOf(f.OwnerID, id) }

func keyOf(ownerID, id string) string { return "files/" + ownerID + "/" + id }

// keeps reports whether the file needs a version of its object, or may still come to.
func (f File) keeps(version string) bool {
	switch f.Status {
	case Pending:
		return true
	case Available, Deleted:
		return version == f.ObjectVersion
	}
	return false
}

// permits reports whether a person may do something with the file besides its owner, who may
// do everything. Nobody else sees a file that is not available.
func (f File) permits(userID, permission string) bool {
	return f.Status == Available && slices.ContainsFunc(f.Shares, func(s SharedWith) bool {
		return s.UserID == userID && (s.Permission == permission || s.Permission == Write)
	})
}

// permission is what a person may do because the file is shared; "": nothing.
func (f File) permission(userID string) string {
	for _, s := range f.Shares {
		if s.UserID == userID {
			return s.Permission
		}
	}
	return ""
}

// Evolve implements [es.State].
func (f File) Evolve(e events.File) File {
	switch e := e.(type) {
	case events.FileUploadRequested:
		f.OwnerID, f.Name, f.ExpiresAt = e.OwnerID, e.Name, e.ExpiresAt
		f.Declared = Content{Size: e.Size, Type: e.ContentType, SHA256: e.SHA256}
		f.Status = Pending
	case events.FileAvailable:
		f.Status, f.ObjectVersion = Available, e.ObjectVersion
	case events.FileRejected:
		f.Status = Rejected
	case events.FileRenamed:
		f.Name = e.New
	case events.FileShared:
		f.Shares = with(f.Shares, e)
	case events.FileUnshared:
		f.Shares = without(f.Shares, e.UserID)
	case events.FileDeleted:
		f.Status, f.PurgeAt = Deleted, e.PurgeAt
	case events.FileRestored:
		f.Status, f.PurgeAt = Available, time.Time{}
	case events.FilePurged:
		f.Status, f.Name, f.PurgeAt = Purged, "", time.Time{}
	}
	return f
}

// without leaves the list that it is given as it was.
func without(all []SharedWith, userID string) []SharedWith {
	return slices.DeleteFunc(slices.Clone(all), func(s SharedWith) bool { return s.UserID == userID })
}

func with(all []SharedWith, e events.FileShared) []SharedWith {
	return append(without(all, e.UserID), SharedWith{e.UserID, e.Permission})
}

// Share is what one person may do with a file: what a "share#<id>" stream adds up to.
type Share struct{ FileID, UserID, Permission string } // no Permission: nothing

// Evolve implements [es.State].
func (s Share) Evolve(e events.Share) Share {
	switch e := e.(type) {
	case events.ShareGranted:
		s = Share{e.FileID, e.UserID, e.Permission}
	case events.ShareRevoked:
		s.Permission = ""
	}
	return s
}
