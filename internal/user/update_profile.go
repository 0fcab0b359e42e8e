package user

import (
	"context"
	"time"

	"golang.org/x/text/language"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// UpdateProfile changes what a person tells about themselves; nil leaves it as it is.
type UpdateProfile struct{ Name, Locale, AvatarID *string }

// ErrSuspended: the account is suspended.
var ErrSuspended = &es.Error{Kind: es.Forbidden, Code: "suspended", Message: "This account is suspended."}

// Decide implements [es.Command].
func (c UpdateProfile) Decide(p Profile, _ time.Time) (decided []events.Auth, err error) {
	if err := p.Status.refusal(); err != nil {
		return nil, err
	}
	if p.Status == Suspended {
		return nil, ErrSuspended
	}
	changes := func(is string, to *string) bool { return to != nil && *to != is }
	if changes(p.Name, c.Name) {
		decided = append(decided, events.UserNameChanged{Old: p.Name, New: *c.Name})
	}
	if changes(p.Locale, c.Locale) {
		decided = append(decided, events.UserLocaleChanged{Locale: *c.Locale})
	}
	if changes(p.AvatarID, c.AvatarID) {
		decided = append(decided, events.UserAvatarChanged{FileID: *c.AvatarID})
	}
	return decided, nil
}

// updateProfileBody has the fields that change. An empty locale or avatarFileId takes away
// what there is.
type updateProfileBody struct {
	Name         *string `json:"name,omitempty" schema:"minLength=1 maxLength=100"`
	Locale       *string `json:"locale,omitempty" schema:"maxLength=35"`
	AvatarFileID *string `json:"avatarFileId,omitempty" schema:"maxLength=36"`
}

func (m *Module) updateProfile(ctx context.Context, call api.Call, in updateProfileBody) (reply api.Reply[api.Changed], err error) {
	var bad api.Invalid
	if in == (updateProfileBody{}) {
		bad.Add("", "At least one of name, locale and avatarFileId has to be there.")
	}
	c := UpdateProfile{AvatarID: in.AvatarFileID}
	if in.Name != nil {
		name := bad.Text("/name", *in.Name)
		c.Name = &name
	}
	if in.Locale != nil {
		locale := validLocale(&bad, "/locale", *in.Locale)
		c.Locale = &locale
	}
	if in.AvatarFileID != nil && *in.AvatarFileID != "" {
		ok, err := m.isPicture(ctx, *in.AvatarFileID, call.Caller.ID)
		if err != nil {
			return reply, err
		}
		if !ok {
			bad.Add("/avatarFileId", "This has to be the id of a picture of yours that is available.")
		}
	}
	if err := bad.Err(); err != nil {
		return reply, err
	}
	return m.change(ctx, call, c)
}

// validLocale gives a language tag as RFC 5646 writes it, "de-CH" for "DE_ch".
func validLocale(bad *api.Invalid, pointer, s string) string {
	if s == "" {
		return ""
	}
	tag, err := language.Parse(s)
	if err != nil {
		bad.Add(pointer, "This has to be a language tag such as de-CH (BCP 47).")
	}
	return tag.String()
}
