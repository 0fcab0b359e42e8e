// Package notification is the module of messages to people. state.go has its aggregate, every
// other file one command, one read model with its route, or one reactor.
package notification

import (
	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// Module answers the requests of the notification routes.
type Module struct {
	es.Executor
	Views *projection.Reader
}

// Routes lists the module's routes.
func (m *Module) Routes() []api.Route { return nil }

// Projections lists what the projector keeps for the module: read models and snapshots.
func (m *Module) Projections() []projection.Projection { return nil }

// Reactors lists the module's reactors.
func (m *Module) Reactors() []projection.Projection { return []projection.Projection{&Verification} }

// Aggregates lists what the module's streams add up to.
func (m *Module) Aggregates() []es.Folder { return []es.Folder{&notifications} }

// The kinds of notifications.
const (
	VerifyAddress         = "verify-address"
	VerifyAddressReminder = "verify-address-reminder"
)

var notifications = es.Aggregate[Notification, events.Notification]{Category: "notification", Reducer: 1}

// request asks for a notification that a person gets once.
func request(userID, kind string) projection.Reaction {
	return projection.Reaction{Command: notifications.New(es.DeriveID(kind, userID), Request{UserID: userID, Kind: kind})}
}
