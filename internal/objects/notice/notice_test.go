package notice

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// told is a notification in the form that S3 documents (Amazon S3 User Guide, "Event message
// structure").
func told(event, key, version string) string {
	return fmt.Sprintf(`{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"us-east-1","eventTime":"2026-01-02T03:04:05.000Z",
		"eventName":%q,"userIdentity":{"principalId":"EXAMPLE"},"requestParameters":{"sourceIPAddress":"127.0.0.1"},
		"responseElements":{"x-amz-request-id":"EXAMPLE","x-amz-id-2":"EXAMPLE"},
		"s3":{"s3SchemaVersion":"1.0","configurationId":"EXAMPLE","bucket":{"name":"annals-files","ownerIdentity":{"principalId":"EXAMPLE"},"arn":"arn:aws:s3:::annals-files"},
		"object":{"key":%q,"size":5,"eTag":"5d41402abc4b2a76b9719d911017c592","versionId":%q,"sequencer":"0055AED6DCD90281E5"}}}]}`, event, key, version)
}

func TestANotificationTellsWhatHasBeenStored(t *testing.T) {
	broken := errors.New("broken")
	for what, c := range map[string]struct {
		body   string
		err    error
		stored []string
		fails  bool
	}{
		"a form":              {body: told("ObjectCreated:Post", "files/ada/notes", "v1"), stored: []string{"files/ada/notes v1"}},
		"a key as S3 puts it": {body: told("ObjectCreated:Put", "files/a+b%2Bc%C3%A9", "v1"), stored: []string{"files/a b+cé v1"}},
		"no version":          {body: told("ObjectCreated:Put", "files/ada/notes", ""), stored: []string{"files/ada/notes "}},
		"a deletion":          {body: told("ObjectRemoved:Delete", "files/ada/notes", "v1")},
		"the test of a setup": {body: `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-01-02T03:04:05.000Z","Bucket":"annals-files","RequestId":"EXAMPLE","HostId":"EXAMPLE"}`},
		"what fails":          {body: told("ObjectCreated:Post", "files/ada/notes", "v1"), err: broken, stored: []string{"files/ada/notes v1"}, fails: true},
		"a damaged key":       {body: told("ObjectCreated:Post", "files/%zz", "v1"), fails: true},
		"no JSON":             {body: "hello", fails: true},
		"something else":      {body: "{}", fails: true},
	} {
		var stored []string
		l := &Listener{Stored: func(_ context.Context, key, version string) error {
			stored = append(stored, key+" "+version)
			return c.err
		}}
		_, err := l.Handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{Body: c.body}}})
		if (err != nil) != c.fails || c.err != nil && !errors.Is(err, c.err) {
			t.Errorf("%s: error %v", what, err)
		}
		if !slices.Equal(stored, c.stored) {
			t.Errorf("%s: stored are %q, want %q", what, stored, c.stored)
		}
	}
}
