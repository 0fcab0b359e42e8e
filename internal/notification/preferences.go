package notification

import (
	"context"
	"slices"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
)

// SetPreferences says of which groups of notifications a person wants no mail.
type SetPreferences struct{ EmailOff []Group }

// Decide implements [es.Command].
func (c SetPreferences) Decide(i Inbox, _ time.Time) ([]events.Inbox, error) {
	if slices.Equal(i.EmailOff, c.EmailOff) {
		return nil, nil
	}
	off := []string{}
	for _, g := range c.EmailOff {
		off = append(off, string(g))
	}
	return []events.Inbox{events.InboxPreferencesSet{EmailOff: off}}, nil
}

// Channel says which groups of notifications go out in one way.
type Channel struct {
	Security bool `json:"security"`
	Files    bool `json:"files"`
	Payments bool `json:"payments"`
}

// PreferencesReply is what a person wants to be told, and how.
type PreferencesReply struct {
	Email Channel `json:"email"`
	InApp Channel `json:"inApp"`
}

func preferencesOf(emailOff []Group) PreferencesReply {
	inbox := Inbox{EmailOff: emailOff}
	return PreferencesReply{
		Email: Channel{inbox.wantsMail(Security), inbox.wantsMail(Files), inbox.wantsMail(Payments)},
		InApp: Channel{true, true, true},
	}
}

func (m *Module) getPreferences(ctx context.Context, call api.Call) (reply api.Reply[PreferencesReply], err error) {
	inbox, err := inboxes.Load(ctx, &m.Repository, call.Caller.ID)
	reply.Body, reply.Version = preferencesOf(inbox.State.EmailOff), inbox.Tip.Version()
	return reply, err
}

// channelBody is a [Channel] in which what is left out is on.
type channelBody struct {
	Security *bool `json:"security,omitzero"`
	Files    *bool `json:"files,omitzero"`
	Payments *bool `json:"payments,omitzero"`
}

type preferencesBody struct {
	Email channelBody `json:"email,omitzero"`
	InApp channelBody `json:"inApp,omitzero"`
}

func isOff(wanted *bool) bool { return wanted != nil && !*wanted }

func (m *Module) setPreferences(ctx context.Context, call api.Call, in preferencesBody) (reply api.Reply[PreferencesReply], err error) {
	var bad api.Invalid
	if isOff(in.Email.Security) {
		bad.Add("/email/security", "Mail about the security of the account cannot be switched off.")
	}
	for pointer, wanted := range map[string]*bool{
		"/inApp/security": in.InApp.Security, "/inApp/files": in.InApp.Files, "/inApp/payments": in.InApp.Payments,
	} {
		if isOff(wanted) {
			bad.Add(pointer, "Notifications in the inbox cannot be switched off.")
		}
	}
	if err := bad.Err(); err != nil {
		return reply, err
	}
	var off []Group
	if isOff(in.Email.Files) {
		off = append(off, Files)
	}
	if isOff(in.Email.Payments) {
		off = append(off, Payments)
	}
	result, err := m.Execute(ctx, call.Meta, call.IfMatch, inboxes.On(call.Caller.ID, SetPreferences{off}))
	return api.Reply[PreferencesReply]{Body: preferencesOf(off), Version: result.Version, Replay: result.Replay}, err
}
