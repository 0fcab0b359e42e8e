package trust_test

import (
	"bytes"
	"encoding/json"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
)

// The namespaces of error types, as DynamoDB sends them.
const (
	ofDynamoDB = "com.amazonaws.dynamodb.v20120810#"
	ofCoral    = "com.amazon.coral.availability#"
	ofService  = "com.amazon.coral.service#"
)

// refusals are the replies of a DynamoDB that does nothing, as they are documented in "Error
// handling with DynamoDB" and in the API reference.
var refusals = map[fault]func(r *http.Request, body []byte) *http.Response{
	throttled:   saying(400, ofDynamoDB+"ProvisionedThroughputExceededException", "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API."),
	overRate:    saying(400, ofCoral+"ThrottlingException", "Rate of requests exceeds the allowed throughput."),
	failed:      saying(500, ofDynamoDB+"InternalServerError", "The request processing has failed because of an unknown error, exception or failure."),
	unavailable: saying(503, ofService+"ServiceUnavailableException", "The service is currently unavailable or busy."),
	inProgress:  saying(400, ofDynamoDB+"TransactionInProgressException", "The transaction with the given request token is already in progress."),
	contended: func(r *http.Request, body []byte) *http.Response {
		if kindOf(r) == aTransaction {
			return canceled(r, body, "TransactionConflict", "Transaction is ongoing for the item")
		}
		return saying(400, ofDynamoDB+"TransactionConflictException", "Transaction is ongoing for the item")(r, body)
	},
	throttledInside: func(r *http.Request, body []byte) *http.Response {
		return canceled(r, body, "ThrottlingError", "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or index so please try again shortly.")
	},
}

// injected are the codes of these errors.
var injected = map[string]bool{
	"ProvisionedThroughputExceededException": true, "ThrottlingException": true, "InternalServerError": true,
	"ServiceUnavailableException": true, "TransactionInProgressException": true,
	"TransactionConflictException": true, "TransactionCanceledException": true,
}

func saying(status int, kind, message string) func(*http.Request, []byte) *http.Response {
	return func(r *http.Request, _ []byte) *http.Response {
		return reply(r, status, map[string]any{"__type": kind, "message": message})
	}
}

// canceled refuses a transaction because of its last item.
func canceled(r *http.Request, body []byte, code, message string) *http.Response {
	var in struct{ TransactItems []json.RawMessage }
	if err := json.Unmarshal(body, &in); err != nil {
		panic(err) // the SDK wrote it
	}
	reasons, codes := make([]map[string]string, len(in.TransactItems)), ""
	for i := range reasons {
		reasons[i] = map[string]string{"Code": "None"}
		if i == len(reasons)-1 {
			reasons[i] = map[string]string{"Code": code, "Message": message}
		} else {
			codes += "None, "
		}
	}
	return reply(r, 400, map[string]any{
		"__type":              ofDynamoDB + "TransactionCanceledException",
		"Message":             "Transaction cancelled, please refer cancellation reasons for specific reasons [" + codes + code + "]",
		"CancellationReasons": reasons,
	})
}

func reply(r *http.Request, status int, document map[string]any) *http.Response {
	body, err := json.Marshal(document)
	if err != nil {
		panic(err) // it is made of strings
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{
			"Content-Type":     {"application/x-amz-json-1.0"},
			"X-Amzn-Requestid": {"INJECTED"},
			"X-Amz-Crc32":      {strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10)},
		},
		ContentLength: int64(len(body)),
		Body:          io.NopCloser(bytes.NewReader(body)),
	}
}
