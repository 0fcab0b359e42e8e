package operator

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// What one request may look at. A look is 1 MB at most, so that is 10 MB, or 1,280 read
// units of DynamoDB.
const (
	looks    = 10
	patience = 2 * time.Second // after that no other look is begun
)

// search finds commits of all streams: as many as the page has room for, or fewer if that
// would take too long, with the cursor to go on from. Each look is at twice as many commits
// as the one before: one that finds more than there is room for wastes no more than the
// others took, and a search for little is soon through.
func (m *Module) search(ctx context.Context, f es.Filter, page api.Page) (found []es.Scanned, next string, err error) {
	after, err := placeOf(page.Cursor)
	if err != nil {
		return nil, "", err
	}
	begun := m.Now()
	for i, look := 1, page.Limit; ; i, look = i+1, 2*look {
		some, last, err := m.Events.Search(ctx, f, after, look)
		if err != nil {
			return nil, "", err
		}
		found = append(found, some...)
		if len(found) > page.Limit {
			found = found[:page.Limit]
			place := found[page.Limit-1].Place()
			last = &place
		}
		switch {
		case last == nil:
			return found, "", nil
		case len(found) == page.Limit, i == looks, m.Now().Sub(begun) > patience:
			return found, fmt.Sprintf("%d %s", last.Version, last.Stream), nil
		}
		after = *last
	}
}

// placeOf reads the cursor of a search.
func placeOf(cursor string) (p es.Place, err error) {
	if cursor == "" {
		return p, nil
	}
	version, stream, _ := strings.Cut(cursor, " ")
	n, err := strconv.ParseUint(version, 10, 63)
	if p = (es.Place{Stream: es.Stream(stream), Version: es.Version(n)}); err != nil || n == 0 || stream == "" || len(stream) > maxStream {
		return p, api.ErrCursor
	}
	return p, nil
}
