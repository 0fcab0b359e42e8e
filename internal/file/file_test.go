package file

import (
	"strings"
	"testing"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es/estest"
)

const (
	id  = "0197a0f0-0000-7000-8000-00000000000f"
	ada = "0197a0f0-0000-7000-8000-000000000001"
	bob = "0197a0f0-0000-7000-8000-000000000002"
	eve = "0197a0f0-0000-7000-8000-000000000003"
)

var (
	declared  = Content{Size: 5, Type: "text/plain", SHA256: strings.Repeat("ab", 32)}
	expiresAt = estest.Now.Add(uploadWithin)
	requested = events.FileUploadRequested{OwnerID: ada, Name: "notes.txt", Size: 5, ContentType: "text/plain", SHA256: declared.SHA256, ExpiresAt: expiresAt}
	available = events.FileAvailable{ObjectVersion: "v1"}
	rejected  = events.FileRejected{Reason: Expired}
	toRead    = events.FileShared{UserID: bob, Permission: "read"}
	toWrite   = events.FileShared{UserID: bob, Permission: "write"}
	deleted   = events.FileDeleted{PurgeAt: estest.Now.Add(restoreWithin)}
	overdue   = events.FileDeleted{PurgeAt: estest.Now}
	restored  = events.FileRestored{ObjectVersion: "v1"}
	purged    = events.FilePurged{Reason: PurgeDeleted}
)

func given(t *testing.T, history ...events.File) *estest.Spec[File, events.File] {
	t.Helper()
	return estest.Given[File](t, history...)
}

func TestAFileIsAnnouncedOnce(t *testing.T) {
	c := RequestUpload{ada, "notes.txt", declared, expiresAt}
	given(t).When(c).Then(requested)
	given(t, requested).When(c).ThenRefused(ErrFileExists)
	given(t, requested, purged).When(c).ThenRefused(ErrFileExists)
}

func TestAFileIsAvailableIfWhatIsStoredIsWhatWasAnnounced(t *testing.T) {
	change := func(change func(*Content)) RecordUpload {
		stored := declared
		change(&stored)
		return RecordUpload{"v1", stored}
	}
	given(t, requested).When(RecordUpload{"v1", declared}).Then(available)
	for reason, c := range map[string]RecordUpload{
		SizeMismatch:     change(func(c *Content) { c.Size++ }),
		TypeMismatch:     change(func(c *Content) { c.Type = "text/html" }),
		ChecksumMismatch: change(func(c *Content) { c.SHA256 = strings.Repeat("cd", 32) }),
	} {
		given(t, requested).When(c).Then(events.FileRejected{Reason: reason})
	}
	given(t, requested).When(change(func(c *Content) { c.SHA256 = "" })).Then(events.FileRejected{Reason: ChecksumMismatch})
}

func TestWhatIsStoredLaterChangesNothing(t *testing.T) {
	other := RecordUpload{"v2", Content{}}
	for _, history := range [][]events.File{
		{}, {requested, available}, {requested, rejected}, {requested, available, deleted}, {requested, purged},
	} {
		given(t, history...).When(other).Then()
		given(t, history...).When(ExpireUpload{}).Then()
	}
}

func TestAnUploadThatNeverCameExpires(t *testing.T) {
	given(t, requested).When(ExpireUpload{}).Then(rejected)
}

func TestOwnersAndWritersRenameAFile(t *testing.T) {
	renamed := events.FileRenamed{OwnerID: ada, Old: "notes.txt", New: "diary.txt"}
	given(t, requested).When(RenameFile{ada, "diary.txt"}).Then(renamed)
	given(t, requested, available).When(RenameFile{ada, "diary.txt"}).Then(renamed)
	given(t, requested, available, toWrite).When(RenameFile{bob, "diary.txt"}).Then(renamed)
	given(t, requested, available, renamed).When(RenameFile{ada, "diary.txt"}).Then()

	given(t, requested, available, toRead).When(RenameFile{bob, "diary.txt"}).ThenRefused(ErrNotFound)
	given(t, requested, available, toWrite, toRead).When(RenameFile{bob, "diary.txt"}).ThenRefused(ErrNotFound)
	given(t, requested, available, toWrite, events.FileUnshared{UserID: bob}).When(RenameFile{bob, "diary.txt"}).ThenRefused(ErrNotFound)
	given(t, requested, available, toWrite, deleted).When(RenameFile{bob, "diary.txt"}).ThenRefused(ErrNotFound)
	given(t, requested, available, toWrite).When(RenameFile{eve, "diary.txt"}).ThenRefused(ErrNotFound)
	given(t).When(RenameFile{ada, "diary.txt"}).ThenRefused(ErrNotFound)
	given(t, requested, purged).When(RenameFile{ada, "diary.txt"}).ThenRefused(ErrNotFound)
	given(t, requested, rejected).When(RenameFile{ada, "diary.txt"}).ThenRefused(ErrNotAvailable)
	given(t, requested, available, deleted).When(RenameFile{ada, "diary.txt"}).ThenRefused(ErrNotAvailable)
}

func TestOwnersShareAFile(t *testing.T) {
	given(t, requested, available).When(ShareFile{ada, bob, Read, true}).Then(toRead)
	given(t, requested, available, toRead).When(ShareFile{ada, bob, Read, true}).Then()
	given(t, requested, available, toRead).When(ShareFile{ada, bob, Write, true}).Then(toWrite)

	given(t).When(ShareFile{ada, bob, Read, true}).ThenRefused(ErrNotFound)
	given(t, requested, purged).When(ShareFile{ada, bob, Read, true}).ThenRefused(ErrNotFound)
	given(t, requested, available, toWrite).When(ShareFile{bob, eve, Read, true}).ThenRefused(ErrNotFound)
	given(t, requested, available).When(ShareFile{ada, ada, Read, true}).ThenRefused(ErrOwnFile)
	given(t, requested, available).When(ShareFile{ada, bob, Read, false}).ThenRefused(ErrNoSuchUser)
	given(t, requested, available).When(ShareFile{bob, eve, Read, false}).ThenRefused(ErrNotFound)
	given(t, requested).When(ShareFile{ada, bob, Read, true}).ThenRefused(ErrNotAvailable)
	given(t, requested, available, deleted).When(ShareFile{ada, bob, Read, true}).ThenRefused(ErrNotAvailable)

	full := []events.File{requested, available, toRead}
	for i := range maxShares - 1 {
		full = append(full, events.FileShared{UserID: strings.Repeat("x", i+1), Permission: "read"})
	}
	given(t, full...).When(ShareFile{ada, eve, Read, true}).ThenRefused(ErrTooManyShares)
	given(t, full...).When(ShareFile{ada, bob, Write, true}).Then(toWrite)
}

func TestOwnersEndASharingAndSoDoesWhoeverHasIt(t *testing.T) {
	ended := events.FileUnshared{UserID: bob}
	given(t, requested, available, toRead).When(UnshareFile{ada, bob}).Then(ended)
	given(t, requested, available, toRead).When(UnshareFile{bob, bob}).Then(ended)
	given(t, requested, available, toRead, deleted).When(UnshareFile{bob, bob}).Then(ended)
	given(t, requested, available, toRead, ended).When(UnshareFile{ada, bob}).Then()

	given(t, requested, available, toRead, ended).When(UnshareFile{bob, bob}).ThenRefused(ErrNotFound)
	given(t, requested, available, toRead).When(UnshareFile{eve, bob}).ThenRefused(ErrNotFound)
	given(t, requested, available, toWrite, events.FileShared{UserID: eve, Permission: "read"}).When(UnshareFile{bob, eve}).ThenRefused(ErrNotFound)
	given(t).When(UnshareFile{ada, bob}).ThenRefused(ErrNotFound)
	given(t, requested, purged).When(UnshareFile{ada, bob}).ThenRefused(ErrNotFound)
}

func TestTheSharesOfAPersonWhoIsErasedEnd(t *testing.T) {
	ended := events.FileUnshared{UserID: bob}
	given(t, requested, available, toRead).When(EndShare{bob}).Then(ended)
	given(t, requested, available, toRead, deleted).When(EndShare{bob}).Then(ended)
	given(t, requested, available, toRead, ended).When(EndShare{bob}).Then()
	given(t, requested, available).When(EndShare{bob}).Then()
	given(t, requested, available, toRead, ended, purged).When(EndShare{bob}).Then()
	given(t).When(EndShare{bob}).Then()
}

func TestOwnersDeleteAFileAndTakeThatBack(t *testing.T) {
	given(t, requested, available, toWrite).When(DeleteFile{ada}).Then(deleted)
	given(t, requested, available, deleted).When(DeleteFile{ada}).Then()
	given(t, requested).When(DeleteFile{ada}).Then(events.FilePurged{Reason: PurgeCanceled})
	given(t, requested, rejected).When(DeleteFile{ada}).Then(events.FilePurged{Reason: PurgeCanceled})
	given(t).When(DeleteFile{ada}).ThenRefused(ErrNotFound)
	given(t, requested, purged).When(DeleteFile{ada}).ThenRefused(ErrNotFound)
	given(t, requested, available, toWrite).When(DeleteFile{bob}).ThenRefused(ErrNotFound)

	given(t, requested, available, deleted).When(RestoreFile{ada}).Then(restored)
	given(t, requested, available, deleted, restored).When(RestoreFile{ada}).Then()
	given(t, requested, available, overdue).When(RestoreFile{ada}).ThenRefused(ErrNotFound)
	given(t, requested, available, toWrite, deleted).When(RestoreFile{bob}).ThenRefused(ErrNotFound)
	given(t, requested).When(RestoreFile{ada}).ThenRefused(ErrNotDeleted)
	given(t, requested, rejected).When(RestoreFile{ada}).ThenRefused(ErrNotDeleted)
	given(t, requested, purged).When(RestoreFile{ada}).ThenRefused(ErrNotFound)
	given(t).When(RestoreFile{ada}).ThenRefused(ErrNotFound)
}

func TestAFileIsPurgedWhenItsTimeHasComeOrItsOwnerIsErased(t *testing.T) {
	given(t, requested, available, overdue).When(PurgeFile{PurgeDeleted}).Then(purged)
	given(t, requested, available, toRead, overdue).When(PurgeFile{PurgeDeleted}).Then(events.FileUnshared{UserID: bob}, purged)
	given(t, requested, available, deleted).When(PurgeFile{PurgeDeleted}).Then()
	given(t, requested, available, overdue, restored).When(PurgeFile{PurgeDeleted}).Then()
	given(t, requested, available, overdue, purged).When(PurgeFile{PurgeDeleted}).Then()
	for _, history := range [][]events.File{{requested}, {requested, available}, {requested, rejected}, {requested, available, deleted}} {
		given(t, history...).When(PurgeFile{PurgeErased}).Then(events.FilePurged{Reason: PurgeErased})
	}
	given(t).When(PurgeFile{PurgeErased}).Then()
	given(t, requested, purged).When(PurgeFile{PurgeErased}).Then()
}

func TestAShareIsNotedOnce(t *testing.T) {
	granted, revoked := events.ShareGranted{FileID: id, UserID: bob, Permission: "read"}, events.ShareRevoked{UserID: bob}
	c := GrantShare{id, bob, Read}
	estest.Given[Share, events.Share](t).When(c).Then(granted)
	estest.Given[Share, events.Share](t, granted).When(c).Then()
	estest.Given[Share, events.Share](t, granted).When(GrantShare{id, bob, Write}).Then(events.ShareGranted{FileID: id, UserID: bob, Permission: "write"})
	estest.Given[Share, events.Share](t, granted).When(RevokeShare{}).Then(revoked)
	estest.Given[Share, events.Share](t, granted, revoked).When(RevokeShare{}).Then()
	estest.Given[Share, events.Share](t, granted, revoked).When(c).Then(granted)
	estest.Given[Share, events.Share](t).When(RevokeShare{}).Then()
}

func TestNamesTypesAndSumsAreAcceptedAsPeopleWriteThem(t *testing.T) {
	var bad api.Invalid
	validName(&bad, "/name", " Ünïcode 👩‍💻 (1).tar.gz ")
	validName(&bad, "/name", strings.Repeat("a", 255))
	validSize(&bad, "/size", new(int64))
	validType(&bad, "/contentType", `text/plain; charset="utf-8"`)
	validType(&bad, "/contentType", "application/vnd.api+json")
	if len(bad) > 0 {
		t.Errorf("refused: %v", bad)
	}
}
