package notification

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// NotificationRow is what the view keeps of a notification. Nothing of it is personal.
type NotificationRow struct {
	ID        string     `json:"id"`
	UserID    string     `json:"userId"`
	Kind      Kind       `json:"kind"`
	Stream    es.Stream  `json:"stream"` // of the event that it tells of
	CreatedAt time.Time  `json:"createdAt"`
	Read      bool       `json:"read"` // by itself, not with all others
	Version   es.Version `json:"version"`
}

// The lists of Notifications.
const (
	all = iota
	unread
)

// Notifications is the read model of notifications, by id, with a list of each person's, newest
// first, and one of those that were not read by themselves.
var Notifications = projection.View[NotificationRow]{
	Name:     "notifications",
	Category: "notification",
	Apply:    applyToNotification,
	Lists: [projection.Lists]func(NotificationRow) projection.Place{
		func(n NotificationRow) projection.Place {
			return projection.Place{Partition: n.UserID, Sort: newestFirst(n.CreatedAt)}
		},
		func(n NotificationRow) (p projection.Place) {
			if !n.Read {
				p = projection.Place{Partition: n.UserID, Sort: newestFirst(n.CreatedAt)}
			}
			return p
		},
	},
}

// newestFirst sorts times in the opposite order.
func newestFirst(at time.Time) string {
	return fmt.Sprintf("%016x", math.MaxInt64-at.UnixMilli())
}

func applyToNotification(row NotificationRow, recorded es.Recorded) NotificationRow {
	switch e := recorded.Event.(type) {
	case events.NotificationRequested:
		row.ID, row.UserID, row.Kind, row.Stream = recorded.Stream.ID(), e.UserID, Kind(e.Kind), es.Stream(e.Stream)
		row.CreatedAt = recorded.At
	case events.NotificationRead:
		row.Read = true
	}
	row.Version = recorded.Version
	return row
}

// About names what a notification tells of.
type About struct {
	Type string `json:"type" schema:"enum=user|file|payment"`
	ID   string `json:"id" schema:"format=uuid"`
}

// NotificationReply is a notification as its owner sees it.
type NotificationReply struct {
	ID        string     `json:"id" schema:"format=uuid"`
	Kind      Kind       `json:"kind"`
	Title     string     `json:"title"`
	Text      string     `json:"text"`
	About     About      `json:"about"`
	Read      bool       `json:"read"`
	CreatedAt time.Time  `json:"createdAt"`
	Version   es.Version `json:"version"`
}

func (n NotificationRow) reply(i Inbox) NotificationReply {
	says := n.Kind.about()
	return NotificationReply{
		ID: n.ID, Kind: n.Kind, Title: says.Title, Text: says.Text, About: About{n.Stream.Category(), n.Stream.ID()},
		Read: n.Read || i.covers(n), CreatedAt: n.CreatedAt, Version: n.Version,
	}
}

// covers reports whether a notification was read with all others.
func (i Inbox) covers(n NotificationRow) bool { return !n.CreatedAt.After(i.ReadThrough) }

// NotificationList is a page of notifications.
type NotificationList struct {
	Items       []NotificationReply `json:"items"`
	NextCursor  *string             `json:"nextCursor"`  // null on the last page
	UnreadCount int                 `json:"unreadCount"` // of all pages, counted up to 100
}

// maxUnread is up to where unread notifications are counted: each one costs a read.
const maxUnread = 100

// list lists the caller's own notifications, newest first.
func (m *Module) list(ctx context.Context, call api.Call) (reply api.Reply[NotificationList], err error) {
	page, err := call.Page()
	if err != nil {
		return reply, err
	}
	only, given := call.Query["unread"]
	if given && only != "true" && only != "false" {
		return reply, api.Malformed("?unread= takes one of: true, false.")
	}
	inbox, err := inboxes.Load(ctx, &m.Repository, call.Caller.ID)
	if err != nil {
		return reply, err
	}
	rows, next, err := m.page(ctx, call.Caller.ID, inbox.State, only == "true", page)
	if err != nil {
		return reply, err
	}
	waiting, _, err := m.page(ctx, call.Caller.ID, inbox.State, true, api.Page{Limit: maxUnread})
	if err != nil {
		return reply, err
	}
	items := make([]NotificationReply, len(rows))
	for i, row := range rows {
		items[i] = row.reply(inbox.State)
	}
	shown := api.NewList(items, next)
	reply.Body = NotificationList{shown.Items, shown.NextCursor, len(waiting)}
	return reply, nil
}

// page gives a page of a person's notifications, or of those that are unread: the list of these
// ends where the inbox was read through, as all that comes after is older.
func (m *Module) page(ctx context.Context, userID string, i Inbox, onlyUnread bool, p api.Page) (rows []NotificationRow, next string, err error) {
	q := projection.Query{List: all, Partition: userID, After: p.Cursor, Limit: p.Limit}
	if onlyUnread {
		q.List = unread
	}
	rows, next, err = Notifications.List(ctx, m.Views, q)
	if !onlyUnread {
		return rows, next, err
	}
	for n, row := range rows {
		if i.covers(row) {
			return rows[:n], "", err
		}
	}
	return rows, next, err
}
