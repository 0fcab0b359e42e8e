package feedback

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/interview-sandbox/annals/internal/notification"
)

// The examples have the form of those in the SES developer guide, "Examples of event data".
const bounce = `{"eventType":"Bounce","bounce":{"feedbackId":"f-1","bounceType":"Permanent","bounceSubType":"General",
	"bouncedRecipients":[{"emailAddress":"ada@example.com","action":"failed","status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 user unknown"}],
	"timestamp":"2026-01-02T03:04:05.000Z","reportingMTA":"dns; mta.example.com"},
	"mail":{"timestamp":"2026-01-02T03:04:04.000Z","source":"annals@example.com","messageId":"m-1","destination":["ada@example.com"],
	"headersTruncated":false,"headers":[{"name":"From","value":"annals@example.com"}],
	"tags":{"ses:configuration-set":["annals"],"ses:from-domain":["example.com"],"notification":["n-1"],"key":["k"]}}}`

const complaint = `{"eventType":"Complaint","complaint":{"feedbackId":"f-2","complaintSubType":null,"complaintFeedbackType":"abuse",
	"complainedRecipients":[{"emailAddress":"ada@example.com"},{"emailAddress":"eve@example.com"}],"userAgent":"Mailbox","arrivalDate":"2026-01-02T03:04:05.000Z"},
	"mail":{"messageId":"m-2","tags":{"ses:configuration-set":["annals"],"notification":["n-2"]}}}`

func TestFeedbackIsReadAsSESWritesIt(t *testing.T) {
	for what, c := range map[string]struct {
		detail string
		want   notification.Feedback
	}{
		"bounce":    {bounce, notification.Feedback{ID: "f-1", Reason: "bounce", Permanent: true, Addresses: []string{"ada@example.com"}, NotificationID: "n-1"}},
		"transient": {strings.Replace(bounce, "Permanent", "Transient", 1), notification.Feedback{ID: "f-1", Reason: "bounce", Addresses: []string{"ada@example.com"}, NotificationID: "n-1"}},
		"complaint": {complaint, notification.Feedback{ID: "f-2", Reason: "complaint", Permanent: true, Addresses: []string{"ada@example.com", "eve@example.com"}, NotificationID: "n-2"}},
		"not spam":  {strings.Replace(complaint, "abuse", "not-spam", 1), notification.Feedback{ID: "f-2", Reason: "complaint", Addresses: []string{"ada@example.com", "eve@example.com"}, NotificationID: "n-2"}},
	} {
		var got []notification.Feedback
		l := &Listener{Take: func(_ context.Context, f notification.Feedback) error { got = append(got, f); return nil }}
		if _, err := l.Handle(t.Context(), events.EventBridgeEvent{Detail: json.RawMessage(c.detail)}); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if !reflect.DeepEqual(got, []notification.Feedback{c.want}) {
			t.Errorf("%s: got %+v, want %+v", what, got, c.want)
		}
	}
}

func TestFeedbackThatIsNoneOrCannotBeTakenFails(t *testing.T) {
	broken := errors.New("broken")
	l := &Listener{Take: func(context.Context, notification.Feedback) error { return broken }}
	if _, err := l.Handle(t.Context(), events.EventBridgeEvent{Detail: json.RawMessage(bounce)}); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	for _, detail := range []string{`{"eventType":"Delivery","mail":{}}`, `{"bounce":{"bouncedRecipients":"ada@example.com"}}`, `[]`} {
		if _, err := l.Handle(t.Context(), events.EventBridgeEvent{Detail: json.RawMessage(detail)}); err == nil || errors.Is(err, broken) || strings.Contains(err.Error(), "ada") {
			t.Errorf("%s: error %v", detail, err)
		}
	}
}
