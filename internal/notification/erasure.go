package notification

import (
	"context"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// Purge gives the commands that remove what is left of a person who is being erased: none,
// since neither the module's events nor its rows hold anything personal. What a notification
// says is found in the event that it tells of, and an address is known by its keyed hash.
func (m *Module) Purge(context.Context, string) ([]es.Step, error) { return nil, nil }

// ExportReply is what the module keeps of a person.
type ExportReply struct {
	Preferences PreferencesReply    `json:"preferences"`
	Items       []NotificationReply `json:"items"`
}

// exportPage is how many notifications are read at once.
const exportPage = 100

// Export gives a person's preferences and notifications, newest first.
func (m *Module) Export(ctx context.Context, userID string) (name string, part any, err error) {
	inbox, err := inboxes.Load(ctx, &m.Repository, userID)
	if err != nil {
		return "", nil, err
	}
	out := ExportReply{Preferences: preferencesOf(inbox.State.EmailOff), Items: []NotificationReply{}}
	for q := (projection.Query{List: all, Partition: userID, Limit: exportPage}); ; {
		rows, next, err := Notifications.List(ctx, m.Views, q)
		if err != nil {
			return "", nil, err
		}
		for _, row := range rows {
			out.Items = append(out.Items, row.reply(inbox.State))
		}
		if q.After = next; next == "" {
			return "notifications", out, nil
		}
	}
}
