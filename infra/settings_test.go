package main

import (
	"strings"
	"testing"
)

func TestSettingsThatCannotBeAreRefusedWithWhatTheyHaveToBe(t *testing.T) {
	for _, c := range []struct {
		key   string
		value any
		also  map[string]any
	}{
		{"name", "Annals", nil}, {"name", "an--nals", nil}, {"name", "-annals", nil}, {"name", "annals-of-a-very-long-name", nil}, {"name", "an_nals", nil},
		{"arch", "mips", nil},
		{"domain", "https://api.example.com", map[string]any{"certificate": certificate}},
		{"certificate", "", map[string]any{"domain": "api.example.com"}}, {"certificate", certificate, nil},
		{"certificate", "arn:aws:iam::1:x", map[string]any{"domain": "api.example.com"}},
		{"mailIdentity", "a@example.com", nil}, {"mailFrom", "example.com", nil}, {"mailFrom", "a@other.example", map[string]any{"mailIdentity": "example.com"}},
		{"publicUrl", "http://example.com", nil}, {"corsOrigins", "example.com", nil},
		{"alarmTopic", "alarms", nil}, {"alarmMail", "alarms", nil}, {"alarmMail", "a@example.com", map[string]any{"alarmTopic": "arn:aws:sns:us-east-1:123456789012:alarms"}},
		{"logDays", "13", nil}, {"logDays", "for ever", nil}, {"throttle", "0", nil}, {"throttle", "fast", nil}, {"removal", "yes", nil}, {"signingKeys", "1,1", nil},
		{"stripeSecret", "sk_live_0123456789", nil}, {"stripeSecret", "c2tfbGl2ZV8wMTIzNDU2Nzg5", nil},
	} {
		_, err := settings(func(key string) any {
			if key == c.key {
				return c.value
			}
			return c.also[key]
		})
		if err == nil || !strings.Contains(err.Error(), "-c "+c.key+" has to be ") {
			t.Errorf("%s=%v: error %v", c.key, c.value, err)
		} else if strings.Contains(err.Error(), "sk_live") {
			t.Errorf("the error tells the secret: %v", err)
		}
	}
	p, err := settings(func(key string) any {
		return map[string]any{"throttle": 20.0, "domain": "a.example", "certificate": certificate, "mailIdentity": "b.example"}[key]
	})
	if err != nil || p.Throttle != 20 || p.PublicURL != "https://a.example" || p.MailFrom != "Annals <annals@b.example>" {
		t.Errorf("got %+v, error %v", p, err)
	}
}

func TestTheAppEndsWithWhatIsWrongWithItsSettings(t *testing.T) {
	_, err := synthesize(app, t.TempDir(), t.TempDir(), "Annals", map[string]string{"name": "Annals", "removal": "now"})
	if err == nil || !strings.Contains(err.Error(), "-c name has to be") || !strings.Contains(err.Error(), "-c removal has to be") || strings.Contains(err.Error(), "panic") {
		t.Errorf("got %v", err)
	}
}
