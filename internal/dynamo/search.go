package dynamo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/interview-sandbox/annals/internal/es"
)

// Search implements [es.Searcher] with one Scan, to which DynamoDB applies the filter. It
// costs half a read unit for each 4 KB that are looked at, 1 MB at most, whatever is found.
// There is no index to find commits by: every append would have to pay for it.
func (s *Store) Search(ctx context.Context, f es.Filter, after es.Place, look int) (found []es.Scanned, next *es.Place, err error) {
	in := &dynamodb.ScanInput{TableName: &s.Table, Limit: aws.Int32(int32(look))}
	restrict(in, f)
	if after != (es.Place{}) {
		in.ExclusiveStartKey = map[string]types.AttributeValue{"stream": text(after.Stream), "version": number(after.Version)}
	}
	found, last, err := s.scan(ctx, in)
	if err != nil || last == nil {
		return found, nil, err
	}
	key := reader{item: last}
	return found, &es.Place{Stream: es.Stream(key.text("stream")), Version: es.Version(key.number("version"))}, nil
}

// restrict says in DynamoDB's words what [es.Filter.Selects] does.
func restrict(in *dynamodb.ScanInput, f es.Filter) {
	names, values := map[string]string{}, map[string]types.AttributeValue{}
	var terms []string
	add := func(form, name string, value types.AttributeValue) {
		place := fmt.Sprintf(":%d", len(terms))
		terms = append(terms, fmt.Sprintf(form, "#"+name, place))
		names["#"+name], values[place] = name, value
	}
	if f.Prefix != "" {
		add("begins_with(%s, %s)", "stream", text(f.Prefix))
	}
	if f.First {
		add("%s = %s", "version", number(1))
	}
	if f.Actor != "" {
		add("%s = %s", "actor", text(f.Actor))
	}
	if f.CorrelationID != "" {
		add("%s = %s", "correlationId", text(f.CorrelationID))
	}
	if !f.From.IsZero() {
		up := f.From.UTC().Add(time.Millisecond - 1) // Format cuts off what is below a millisecond
		add("%s >= %s", "at", text(up.Format(timeForm)))
	}
	if !f.To.IsZero() {
		add("%s <= %s", "at", text(f.To.UTC().Format(timeForm)))
	}
	if len(terms) > 0 {
		in.FilterExpression = aws.String(strings.Join(terms, " AND "))
		in.ExpressionAttributeNames, in.ExpressionAttributeValues = names, values
	}
}
