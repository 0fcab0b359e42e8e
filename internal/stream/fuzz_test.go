package stream_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/stream"
)

// Every record of a batch is consumed, noted as damaged, or reported to come again.
func FuzzBatch(f *testing.F) {
	f.Add([]byte(`{"Records":[` + record(1, "user#1") + `,` + damaged + `]}`))
	f.Add([]byte(`{"Records":[{"dynamodb":{"SequenceNumber":"1","NewImage":{"stream":{"Q":"x"}}}},{}]}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		var batch stream.Batch
		if json.Unmarshal(payload, &batch) != nil {
			return
		}
		consumed, noted := 0, 0
		c := &stream.Consumer{
			Consume: func(_ context.Context, commits []es.Commit) map[int]error { consumed = len(commits); return nil },
			Damaged: func(_ context.Context, d *es.DamagedError) error { noted++; return nil },
		}
		out, err := c.Handle(t.Context(), batch)
		if err != nil || consumed+noted+len(out.BatchItemFailures) != len(batch.Records) {
			t.Fatalf("of %d records %d are consumed, %d noted and %d reported, error %v", len(batch.Records), consumed, noted, len(out.BatchItemFailures), err)
		}
		for _, failed := range out.BatchItemFailures {
			if !slices.ContainsFunc(batch.Records, func(r stream.Record) bool { return r.Change.SequenceNumber == failed.ItemIdentifier }) {
				t.Errorf("%q is reported and not in the batch", failed.ItemIdentifier)
			}
		}
	})
}
