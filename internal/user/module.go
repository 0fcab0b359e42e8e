// Package user is the module of people: profiles, roles, suspension and erasure.
// state.go has its aggregates, every other file one command, one read model with its route, or
// one reactor.
package user

import (
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// Module answers the requests of the user routes.
type Module struct {
	es.Executor
	Views *projection.Reader
}

// Routes lists the module's routes.
func (m *Module) Routes() []api.Route { return nil }

// Projections lists what the projector keeps for the module: read models and snapshots.
func (m *Module) Projections() []projection.Projection { return nil }

// Reactors lists the module's reactors.
func (m *Module) Reactors() []projection.Projection { return nil }

// Aggregates lists what the module's streams add up to.
func (m *Module) Aggregates() []es.Folder { return nil }
