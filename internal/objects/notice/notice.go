// Package notice reads what S3 tells of stored objects. It is apart from the client of S3, which a
// function that is told needs not link in.
package notice

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// Listener tells of objects that have been stored, as the bucket notifies a queue of them.
type Listener struct {
	// Stored takes note of a version of an object. One that fails comes again with its message.
	Stored func(ctx context.Context, key, version string) error
}

// notification is what S3 sends: events or, when it is set up, a test.
type notification struct {
	Event   string // "s3:TestEvent"
	Records []events.S3EventRecord
}

// Handle answers Lambda's event source for the queue.
func (l *Listener) Handle(ctx context.Context, in events.SQSEvent) (none struct{}, err error) {
	for _, message := range in.Records {
		var n notification
		if err := json.Unmarshal([]byte(message.Body), &n); err != nil {
			return none, fmt.Errorf("read a notification: %w", err)
		}
		if len(n.Records) == 0 && n.Event != "s3:TestEvent" {
			return none, fmt.Errorf("a notification tells of nothing")
		}
		for _, r := range n.Records {
			if !strings.HasPrefix(r.EventName, "ObjectCreated:") {
				continue
			}
			key, err := url.QueryUnescape(r.S3.Object.Key)
			if err != nil {
				return none, fmt.Errorf("read the key in a notification: %w", err)
			}
			if err := l.Stored(ctx, key, r.S3.Object.VersionID); err != nil {
				return none, err
			}
		}
	}
	return none, nil
}
