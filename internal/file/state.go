package file

import (
	"slices"
	"time"

	"github.com/interview-sandbox/annals/events"
)

// Status is what has become of a file.
type Status string

// The statuses of a file. Operators and auditors alone see what is left of one that is purged.
const (
	Pending   Status = "pending" // not uploaded yet, or not checked
	Available Status = "available"
	Rejected  Status = "rejected" // nothing was uploaded, or something else than was announced
	Deleted   Status = "deleted"  // can be restored
	Purged    Status = "purged"   // gone for ever
)

// statuses are those that files are listed by.
var statuses = []string{string(Pending), string(Available), string(Rejected), string(Deleted)}

// Permission is what a person with whom a file is shared may do.
type Permission string

// The permissions. Write includes reading.
const (
	Read  Permission = "read"
	Write Permission = "write"
)

// File is what the events of a "file#<id>" stream add up to.
type File struct {
	OwnerID   string
	Name      string `data:"personal"`
	Declared  Content
	ExpiresAt time.Time // an upload has to have begun by then
	Status    Status    // "": there is no file
	// ObjectVersion is the version of the S3 object that was checked and is served.
	ObjectVersion string
	PurgeAt       time.Time // of a deleted file
	Shares        []SharedWith
}

// SharedWith is one person with whom a file is shared.
type SharedWith struct {
	UserID     string     `json:"userId" schema:"format=uuid"`
	Permission Permission `json:"permission"`
}

// Exists reports whether there is anything left of the file.
func (f File) Exists() bool { return f.Status != "" && f.Status != Purged }

// key is where in the bucket the bytes of the file with this id are.
func (f File) key(id string) string { return keyOf(f.OwnerID, id) }

func keyOf(ownerID, id string) string { return keysOf(ownerID) + id }

// keysOf is how the keys of all files of a person begin.
func keysOf(ownerID string) string { return "files/" + ownerID + "/" }

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
func (f File) permits(userID string, permission Permission) bool {
	return f.Status == Available && slices.ContainsFunc(f.Shares, func(s SharedWith) bool {
		return s.UserID == userID && (s.Permission == permission || s.Permission == Write)
	})
}

// permission is what a person may do because the file is shared; "": nothing.
func (f File) permission(userID string) Permission {
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
	return append(without(all, e.UserID), SharedWith{e.UserID, Permission(e.Permission)})
}

// Share is what one person may do with a file: what a "share#<id>" stream adds up to.
type Share struct {
	FileID, UserID string
	Permission     Permission // "": nothing
}

// Evolve implements [es.State].
func (s Share) Evolve(e events.Share) Share {
	switch e := e.(type) {
	case events.ShareGranted:
		s = Share{e.FileID, e.UserID, Permission(e.Permission)}
	case events.ShareRevoked:
		s.Permission = ""
	}
	return s
}
