// Package operator is the module of those who run the system: it looks at streams as they
// are stored, across all modules, and rebuilds views. Every route is for operators; auditors
// may read, and see no personal data.
package operator

import (
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
		api.Query("GET /admin/streams", api.Staff, m.listStreams),
		api.Query("GET /admin/streams/{stream}", api.Staff, m.listCommits),
		api.Query("GET /admin/streams/{stream}/state", api.Staff, m.getState),
		api.Query("GET /admin/streams/{stream}/verify", api.Staff, m.verify),
		api.Query("GET /admin/audit", api.Staff, m.audit),
		api.Query("GET /admin/stats", api.Staff, m.getStats),
		api.Query("GET /admin/views", api.Staff, m.views),
		api.Command("POST /admin/views/{view}/rebuild", api.Staff, m.rebuild),
		api.Command("POST /admin/views/{view}/switch", api.Staff, m.switchTo),
		api.Command("POST /admin/views/{view}/rollback", api.Staff, m.rollback),
		api.Command("POST /admin/views/{view}/cancel", api.Staff, m.cancel),
		api.Query("GET /admin/parked", api.Staff, m.parked),
		api.Command("POST /admin/parked/redrive", api.Staff, m.redrive),
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
