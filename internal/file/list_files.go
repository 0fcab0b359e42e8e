package file

import (
	"context"
	"slices"
	"strings"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// sharedFrom begins the cursors of the second part of the list of files.
const sharedFrom = "shared "

// listFiles lists the caller's own files and then those that are shared with the caller,
// oldest first; with ?status= those that have it, else all but deleted ones. A page may have
// fewer files than asked for, and more after it.
func (m *Module) listFiles(ctx context.Context, call api.Call) (reply api.Reply[api.List[FileRow]], err error) {
	page, err := call.Page()
	if err != nil {
		return reply, err
	}
	status := call.Query["status"]
	if status != "" && !slices.Contains(statuses, status) {
		return reply, api.Malformed("?status= takes one of: " + strings.Join(statuses, ", ") + ".")
	}
	after, shared := strings.CutPrefix(page.Cursor, sharedFrom)
	q := projection.Query{Partition: call.Caller.ID, After: after, Limit: page.Limit}
	var rows []FileRow
	next := ""
	if !shared {
		if rows, next, err = Files.List(ctx, m.Views, q); err != nil {
			return reply, err
		}
		q.After, q.Limit = "", page.Limit-len(rows)
	}
	switch {
	case next != "":
	case q.Limit == 0:
		next = sharedFrom
	default:
		more, rest, err := m.sharedFiles(ctx, q)
		if err != nil {
			return reply, err
		}
		if rows = append(rows, more...); rest != "" {
			next = sharedFrom + rest
		}
	}
	rows = slices.DeleteFunc(rows, func(f FileRow) bool {
		return status == "" && f.Status == Deleted || status != "" && string(f.Status) != status || !slices.Contains(f.readers(), call.Caller.ID)
	})
	reply.Body = api.NewList(rows, next)
	return reply, nil
}

func (m *Module) sharedFiles(ctx context.Context, q projection.Query) (rows []FileRow, next string, err error) {
	shares, next, err := Shares.List(ctx, m.Views, q)
	if err != nil {
		return nil, "", err
	}
	for _, s := range shares {
		row, _, ok, err := Files.Get(ctx, m.Views, s.FileID, es.Moment{})
		if err != nil {
			return nil, "", err
		}
		if ok {
			rows = append(rows, row)
		}
	}
	return rows, next, nil
}
