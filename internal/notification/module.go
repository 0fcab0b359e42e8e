// Package notification is the module of messages to people. state.go has its aggregate, every
// other file one command or one reactor.
package notification

import (
	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// Reactors lists the module's reactors.
func Reactors() []projection.Projection { return []projection.Projection{&Verification} }

// Aggregates lists what the module's streams add up to.
func Aggregates() []es.Folder { return []es.Folder{&notifications} }

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
