package user

import (
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// accountRow is what has to be known of one account to count it.
type accountRow struct {
	Status Status `json:"status"` // "" before it is created
}

// Accounts counts accounts: each status is a total with the number "accounts".
var Accounts = projection.Tally[accountRow]{
	Name:     "accounts",
	Category: "user",
	Apply: func(row accountRow, e es.Recorded) accountRow {
		row.Status = row.Status.after(e.Event)
		return row
	},
	Count: func(row accountRow) map[string]map[string]int64 {
		if row.Status == "" {
			return nil
		}
		return map[string]map[string]int64{string(row.Status): {"accounts": 1}}
	},
}
