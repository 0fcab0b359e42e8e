package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/interview-sandbox/annals/internal/topology"
	"github.com/interview-sandbox/annals/localstack/objects"
)

// openS3 opens the buckets and the address where they will be served. Objects that come over
// HTTP need the queues that are told of them, so [stack.serveS3] follows when these are there.
func (s *stack) openS3() (net.Listener, error) {
	buckets := []objects.Bucket{{Name: failures}}
	for _, b := range topology.Buckets() {
		buckets = append(buckets, objects.Bucket{Name: b.Name(prefix), Versioned: true, Created: func(o objects.Object) {
			if err := s.notify(b.Queue, o); err != nil {
				s.log.Error("nobody is told of an object", "bucket", o.Bucket, "error", err.Error())
			}
		}})
	}
	store, err := objects.Open(s.file("s3"), time.Now, buckets...)
	if err != nil {
		return nil, err
	}
	store.Keys = map[string]string{localKey: localSecret}
	s.objects = store
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for S3: %w", err)
	}
	s.onStop(listener.Close)
	return listener, nil
}

func (s *stack) serveS3(listener net.Listener) { s.serve(listener, s.objects.Handler(s.log)) }

// bucketNames gives the name of every bucket.
func bucketNames() map[string]string {
	all := map[string]string{}
	for _, b := range topology.Buckets() {
		all[b.ID] = b.Name(prefix)
	}
	return all
}

// notify tells a queue of an object that has been stored, in the words of S3.
func (s *stack) notify(queue string, o objects.Object) error {
	record := events.S3EventRecord{
		EventVersion: "2.1", EventSource: "aws:s3", AWSRegion: region, EventTime: o.Modified, EventName: "ObjectCreated:Put",
		S3: events.S3Entity{
			SchemaVersion: "1.0",
			Bucket:        events.S3Bucket{Name: o.Bucket, Arn: "arn:aws:s3:::" + o.Bucket},
			Object:        events.S3Object{Key: url.QueryEscape(o.Key), Size: o.Size, ETag: o.MD5, VersionID: o.Version},
		},
	}
	body, err := json.Marshal(events.S3Event{Records: []events.S3EventRecord{record}})
	if err != nil {
		return fmt.Errorf("describe an object: %w", err)
	}
	s.queueOf(queue).Send(string(body), 0)
	return nil
}
