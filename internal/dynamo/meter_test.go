package dynamo_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/interview-sandbox/annals/internal/es"
)

// meter adds up what requests cost, as the database itself says.
type meter struct {
	requests    int
	read, write float64 // capacity units
}

func (m *meter) use(o *dynamodb.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("meter", m.measure), middleware.Before)
	})
}

func (m *meter) measure(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	m.requests++
	switch p := in.Parameters.(type) {
	case *dynamodb.PutItemInput:
		p.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	case *dynamodb.TransactWriteItemsInput:
		p.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	case *dynamodb.QueryInput:
		p.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	case *dynamodb.GetItemInput:
		p.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	}
	out, metadata, err := next.HandleInitialize(ctx, in)
	switch r := out.Result.(type) {
	case *dynamodb.PutItemOutput:
		m.write += units(r.ConsumedCapacity)
	case *dynamodb.TransactWriteItemsOutput:
		for _, c := range r.ConsumedCapacity {
			m.write += units(&c)
		}
	case *dynamodb.QueryOutput:
		m.read += units(r.ConsumedCapacity)
	case *dynamodb.GetItemOutput:
		m.read += units(r.ConsumedCapacity)
	}
	return out, metadata, err
}

func units(c *types.ConsumedCapacity) float64 {
	if c == nil || c.CapacityUnits == nil {
		return 0
	}
	return *c.CapacityUnits
}

func TestEveryRequestCostsWhatTheDesignSays(t *testing.T) {
	used := new(meter)
	s := store(used.use)
	for _, step := range []struct {
		name string
		do   func() error
		want meter
	}{
		{"append to one stream", func() error { return s.Append(t.Context(), commit(t, "user#price")) }, meter{1, 0, 1}},
		{"append to two streams", func() error {
			return s.Append(t.Context(), commit(t, "user#price-2"), commit(t, "email#price-2"))
		}, meter{1, 0, 4}},
		{"read a short stream", func() error { return drain(t, s, "user#price") }, meter{1, 1, 0}},
		{"read no stream", func() error { return drain(t, s, "user#nobody") }, meter{1, 1, 0}},
	} {
		*used = meter{}
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if *used != step.want {
			t.Errorf("%s cost %+v, want %+v", step.name, *used, step.want)
		}
	}
}

func drain(t *testing.T, s es.Store, stream es.Stream) error {
	for _, err := range s.Read(t.Context(), stream, es.Range{}) {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestACommitNearTheLimitOfAnItemIsRefusedWithoutARequest(t *testing.T) {
	used := new(meter)
	p := named(t, "user#large", strings.Repeat("x", es.MaxCommitBytes))
	if err := store(used.use).Append(t.Context(), p); err == nil || used.requests != 0 {
		t.Errorf("got error %v after %d requests, want a refusal without any", err, used.requests)
	}
}

func TestTheLargestCommitThatIsNotRefusedFitsAnItem(t *testing.T) {
	p := named(t, "user#largest", strings.Repeat("x", es.MaxCommitBytes-500))
	if err := store().Append(t.Context(), p); err != nil {
		t.Errorf("got %v, want success", err)
	}
}
