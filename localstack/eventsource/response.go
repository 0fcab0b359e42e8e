package eventsource

import (
	"bytes"
	"slices"

	"github.com/go-json-experiment/json"
)

// firstFailed reads a function's response by the rules of "Configuring partial batch
// response with DynamoDB and Lambda" and returns the index of the first record to have
// again, or len(records) if the batch is a complete success.
//
// The guide does not say what an identifier means that is not in the batch, or a response
// of another form. Either may hide a failure, so either is a complete failure.
func firstFailed(response []byte, records []record) int {
	if slices.Contains([]string{"", "null", `""`, "[]"}, string(bytes.TrimSpace(response))) {
		return len(records)
	}
	var report struct {
		Failures []struct {
			Identifier string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(response, &report); err != nil {
		return 0
	}
	first := len(records)
	for _, f := range report.Failures {
		i := slices.IndexFunc(records, func(r record) bool { return r.sequence == f.Identifier })
		if i < 0 {
			return 0
		}
		first = min(first, i)
	}
	return first
}
