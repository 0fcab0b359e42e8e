// Package dynamo keeps commits, read-model rows and keys in DynamoDB.
package dynamo

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Settings is what a client needs to know.
type Settings struct {
	Region      string
	Endpoint    string // "" is AWS
	Credentials aws.CredentialsProvider
}

// NewClient makes a client without reading any configuration files, which a Lambda function
// has none of and would spend its cold start looking for. What a request costs is noted in
// the stats.Record of its context.
func NewClient(s Settings, options ...func(*dynamodb.Options)) *dynamodb.Client {
	o := dynamodb.Options{
		Region:      s.Region,
		Credentials: aws.NewCredentialsCache(s.Credentials),
		HTTPClient: awshttp.NewBuildableClient().WithTimeout(2 * time.Second).WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConnsPerHost = t.MaxIdleConns // one host is all this client talks to
		}),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = 6
			o.MaxBackoff = time.Second
			o.Retryables = append(o.Retryables, retry.IsErrorRetryableFunc(contended))
			o.RateLimiter = ratelimit.None // the executor bounds retries itself
		}),
	}
	if s.Endpoint != "" {
		o.BaseEndpoint = aws.String(s.Endpoint)
	}
	metered(&o)
	return dynamodb.New(o, options...)
}

// contended makes the SDK retry what it leaves to its users: writes that failed only because
// others were at the same items at that moment, or because one item was throttled.
func contended(err error) aws.Ternary {
	passing := []string{"None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
	var put *types.TransactionConflictException
	var transaction *types.TransactionCanceledException
	switch {
	case errors.As(err, &put):
		return aws.TrueTernary
	case errors.As(err, &transaction):
		return aws.BoolTernary(!slices.ContainsFunc(transaction.CancellationReasons, func(r types.CancellationReason) bool {
			return !slices.Contains(passing, aws.ToString(r.Code))
		}))
	}
	return aws.UnknownTernary
}
