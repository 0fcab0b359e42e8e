package feedback

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/interview-sandbox/annals/internal/notification"
)

// Feedback is taken once or refused, and no refusal tells whom it is about.
func FuzzFeedback(f *testing.F) {
	f.Add([]byte(`{"eventType":"Bounce","bounce":{"feedbackId":"f","bounceType":"Permanent","bouncedRecipients":[{"emailAddress":"ada@example.com"}]},
		"mail":{"messageId":"m","tags":{"notification":["0197a0f0-0000-7000-8000-000000000001"]}}}`))
	f.Add([]byte(`{"eventType":"Complaint","complaint":{"feedbackId":"f","complaintFeedbackType":"not-spam","complainedRecipients":[]},"mail":{}}`))
	f.Add([]byte(`{"eventType":"ada@example.com","bounce":null}`))
	f.Fuzz(func(t *testing.T, detail []byte) {
		taken := 0
		l := &Listener{Take: func(context.Context, notification.Feedback) error { taken++; return errTaken }}
		_, err := l.Handle(t.Context(), events.EventBridgeEvent{Detail: detail})
		if errors.Is(err, errTaken) != (taken == 1) {
			t.Errorf("taken %d times, error %v", taken, err)
		}
		if err != nil && strings.Contains(err.Error(), "@") {
			t.Errorf("the refusal quotes an address: %v", err)
		}
	})
}

var errTaken = errors.New("taken")
