// Package mail is Amazon SES in this process, as far as it takes mail: every mail is a file that
// people can look at, and the addresses of SES's mailbox simulator behave as they do there.
//
//   - https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
//   - https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html
package mail

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/mail"
	"strings"
	"sync"
	"time"

	"github.com/interview-sandbox/annals/internal/ses/feedback"
)

// Server takes mail as SES's API of version 2 does.
type Server struct {
	Dir Dir
	Now func() time.Time
	// Emit takes what SES tells EventBridge of a mail, some time after it was sent.
	Emit func(detailType string, detail feedback.Detail)

	mu    sync.Mutex
	under sync.WaitGroup
}

// sendEmail is the body of a SendEmail request, as far as mail is sent here.
type sendEmail struct {
	FromEmailAddress     string
	ConfigurationSetName string
	Destination          struct{ ToAddresses []string }
	EmailTags            []struct{ Name, Value string }
	Content              struct {
		Simple *struct {
			Subject content
			Body    struct{ Text, Html content }
		}
	}
}

type content struct{ Data string }

func (s sendEmail) tag(name string) string {
	for _, t := range s.EmailTags {
		if t.Name == name {
			return t.Value
		}
	}
	return ""
}

// maxBody is more than any mail here has.
const maxBody = 1 << 20

// ServeHTTP answers a request of the SDK.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.URL.Path != "/v2/email/outbound-emails" {
		refuse(w, http.StatusNotFound, "NotFoundException", "This server takes mail and does nothing else.")
		return
	}
	var in sendEmail
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&in); err != nil {
		refuse(w, http.StatusBadRequest, "BadRequestException", "The request cannot be read.")
		return
	}
	from, err := mail.ParseAddress(in.FromEmailAddress)
	if err != nil || in.Content.Simple == nil || len(in.Destination.ToAddresses) != 1 || in.tag(feedback.TagKey) == "" {
		refuse(w, http.StatusBadRequest, "BadRequestException", "It takes a sender, one receiver, simple content and a key among the tags.")
		return
	}
	to, err := mail.ParseAddress(in.Destination.ToAddresses[0])
	if err != nil {
		refuse(w, http.StatusBadRequest, "BadRequestException", "The receiver's address is none.")
		return
	}
	key := in.tag(feedback.TagKey)
	s.mu.Lock()
	err = s.Dir.put(letter{
		key: key, notification: in.tag(feedback.TagNotification), at: s.Now(), from: from, to: to,
		subject: in.Content.Simple.Subject.Data, text: in.Content.Simple.Body.Text.Data, html: in.Content.Simple.Body.Html.Data,
	})
	s.mu.Unlock()
	if err != nil {
		refuse(w, http.StatusInternalServerError, "InternalServiceErrorException", "The mail cannot be kept.")
		return
	}
	id := "local-" + key
	s.simulate(in, to.Address, id)
	answer(w, http.StatusOK, map[string]string{"MessageId": id})
}

// simulate tells what becomes of a mail to the mailbox simulator.
func (s *Server) simulate(in sendEmail, to, id string) {
	user, host, _ := strings.Cut(strings.ToLower(to), "@")
	user, _, _ = strings.Cut(user, "+") // people tell several addresses of one mailbox apart by that
	if host != "simulator.amazonses.com" {
		return
	}
	var d feedback.Detail
	d.Mail.MessageID, d.Mail.Tags = id, map[string][]string{"ses:configuration-set": {in.ConfigurationSetName}}
	for _, t := range in.EmailTags {
		d.Mail.Tags[t.Name] = []string{t.Value}
	}
	recipients, kind := []feedback.Recipient{{Address: to}}, ""
	switch user {
	case "bounce":
		kind, d.EventType = "Email Bounced", "Bounce"
		d.Bounce = &feedback.Bounce{FeedbackID: "feedback-" + id, Type: "Permanent", Recipients: recipients}
	case "complaint":
		kind, d.EventType = "Email Complaint Received", "Complaint"
		d.Complaint = &feedback.Complaint{FeedbackID: "feedback-" + id, Type: "abuse", Recipients: recipients}
	default:
		return
	}
	s.under.Go(func() { s.Emit(kind, d) })
}

// Wait returns when everything has been told.
func (s *Server) Wait() { s.under.Wait() }

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("X-Amzn-Errortype", code)
	answer(w, status, map[string]string{"message": message})
}

// answer writes a JSON body. Whether it arrives is between the server and the client.
func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	text, err := json.Marshal(body)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{}`)
	}
	w.WriteHeader(status)
	fmt.Fprintln(w, string(text))
}
