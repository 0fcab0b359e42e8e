package notice

import (
	"context"
	"net/url"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// A notification is told of key by key, or refused so that it is kept.
func FuzzNotification(f *testing.F) {
	f.Add(told("ObjectCreated:Post", "files/a+b%2Bc%C3%A9", "v1"))
	f.Add(told("ObjectRemoved:Delete", "files/ada/notes", ""))
	f.Add(`{"Event":"s3:TestEvent"}`)
	f.Add(`{"Records":[{"s3":{"object":{"key":"%"}}}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		stored := 0
		l := &Listener{Stored: func(_ context.Context, key, _ string) error {
			stored++
			if back, err := url.QueryUnescape(url.QueryEscape(key)); err != nil || back != key {
				t.Errorf("the key %q is none that S3 could name", key)
			}
			return nil
		}}
		_, err := l.Handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{Body: body}}})
		if body == "" && err == nil || stored > len(body) {
			t.Errorf("%d objects in %d bytes, error %v", stored, len(body), err)
		}
	})
}
