package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/interview-sandbox/annals/internal/stats"
)

// Stats keeps sums in a table: an item for each "part" and "period", with an attribute for
// each number. "expires" tells DynamoDB when it may delete the item.
type Stats struct {
	Client *dynamodb.Client
	Table  string
}

// What the names of numbers begin with.
const (
	addedPrefix = "n:"
	lastPrefix  = "l:"
)

// Add implements [stats.Store] with one UpdateItem: one write unit for each KB of the item,
// which has less than one, unless a projector has more than about five views.
func (s *Stats) Add(ctx context.Context, k stats.Key, sums stats.Sums, expires time.Time) error {
	in := &dynamodb.UpdateItemInput{
		TableName:                 &s.Table,
		Key:                       map[string]types.AttributeValue{"part": text(k.Part), "period": text(k.Period)},
		ExpressionAttributeNames:  map[string]string{},
		ExpressionAttributeValues: map[string]types.AttributeValue{},
	}
	var adds, sets []string
	place := func(name string, n float64) (string, string) {
		i := strconv.Itoa(len(adds) + len(sets))
		in.ExpressionAttributeNames["#"+i] = name
		in.ExpressionAttributeValues[":"+i] = &types.AttributeValueMemberN{Value: strconv.FormatFloat(n, 'f', -1, 64)}
		return "#" + i, ":" + i
	}
	for name, n := range sums.Added {
		at, value := place(addedPrefix+name, n)
		adds = append(adds, at+" "+value)
	}
	for name, n := range sums.Last {
		at, value := place(lastPrefix+name, n)
		sets = append(sets, at+" = "+value)
	}
	if !expires.IsZero() {
		at, value := place("expires", float64(expires.Unix()))
		sets = append(sets, at+" = "+value)
	}
	expression := ""
	if len(adds) > 0 {
		expression += "ADD " + strings.Join(adds, ", ")
	}
	if len(sets) > 0 {
		expression += " SET " + strings.Join(sets, ", ")
	}
	in.UpdateExpression = &expression
	if _, err := s.Client.UpdateItem(ctx, in); err != nil {
		return fmt.Errorf("store sums: %w", err)
	}
	return nil
}

// Load implements [stats.Store] with one Query.
func (s *Stats) Load(ctx context.Context, part, from, through string) (all []stats.Sums, err error) {
	pages := dynamodb.NewQueryPaginator(s.Client, &dynamodb.QueryInput{
		TableName:                 &s.Table,
		KeyConditionExpression:    aws.String("#part = :part AND #period BETWEEN :from AND :through"),
		ExpressionAttributeNames:  map[string]string{"#part": "part", "#period": "period"},
		ExpressionAttributeValues: map[string]types.AttributeValue{":part": text(part), ":from": text(from), ":through": text(through)},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, unreadable("load sums", err)
		}
		for _, item := range page.Items {
			sums, err := decodeSums(item)
			if err != nil {
				return nil, err
			}
			all = append(all, sums)
		}
	}
	return all, nil
}

func decodeSums(item map[string]types.AttributeValue) (s stats.Sums, err error) {
	s = stats.Sums{Added: map[string]float64{}, Last: map[string]float64{}}
	for name, value := range item {
		n, ok := value.(*types.AttributeValueMemberN)
		into := s.Added
		short, found := strings.CutPrefix(name, addedPrefix)
		if !found {
			short, found = strings.CutPrefix(name, lastPrefix)
			into = s.Last
		}
		if !found {
			continue
		}
		if !ok {
			return s, errors.New("a sum is no number")
		}
		if into[short], err = strconv.ParseFloat(n.Value, 64); err != nil {
			return s, fmt.Errorf("read a sum: %w", err)
		}
	}
	return s, nil
}
