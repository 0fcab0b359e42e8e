// Package operator is the module of those who run the system: it looks at streams as they
// are stored, across all modules, and rebuilds views. Every route is for operators; auditors
// may read, and see no personal data.
package operator

import (
	"fmt"
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/stats"
)

// Module answers the requests of the operator's routes.
type Module struct {
	es.Repository
	Events     es.SearchableStore // as they are stored, with everything personal sealed
	Aggregates []es.Folder        // of all modules
	Rebuilds   *projection.Rebuilder
	Stats      stats.Reader
	Now        func() time.Time
	Reactors   *projection.Projector // tries again what reactors have parked
}

// Routes lists the module's routes.
func (m *Module) Routes() []api.Route {
	return []api.Route{
		api.Query("GET /admin/streams", api.Staff, m.listStreams).
			Does("Lists streams, in no order. A page may be short, or empty, and yet have more after it.").
			Takes(api.Paged, api.InQuery("prefix", "How the stream's name begins.", "maxLength=1024")),
		api.Query("GET /admin/streams/{stream}", api.Staff, m.listCommits).
			Does("Lists a stream's commits.").
			Takes(api.Paged, api.Ordered, api.InQuery("from", "Begins with the commit that this version is in.", "type=integer minimum=1")),
		api.Query("GET /admin/streams/{stream}/state", api.Staff, m.getState).
			Does("Shows what a stream's events add up to, now or as it was.").Takes(api.TimeTravel).Refuses(errNoAggregate, errDamaged),
		api.Query("GET /admin/streams/{stream}/verify", api.Staff, m.verify).
			Does("Tells whether a stream is as it was written."),
		api.Query("GET /admin/audit", api.Staff, m.audit).
			Does("Lists who did what, across streams. Each page is sorted by time.").
			Takes(api.Paged, api.InQuery("actor", "Who did it.", "maxLength=100"), api.InQuery("correlationId", "What it belonged to.", "maxLength=100"),
				api.InQuery("from", "Not before this time.", "format=date-time"), api.InQuery("to", "Not after this time.", "format=date-time")),
		api.Query("GET /admin/stats", api.Staff, m.getStats).
			Does("Sums up what the functions did in the last hours.").
			Takes(api.InQuery("hours", "How many.", fmt.Sprintf("type=integer minimum=1 maximum=%d default=%d", maxHours, defaultHours))),
		api.Query("GET /admin/views", api.Staff, m.views).
			Does("Lists the read models and how each is doing."),
		api.Command("POST /admin/views/{view}/rebuild", api.Staff, m.rebuild).
			Does("Begins a new generation of a read model, made from the events.").Gives(202).Refuses(projection.ErrRebuilding),
		api.Command("POST /admin/views/{view}/switch", api.Staff, m.switchTo).
			Does("Has the finished new generation read from now on.").Refuses(projection.ErrNotRebuilt),
		api.Command("POST /admin/views/{view}/rollback", api.Staff, m.rollback).
			Does("Goes back to the generation before.").Refuses(projection.ErrNoWayBack),
		api.Command("POST /admin/views/{view}/cancel", api.Staff, m.cancel).
			Does("Gives up the generation that is not read.").Refuses(projection.ErrNothing),
		api.Query("GET /admin/parked", api.Staff, m.parked).
			Does("Lists the streams that a read model or a reactor cannot follow, and why.").Takes(api.Paged),
		api.Command("POST /admin/parked/redrive", api.Staff, m.redrive).
			Does("Tries again what is parked."),
	}
}

// stream is the path's {stream}. Its '#' has to be sent as %23, which some gateways decode
// and others hand on.
func stream(call api.Call) (es.Stream, error) {
	name, err := url.PathUnescape(call.Params["stream"])
	if s := es.Stream(name); err == nil && len(s) <= maxStream && utf8.ValidString(name) && s.Category() != "" && s.ID() != "" {
		return s, nil
	}
	return "", api.ErrNotFound
}

// maxStream is longer than the name of any stream, and shorter than what a key of DynamoDB may
// be, in bytes.
const maxStream = 1024
