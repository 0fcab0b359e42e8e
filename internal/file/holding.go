package file

import (
	"context"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// Purge gives commands that remove some of what this module still holds of a person: the
// person's files, and shares of others' files. None: it holds nothing, not a byte, as what the
// removal of files has not come to yet is removed first. Views may be a moment old, so none of
// the commands is refused if it has been carried out already.
func (m *Module) Purge(ctx context.Context, userID string) (steps []es.Step, err error) {
	q := projection.Query{Partition: userID, Limit: 25}
	own, _, err := Files.List(ctx, m.Views, q)
	if err != nil {
		return nil, err
	}
	for _, f := range own {
		steps = append(steps, files.On(f.ID, PurgeFile{PurgeErased}))
	}
	others, _, err := Shares.List(ctx, m.Views, q)
	if err != nil {
		return nil, err
	}
	for _, s := range others {
		steps = append(steps, files.On(s.FileID, EndShare{userID}))
	}
	if len(steps) > 0 {
		return steps, nil
	}
	return nil, m.Objects.Clear(ctx, keysOf(userID))
}

// Held is what this module holds of a person. The files of others are named by their ids only.
type Held struct {
	Files        []FileRow  `json:"files"`
	SharedWithMe []ShareRow `json:"sharedWithMe"`
}

// Export gives everything that this module holds of a person but the bytes of files, which are
// where each file's content is.
func (m *Module) Export(ctx context.Context, userID string) (name string, part any, err error) {
	held := Held{Files: []FileRow{}, SharedWithMe: []ShareRow{}}
	if held.Files, err = all(ctx, m.Views, &Files, userID, held.Files); err != nil {
		return "", nil, err
	}
	held.SharedWithMe, err = all(ctx, m.Views, &Shares, userID, held.SharedWithMe)
	return "files", held, err
}

// all appends a whole partition of a view's first list.
func all[R any](ctx context.Context, views *projection.Reader, view *projection.View[R], partition string, rows []R) ([]R, error) {
	for after, more := "", true; more; more = after != "" {
		page, next, err := view.List(ctx, views, projection.Query{Partition: partition, After: after, Limit: 100})
		if err != nil {
			return nil, err
		}
		rows, after = append(rows, page...), next
	}
	return rows, nil
}
