package events

import "time"

// File is an event on a stream "file#<id>": one file, whose bytes are in S3.
type File interface {
	Event
	file()
}

// Share is an event on a stream "share#<id>": what one person may do with a file of another.
// It follows from the file's own events and makes a person's list of shared files.
type Share interface {
	Event
	share()
}

var fileEvents = []definition{
	current[FileUploadRequested](),
	current[FileAvailable](),
	current[FileRejected](),
	current[FileRenamed](),
	current[FileShared](),
	current[FileUnshared](),
	current[FileDeleted](),
	current[FileRestored](),
	current[FilePurged](),
	current[ShareGranted](),
	current[ShareRevoked](),
}

// FileUploadRequested announces a file: who uploads it and what it will be.
type FileUploadRequested struct {
	OwnerID     string    `json:"ownerId" data:"subject"`
	Name        string    `json:"name" data:"personal"`
	Size        int64     `json:"size"` // bytes
	ContentType string    `json:"contentType"`
	SHA256      string    `json:"sha256"`    // hexadecimal
	ExpiresAt   time.Time `json:"expiresAt"` // an upload has to have begun by then
}

// FileAvailable records that what was stored is what was announced.
type FileAvailable struct {
	ObjectVersion string `json:"objectVersion"` // of the S3 object that was checked; "": its bucket has no versions
}

// FileRejected records that nothing was stored, or something else than was announced.
type FileRejected struct {
	Reason string `json:"reason"` // "expired", "size-mismatch", "type-mismatch", "checksum-mismatch"
}

// FileRenamed gives a file another name.
type FileRenamed struct {
	OwnerID string `json:"ownerId" data:"subject"`
	Old     string `json:"old" data:"personal"`
	New     string `json:"new" data:"personal"`
}

// FileShared lets a person use a file, or changes what that person may do.
type FileShared struct {
	UserID     string `json:"userId"`
	Permission string `json:"permission"` // "read", "write"
}

// FileUnshared ends what another person may do with a file.
type FileUnshared struct {
	UserID string `json:"userId"`
}

// FileDeleted puts a file aside.
type FileDeleted struct {
	PurgeAt time.Time `json:"purgeAt"` // it can be restored until then
}

// FileRestored makes a deleted file available again.
type FileRestored struct {
	ObjectVersion string `json:"objectVersion"` // what is served again
}

// FilePurged ends a file: its bytes are removed for ever.
type FilePurged struct {
	Reason string `json:"reason"` // "deleted": the time to restore it is over; "canceled": it was never available; "erased": with its owner
}

// ShareGranted says what a person may do with a file.
type ShareGranted struct {
	FileID     string `json:"fileId"`
	UserID     string `json:"userId"`
	Permission string `json:"permission"` // "read", "write"
}

// ShareRevoked ends what a person may do with a file.
type ShareRevoked struct {
	UserID string `json:"userId"`
}

// EventType implements [Event].
func (FileUploadRequested) EventType() string { return "file.upload-requested.v1" }

// EventType implements [Event].
func (FileAvailable) EventType() string { return "file.available.v1" }

// EventType implements [Event].
func (FileRejected) EventType() string { return "file.rejected.v1" }

// EventType implements [Event].
func (FileRenamed) EventType() string { return "file.renamed.v1" }

// EventType implements [Event].
func (FileShared) EventType() string { return "file.shared.v1" }

// EventType implements [Event].
func (FileUnshared) EventType() string { return "file.unshared.v1" }

// EventType implements [Event].
func (FileDeleted) EventType() string { return "file.deleted.v1" }

// EventType implements [Event].
func (FileRestored) EventType() string { return "file.restored.v1" }

// EventType implements [Event].
func (FilePurged) EventType() string { return "file.purged.v1" }

// EventType implements [Event].
func (ShareGranted) EventType() string { return "share.granted.v1" }

// EventType implements [Event].
func (ShareRevoked) EventType() string { return "share.revoked.v1" }

func (FileUploadRequested) file() {}
func (FileAvailable) file()       {}
func (FileRejected) file()        {}
func (FileRenamed) file()         {}
func (FileShared) file()          {}
func (FileUnshared) file()        {}
func (FileDeleted) file()         {}
func (FileRestored) file()        {}
func (FilePurged) file()          {}
func (ShareGranted) share()       {}
func (ShareRevoked) share()       {}
