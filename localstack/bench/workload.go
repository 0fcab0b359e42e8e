package main

import (
	"fmt"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/auth"
	"github.com/interview-sandbox/annals/internal/es"
)

// accounts is the aggregate that all is measured with: the accounts of the auth module.
var accounts = es.Aggregate[auth.User, events.Auth]{Category: "user", Reducer: 1}

type command = es.Command[auth.User, events.Auth]

// clock is the time of everything that is written, so that two runs write the same.
func clock() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

const (
	passwordHash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"
	trace        = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
)

func idOf(kind string, n int) string { return es.DeriveID(kind, fmt.Sprint(n)) }

func emailOf(id string) string { return id + "@example.com" }

// request is the meta of the n-th request as clients send them, with all its circumstances.
func request(n int) es.Meta {
	return es.Meta{CommandID: idOf("command", n), Fingerprint: []byte("0123456789abcdef"), CorrelationID: idOf("correlation", n), Actor: idOf("actor", n), Trace: trace}
}

// open is the command that an account begins with.
func open(id string) auth.CreateUser {
	return auth.CreateUser{ID: id, Email: emailOf(id), Name: "Ada Lovelace", PasswordHash: passwordHash}
}

// happening is the event at place n of a long-lived account's history.
func happening(id string, n int) events.Auth {
	switch {
	case n == 0:
		return events.UserCreated{UserID: id, Email: emailOf(id), Name: "Ada Lovelace", PasswordHash: passwordHash}
	case n%3 == 0:
		return events.UserEmailChanged{Old: fmt.Sprintf("ada-%08d@example.com", n-3), New: fmt.Sprintf("ada-%08d@example.com", n)}
	case n%3 == 1:
		return events.UserPasswordChanged{PasswordHash: passwordHash}
	}
	return events.UserNameChanged{Old: "Ada Lovelace", New: "Augusta Ada King"}
}

// change is a command that so many events come of.
type change int

// Decide implements [es.Command].
func (c change) Decide(u auth.User, _ time.Time) ([]events.Auth, error) {
	decided := make([]events.Auth, c)
	for i := range decided {
		decided[i] = happening(u.ID, i+1)
	}
	return decided, nil
}

// refused is a command that is against a rule on any state.
type refused struct{}

var errRefused = &es.Error{Kind: es.Rejected, Code: "refused", Message: "Not this one."}

// Decide implements [es.Command].
func (refused) Decide(auth.User, time.Time) ([]events.Auth, error) { return nil, errRefused }
