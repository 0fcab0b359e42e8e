package file

import (
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// ShareRow is one person's share of one file.
type ShareRow struct {
	FileID   string    `json:"fileId" schema:"format=uuid"`
	UserID   string    `json:"userId"` // "": it is shared no more
	SharedAt time.Time `json:"sharedAt"`
}

// Shares is the read model of shares, with a list of those of each person by time.
var Shares = projection.View[ShareRow]{
	Name:     "shares",
	Category: "share",
	Apply:    applyToShare,
	Lists: [projection.Lists]func(ShareRow) projection.Place{
		func(s ShareRow) projection.Place {
			return projection.Place{Partition: s.UserID, Sort: s.SharedAt.UTC().Format(sortable)}
		},
	},
}

func applyToShare(row ShareRow, recorded es.Recorded) ShareRow {
	switch e := recorded.Event.(type) {
	case events.ShareGranted:
		if row.UserID == "" {
			row.SharedAt = recorded.At
		}
		row.FileID, row.UserID = e.FileID, e.UserID
	case events.ShareRevoked:
		row.UserID = ""
	}
	return row
}
