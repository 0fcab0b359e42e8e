// Package feedback reads what SES tells of a mail. It is apart from the client of SES, which the
// function that is told does not link in.
package feedback

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/aws/aws-lambda-go/events"

	"github.com/interview-sandbox/annals/internal/notification"
)

// The names of the tags that a mail carries. SES tells them with what becomes of the mail.
const (
	TagNotification = "notification"
	TagKey          = "key"
)

// Detail is what SES tells by way of EventBridge of what became of a mail, as far as it matters
// here.
type Detail struct {
	EventType string     `json:"eventType"` // "Bounce", "Complaint"
	Bounce    *Bounce    `json:"bounce,omitempty"`
	Complaint *Complaint `json:"complaint,omitempty"`
	Mail      struct {
		MessageID string              `json:"messageId"`
		Tags      map[string][]string `json:"tags"`
	} `json:"mail"`
}

// Bounce is a mail that a server did not take.
type Bounce struct {
	FeedbackID string      `json:"feedbackId"`
	Type       string      `json:"bounceType"` // "Permanent", "Transient", "Undetermined"
	Recipients []Recipient `json:"bouncedRecipients"`
}

// Complaint is a mail that somebody has called spam.
type Complaint struct {
	FeedbackID string      `json:"feedbackId"`
	Type       string      `json:"complaintFeedbackType"` // "abuse", "not-spam", …
	Recipients []Recipient `json:"complainedRecipients"`
}

// Recipient is whom feedback is about.
type Recipient struct {
	Address string `json:"emailAddress"`
}

// Listener takes the events of EventBridge.
type Listener struct {
	Take func(context.Context, notification.Feedback) error
}

// Handle takes one event. After an error Lambda brings it again, twice at most.
func (l *Listener) Handle(ctx context.Context, e events.EventBridgeEvent) (none struct{}, err error) {
	var d Detail
	if err := json.Unmarshal(e.Detail, &d); err != nil {
		return none, errors.New("read feedback: it is no JSON of the form that is known") // the error would quote it
	}
	feedback, err := d.feedback()
	if err != nil {
		return none, err
	}
	return none, l.Take(ctx, feedback)
}

// notSpam is the complaint of somebody who took a mail out of the spam.
const notSpam = "not-spam"

func (d Detail) feedback() (f notification.Feedback, err error) {
	if ids := d.Mail.Tags[TagNotification]; len(ids) > 0 {
		f.NotificationID = ids[0]
	}
	var recipients []Recipient
	switch {
	case d.Bounce != nil:
		f.ID, f.Reason, f.Permanent, recipients = d.Bounce.FeedbackID, "bounce", d.Bounce.Type == "Permanent", d.Bounce.Recipients
	case d.Complaint != nil:
		f.ID, f.Reason, f.Permanent, recipients = d.Complaint.FeedbackID, "complaint", d.Complaint.Type != notSpam, d.Complaint.Recipients
	default:
		return f, errors.New("read feedback: there is neither a bounce nor a complaint")
	}
	for _, r := range recipients {
		f.Addresses = append(f.Addresses, r.Address)
	}
	return f, nil
}
