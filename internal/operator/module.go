// Package operator is the module of those who run the system: it looks at streams as they
// are stored. Every route is for operators; auditors may read.
package operator

import (
	"net/url"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// Module answers the requests of the operator's routes.
type Module struct{ es.Repository }

// Routes lists the module's routes.
func (m *Module) Routes() []api.Route {
	return []api.Route{
		api.Query("GET /admin/streams/{stream}/verify", api.Staff, m.verify),
	}
}

// stream is the path's {stream}. Its '#' has to be sent as %23, which some gateways decode
// and others hand on.
func stream(call api.Call) (es.Stream, error) {
	name, err := url.PathUnescape(call.Params["stream"])
	if s := es.Stream(name); err == nil && s.Category() != "" && s.ID() != "" {
		return s, nil
	}
	return "", api.ErrNotFound
}
