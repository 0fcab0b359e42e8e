package file

import (
	"reflect"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
	"github.com/interview-sandbox/annals/internal/projection"
)

// recorded are events of one stream, a minute apart.
func recorded[E events.Event](category string, history ...E) (all []es.Recorded) {
	for i, e := range history {
		all = append(all, es.Recorded{Event: e, Stream: es.NewStream(category, id), Version: es.Version(i + 1), At: minute(i)})
	}
	return all
}

func minute(i int) time.Time { return estest.Now.Add(time.Duration(i) * time.Minute) }

func TestTheRowOfAFileShowsWhatHappenedToIt(t *testing.T) {
	first := FileRow{ID: id, Name: "notes.txt", Size: 5, ContentType: "text/plain", SHA256: declared.SHA256, Status: Pending, Owner: ada,
		Shares: []SharedWith{}, ExpiresAt: &expiresAt, CreatedAt: estest.Now}
	change := func(change func(*FileRow)) FileRow {
		row := first
		row.ExpiresAt = nil
		change(&row)
		return row
	}
	history := []events.File{requested}
	row := applyToRow(FileRow{}, recorded("file", history...)[0])
	for i, step := range []struct {
		e    events.File
		want FileRow
	}{
		{available, change(func(f *FileRow) { f.Status = Available })},
		{toRead, change(func(f *FileRow) { f.Status, f.Shares = Available, []SharedWith{{bob, Read}} })},
		{toWrite, change(func(f *FileRow) { f.Status, f.Shares = Available, []SharedWith{{bob, Write}} })},
		{deleted, change(func(f *FileRow) {
			f.Status, f.Shares, f.PurgeAt = Deleted, []SharedWith{{bob, Write}}, &deleted.PurgeAt
		})},
		{restored, change(func(f *FileRow) { f.Status, f.Shares = Available, []SharedWith{{bob, Write}} })},
		{events.FileRenamed{OwnerID: ada, Old: "notes.txt", New: "diary.txt"}, change(func(f *FileRow) { f.Status, f.Shares, f.Name = Available, []SharedWith{{bob, Write}}, "diary.txt" })},
		{events.FileUnshared{UserID: bob}, change(func(f *FileRow) { f.Status, f.Name = Available, "diary.txt" })},
		{purged, change(func(f *FileRow) { f.Status, f.Name = Purged, "" })},
	} {
		e := es.Recorded{Event: step.e, Stream: es.NewStream("file", id), Version: es.Version(i + 2), At: minute(i + 1)}
		row = applyToRow(row, e)
		step.want.UpdatedAt, step.want.Version = e.At, e.Version
		if !reflect.DeepEqual(row, step.want) {
			t.Errorf("after %T:\ngot  %+v\nwant %+v", step.e, row, step.want)
		}
	}
	row = applyToRow(first, es.Recorded{Event: rejected, Version: 2, At: minute(1)})
	if want := change(func(f *FileRow) { f.Status, f.Reason, f.UpdatedAt, f.Version = Rejected, Expired, minute(1), 2 }); !reflect.DeepEqual(row, want) {
		t.Errorf("rejected: %+v", row)
	}
}

func TestAShareIsListedWhileThereIsOneAndKeepsItsPlace(t *testing.T) {
	granted := events.ShareGranted{FileID: id, UserID: bob, Permission: "read"}
	changed := events.ShareGranted{FileID: id, UserID: bob, Permission: "write"}
	var row ShareRow
	for i, want := range []projection.Place{
		{Partition: bob, Sort: "2026-01-02T03:04:05.000Z"}, {Partition: bob, Sort: "2026-01-02T03:04:05.000Z"}, {}, {Partition: bob, Sort: "2026-01-02T03:07:05.000Z"},
	} {
		row = applyToShare(row, recorded[events.Share]("share", granted, changed, events.ShareRevoked{UserID: bob}, granted)[i])
		if got := Shares.Lists[0](row); got != want && !(got.Nowhere() && want.Nowhere()) {
			t.Errorf("after event %d: %+v, want %+v", i+1, got, want)
		}
	}
}
