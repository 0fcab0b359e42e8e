package eventsource

import (
	"cmp"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
)

// failure is the invocation record that Lambda writes to an S3 destination, as in "Retain
// discarded records for a DynamoDB event source in Lambda".
type failure struct {
	Request  requestContext   `json:"requestContext"`
	Response *responseContext `json:"responseContext,omitzero"` // none for a record that is too old
	Version  string           `json:"version"`
	Time     string           `json:"timestamp"`
	Batch    batchInfo        `json:"DDBStreamBatchInfo"`
	Payload  string           `json:"payload"` // the whole event, for S3 only
}

type requestContext struct {
	RequestID   string `json:"requestId"`
	FunctionARN string `json:"functionArn"`
	Condition   string `json:"condition"`
	Invocations int    `json:"approximateInvokeCount"`
}

type responseContext struct {
	Status  int     `json:"statusCode"`
	Version string  `json:"executedVersion"`
	Error   *string `json:"functionError"` // null if the function reported the failure
}

type batchInfo struct {
	ShardID   string `json:"shardId"`
	Start     string `json:"startSequenceNumber"`
	End       string `json:"endSequenceNumber"`
	First     string `json:"approximateArrivalOfFirstRecord"`
	Last      string `json:"approximateArrivalOfLastRecord"`
	Size      int    `json:"batchSize"`
	StreamARN string `json:"streamArn"`
}

// failureDocument is what the destination receives for a loss.
func (m *mapping) failureDocument(shard string, l *loss, at time.Time) ([]byte, error) {
	first, last := l.records[0], l.records[len(l.records)-1]
	f := failure{
		Request: requestContext{
			RequestID:   cmp.Or(l.last.requestID, m.newID()),
			FunctionARN: m.functionARN,
			Condition:   l.condition,
			Invocations: l.invocations,
		},
		Version: "1.0",
		Time:    at.UTC().Format("2006-01-02T15:04:05.000Z"),
		Batch: batchInfo{
			ShardID:   shard,
			Start:     first.sequence,
			End:       last.sequence,
			First:     first.created.UTC().Format(time.RFC3339),
			Last:      last.created.UTC().Format(time.RFC3339),
			Size:      len(l.records),
			StreamARN: m.StreamARN,
		},
		Payload: string(payload(l.records)),
	}
	if l.condition == retriesExhausted {
		f.Response = &responseContext{Status: 200, Version: "$LATEST"}
		if l.last.threw {
			f.Response.Error = new("Unhandled")
		}
	}
	return json.Marshal(f)
}

// failureKey is the name of the object in S3:
// aws/lambda/<ESM-UUID>/<shardID>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<Random UUID>.
func (m *mapping) failureKey(shard string, at time.Time) string {
	return fmt.Sprintf("aws/lambda/%s/%s/%s-%s", m.id, shard, at.UTC().Format("2006/01/02/2006-01-02T15.04.05"), m.newID())
}
