package scenario

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"
)

// mail is a mail as GET /dev/mail of the local stack shows it.
type mail struct {
	Name, To, Subject, Text string
	At                      time.Time
}

// inboxOf lists the mails to an address, newest first.
func (c Client) inboxOf(t testing.TB, address string) (all []mail) {
	t.Helper()
	a, err := c.Send(t.Context(), "GET", "/dev/mail", nil)
	if err != nil || a.Status != 200 {
		t.Fatalf("GET /dev/mail: %v %s", err, a.Raw)
	}
	var list struct{ Items []mail }
	if err := json.Unmarshal([]byte(a.Raw), &list); err != nil {
		t.Fatal(err)
	}
	contract, err := contractOf(t.Context(), c.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list.Items {
		if found := tokenInMail.FindStringSubmatch(m.Text); found != nil {
			contract.memory.secrets(found[1])
		}
		if strings.EqualFold(m.To, address) {
			all = append(all, m)
		}
	}
	return all
}

// mailed waits for a mail to an address with a subject, and gives the newest.
func (c Client) mailed(t testing.TB, address, subject string) (found mail) {
	t.Helper()
	eventually(t, "there is a mail to "+address+": "+subject, func() bool {
		for _, m := range c.inboxOf(t, address) {
			if m.Subject == subject {
				found = m
				return true
			}
		}
		return false
	})
	return found
}

var tokenInMail = regexp.MustCompile(`#token=([A-Za-z0-9_-]+)`)

// token reads the token in a mail's link.
func (m mail) token(t testing.TB) string {
	t.Helper()
	found := tokenInMail.FindStringSubmatch(m.Text)
	if found == nil {
		t.Fatalf("there is no token in %q", m.Text)
	}
	return found[1]
}
