package user

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/projection"
)

// The lists of Users.
const (
	byName = iota
	byEmail
)

// maxSearch is how many characters an address has at most, and a name has fewer. They fit a
// sort key of DynamoDB, 1024 bytes.
const maxSearch = 254

// listUsers lists accounts by name, with ?q= those whose names begin so, and then those whose
// addresses do. A page may have fewer accounts than asked for, and more after it.
func (m *Module) listUsers(ctx context.Context, call api.Call) (reply api.Reply[api.List[UserRow]], err error) {
	page, err := call.Page()
	if err != nil {
		return reply, err
	}
	status, q := Status(call.Query["status"]), canonical(call.Query["q"])
	switch {
	case status != "" && !slices.Contains(statuses, status):
		return reply, api.Malformed("?status= takes active, suspended, erasing or erased.")
	case utf8.RuneCountInString(q) > maxSearch:
		return reply, api.Malformed("?q= takes 254 characters at most.")
	case q != "" && !call.Caller.SeesPersonal():
		return reply, api.ErrForbidden // what is found would tell what is hidden
	}
	list, after := byName, page.Cursor
	if rest, ok := strings.CutPrefix(page.Cursor, "email "); ok && q != "" {
		list, after = byEmail, rest
	}
	rows, next, err := Users.List(ctx, m.Views, projection.Query{
		List: list, Partition: []string{"name", "email"}[list], Prefix: q, After: after, Limit: page.Limit,
		Veiled: !call.Caller.SeesPersonal(), // a cursor says what rows are sorted by
	})
	if err != nil {
		return reply, err
	}
	rows = slices.DeleteFunc(rows, func(u UserRow) bool {
		return status != "" && u.Status != status || list == byEmail && strings.HasPrefix(canonical(u.Name), q)
	})
	for i, u := range rows {
		if rows[i], err = api.Visible(call.Caller, u, u.ID); err != nil {
			return reply, err
		}
	}
	switch {
	case list == byName && next == "" && q != "":
		next = "email "
	case list == byEmail && next != "":
		next = "email " + next
	}
	reply.Body = api.NewList(rows, next)
	return reply, nil
}

// StatusCount is how many accounts have a status.
type StatusCount struct {
	Status   Status `json:"status"`
	Accounts int64  `json:"accounts"`
}

func (m *Module) countUsers(ctx context.Context, _ api.Call) (reply api.Reply[api.List[StatusCount]], err error) {
	var counts []StatusCount
	for _, status := range statuses {
		total, err := Accounts.Total(ctx, m.Views, string(status))
		if err != nil {
			return reply, err
		}
		counts = append(counts, StatusCount{status, total["accounts"]})
	}
	reply.Body = api.NewList(counts, "")
	return reply, nil
}

// canonical is what texts are sorted and found by.
func canonical(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
