package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// StateReply is what a stream's events add up to, as the commands of its module see it.
type StateReply struct {
	Stream  es.Stream       `json:"stream"`
	Version es.Version      `json:"version"`
	State   json.RawMessage `json:"state"` // without its secrets
}

var (
	// errNoAggregate: the stream may be there, but nothing decides on it.
	errNoAggregate = &es.Error{Kind: es.NotFound, Code: "no-aggregate", Message: "No aggregate folds streams of this category."}
	// errDamaged: it cannot be folded.
	errDamaged = &es.Error{Kind: es.Conflict, Code: "stream-damaged", Message: "The stream cannot be read."}
)

// getState folds a stream, at present or as of ?version= or ?at=.
func (m *Module) getState(ctx context.Context, call api.Call) (reply api.Reply[StateReply], err error) {
	s, err := stream(call)
	if err != nil {
		return reply, err
	}
	moment, err := call.Moment()
	if err != nil {
		return reply, err
	}
	for _, a := range m.Aggregates {
		if !a.Folds(s) {
			continue
		}
		state, version, ok, err := a.FoldAny(ctx, m.Store, s, moment)
		if err != nil {
			return reply, tell(err)
		}
		if !ok {
			return reply, api.ErrNotFound
		}
		shown, err := events.Disclose(state, call.Caller.SeesPersonal())
		return api.Reply[StateReply]{Body: StateReply{s, version, shown}, Version: version}, err
	}
	return reply, errNoAggregate
}

// tell says where a stream is damaged, but not with which values.
func tell(err error) error {
	var damaged *es.DamagedError
	var unreadable *es.UnreadableError
	message := ""
	switch {
	case errors.As(err, &damaged):
		message = fmt.Sprintf("The stream is damaged at version %d: %s.", damaged.Version, damaged.Reason)
	case errors.As(err, &unreadable):
		message = fmt.Sprintf("Version %d of the stream cannot be read by this build.", unreadable.Version)
	default:
		return err
	}
	return &es.Error{Kind: errDamaged.Kind, Code: errDamaged.Code, Message: message}
}
