package dynamo

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// Rows keeps the rows of all views in one table. "row" is "<view>.<generation>#<id>",
// "version" the version of the stream that the row shows, "data" the row itself, its fields
// named by their json tags, "parked" is there if its stream is parked, see [projection.Row]. A row that stands in
// the view's first list has "list1" and "sort1", and so on; an index on each pair has the
// keys only, so that it costs nothing to change a row that keeps its place.
type Rows struct {
	Client *dynamodb.Client
	Table  string
}

// ListIndex is the name of the index of a list, from 0.
func ListIndex(list int) string { return "list" + strconv.Itoa(list+1) }

// ListKey gives the names of the key attributes of the index of a list, from 0.
func ListKey(list int) (partition, sort string) {
	n := strconv.Itoa(list + 1)
	return "list" + n, "sort" + n
}

// Load implements [projection.Rows] with one GetItem.
func (r *Rows) Load(ctx context.Context, k projection.Key, into any, consistent bool) (projection.Row, error) {
	out, err := r.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &r.Table, Key: rowKey(k), ConsistentRead: &consistent})
	if err != nil {
		return projection.Row{}, unreadable("load a row", err)
	}
	if out.Item == nil {
		return projection.Row{}, nil
	}
	item := reader{item: out.Item}
	row := projection.Row{Version: es.Version(item.number("version"))}
	if out.Item["parked"] != nil {
		row.Parked = es.Version(item.number("parked"))
	}
	if item.damage != "" {
		return projection.Row{}, fmt.Errorf("row %s of view %s: attribute %s", k.ID, k.View, item.damage)
	}
	return row, decodeRow(out.Item, into)
}

// byTag makes data readable under the names that the API has for it.
func byTag(o *attributevalue.DecoderOptions) { o.TagKey = "json" }

func decodeRow(item map[string]types.AttributeValue, into any) error {
	if err := attributevalue.UnmarshalWithOptions(item["data"], into, byTag); err != nil {
		return fmt.Errorf("%w: %w", projection.ErrShape, err)
	}
	return nil
}

// Save implements [projection.Rows] with one conditional PutItem, or with one
// TransactWriteItems if totals change as well.
func (r *Rows) Save(ctx context.Context, c projection.Change) error {
	item, err := encodeRow(c)
	if err != nil {
		return err
	}
	put := &types.Put{
		TableName:                 &r.Table,
		Item:                      item,
		ConditionExpression:       aws.String("#version = :version AND attribute_not_exists(#parked)"),
		ExpressionAttributeNames:  map[string]string{"#version": "version", "#parked": "parked"},
		ExpressionAttributeValues: map[string]types.AttributeValue{":version": number(c.Was.Version)},
	}
	switch {
	case c.Was == projection.Row{}:
		put.ConditionExpression = aws.String("attribute_not_exists(#version)")
		put.ExpressionAttributeNames, put.ExpressionAttributeValues = map[string]string{"#version": "version"}, nil
	case c.Was.Parked > 0:
		put.ConditionExpression = aws.String("#version = :version AND #parked = :parked")
		put.ExpressionAttributeValues[":parked"] = number(c.Was.Parked)
	}
	if len(c.Totals) == 0 {
		_, err = r.Client.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: put.TableName, Item: put.Item, ConditionExpression: put.ConditionExpression,
			ExpressionAttributeNames: put.ExpressionAttributeNames, ExpressionAttributeValues: put.ExpressionAttributeValues,
		})
	} else {
		writes := []types.TransactWriteItem{{Put: put}}
		for _, d := range c.Totals {
			writes = append(writes, types.TransactWriteItem{Update: r.add(d)})
		}
		_, err = r.Client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
	}
	return outcomeOfSave(err)
}

// Insert implements [projection.Rows] with one BatchExecuteStatement of PartiQL inserts, which
// unlike the puts of a BatchWriteItem never replace an item, and cost no more.
func (r *Rows) Insert(ctx context.Context, changes []projection.Change) (refused []int, err error) {
	var statements []types.BatchStatementRequest
	var places []int // of the statements' changes
	for i, c := range changes {
		item, err := encodeRow(c)
		if err != nil {
			refused = append(refused, i)
			continue
		}
		statements, places = append(statements, r.insert(item)), append(places, i)
	}
	if len(statements) == 0 {
		return refused, nil
	}
	out, err := r.Client.BatchExecuteStatement(ctx, &dynamodb.BatchExecuteStatementInput{Statements: statements})
	if err != nil {
		return nil, fmt.Errorf("insert rows: %w", err)
	}
	for i, response := range out.Responses {
		if response.Error != nil {
			refused = append(refused, places[i])
		}
	}
	return refused, nil
}

func (r *Rows) insert(item map[string]types.AttributeValue) types.BatchStatementRequest {
	var names []string
	var s types.BatchStatementRequest
	for _, name := range slices.Sorted(maps.Keys(item)) {
		names, s.Parameters = append(names, "'"+name+"': ?"), append(s.Parameters, item[name])
	}
	s.Statement = aws.String(`INSERT INTO "` + r.Table + `" VALUE {` + strings.Join(names, ", ") + `}`)
	return s
}

func outcomeOfSave(err error) error {
	var failed *types.ConditionalCheckFailedException
	var contended *types.TransactionConflictException
	var canceled *types.TransactionCanceledException
	var reply smithy.APIError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failed), errors.As(err, &contended):
		return es.ErrConflict
	case errors.As(err, &reply) && reply.ErrorCode() == "ValidationException":
		return fmt.Errorf("%w: %w", projection.ErrUnfit, err)
	case errors.As(err, &canceled):
		for _, reason := range canceled.CancellationReasons {
			switch aws.ToString(reason.Code) {
			case "ConditionalCheckFailed", "TransactionConflict":
				return es.ErrConflict
			case "ValidationError":
				return fmt.Errorf("%w: %w", projection.ErrUnfit, err)
			}
		}
	}
	return fmt.Errorf("save a row: %w", err)
}

// maxRow is the largest row that is tried to be stored, in bytes of JSON; an item holds 400
// KB, names included.
const maxRow = 380 << 10

func encodeRow(c projection.Change) (map[string]types.AttributeValue, error) {
	if text, err := json.Marshal(c.Data); err == nil && len(text) > maxRow {
		return nil, fmt.Errorf("a row of %d bytes: %w", len(text), es.ErrTooLarge)
	}
	data, err := attributevalue.MarshalWithOptions(c.Data, func(o *attributevalue.EncoderOptions) { o.TagKey = "json" })
	if err != nil {
		return nil, fmt.Errorf("encode a row of view %s: %w", c.Key.View, err)
	}
	item := rowKey(c.Key)
	item["version"], item["data"] = number(c.Now.Version), data
	if c.Now.Parked > 0 {
		item["parked"] = number(c.Now.Parked)
	}
	for i, p := range c.Places {
		if !p.Nowhere() {
			partition, sort := ListKey(i)
			item[partition], item[sort] = text(list(c.Key.View, c.Key.Generation, p.Partition)), text(p.Sort)
		}
	}
	return item, nil
}

// add is commutative, so that no total has to be read before it is changed.
func (r *Rows) add(d projection.Delta) *types.Update {
	u := &types.Update{
		TableName:                 &r.Table,
		Key:                       rowKey(d.Key),
		ExpressionAttributeNames:  map[string]string{},
		ExpressionAttributeValues: map[string]types.AttributeValue{},
	}
	var terms []string
	for name, n := range d.Add {
		i := strconv.Itoa(len(terms))
		u.ExpressionAttributeNames["#n"+i] = totalPrefix + name
		u.ExpressionAttributeValues[":n"+i] = &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
		terms = append(terms, "#n"+i+" :n"+i)
	}
	u.UpdateExpression = aws.String("ADD " + strings.Join(terms, ", "))
	return u
}

// totalPrefix keeps the names of numbers apart from the table's own.
const totalPrefix = "n:"

// Total implements [projection.Rows] with one GetItem.
func (r *Rows) Total(ctx context.Context, k projection.Key) (map[string]int64, error) {
	out, err := r.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &r.Table, Key: rowKey(k)})
	if err != nil {
		return nil, unreadable("load a total", err)
	}
	total, err := decodeTotal(out.Item)
	if err != nil {
		return nil, fmt.Errorf("read total %s of view %s: %w", k.ID, k.View, err)
	}
	return total, nil
}

func decodeTotal(item map[string]types.AttributeValue) (map[string]int64, error) {
	total := map[string]int64{}
	for name, v := range item {
		name, ok := strings.CutPrefix(name, totalPrefix)
		if n, isNumber := v.(*types.AttributeValueMemberN); ok && isNumber {
			var err error
			if total[name], err = strconv.ParseInt(n.Value, 10, 64); err != nil {
				return nil, err
			}
		}
	}
	return total, nil
}

// List implements [projection.Rows] with one Query of an index and reads of the rows it
// finds.
func (r *Rows) List(ctx context.Context, q projection.Listing, each func(func(any) error) error) (next string, err error) {
	partition, sort := ListKey(q.List)
	in := &dynamodb.QueryInput{
		TableName:                &r.Table,
		IndexName:                aws.String(ListIndex(q.List)),
		KeyConditionExpression:   aws.String("#partition = :partition"),
		ExpressionAttributeNames: map[string]string{"#partition": partition},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":partition": text(list(q.View, q.Generation, q.Partition)),
		},
		Limit: aws.Int32(int32(q.Limit)),
	}
	if q.Prefix != "" {
		in.KeyConditionExpression = aws.String("#partition = :partition AND begins_with(#sort, :prefix)")
		in.ExpressionAttributeNames["#sort"] = sort
		in.ExpressionAttributeValues[":prefix"] = text(q.Prefix)
	}
	switch {
	case q.After == "":
	case q.Veiled:
		in.ExclusiveStartKey, err = r.unveil(ctx, q, partition, sort)
	default:
		in.ExclusiveStartKey, err = decodePlace(q, partition, sort)
	}
	if err != nil {
		return "", err
	}
	// DynamoDB refuses the whole query if the place is outside of what it asks for.
	if at, ok := in.ExclusiveStartKey[sort].(*types.AttributeValueMemberS); ok && !strings.HasPrefix(at.Value, q.Prefix) {
		return "", projection.ErrPlace
	}
	page, err := r.Client.Query(ctx, in)
	if err != nil {
		return "", unreadable("list rows", err)
	}
	var found []string
	var keys []map[string]types.AttributeValue
	for _, item := range page.Items {
		// A row that changes its place meanwhile may come twice, which BatchGetItem refuses.
		if row := item["row"].(*types.AttributeValueMemberS).Value; !slices.Contains(found, row) {
			found, keys = append(found, row), append(keys, map[string]types.AttributeValue{"row": item["row"]})
		}
	}
	rows, err := r.batch(ctx, keys, false)
	if err != nil {
		return "", err
	}
	for _, name := range found {
		row, ok := rows[name]
		if !ok {
			continue // it has gone since the index was written
		}
		if err := each(func(into any) error { return decodeRow(row, into) }); err != nil {
			return "", err
		}
	}
	if last, ok := page.LastEvaluatedKey["row"].(*types.AttributeValueMemberS); ok && q.Veiled {
		_, id, _ := strings.Cut(last.Value, "#")
		return id, nil
	}
	return encodePlace(page.LastEvaluatedKey, sort), nil
}

// unveil gives the place in a list of the row that a veiled place names.
func (r *Rows) unveil(ctx context.Context, q projection.Listing, partition, sort string) (map[string]types.AttributeValue, error) {
	key := rowKey(projection.Key{View: q.View, Generation: q.Generation, ID: q.After})
	out, err := r.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &r.Table, Key: key})
	if err != nil {
		return nil, unreadable("find a place", err)
	}
	in, ok := out.Item[partition].(*types.AttributeValueMemberS)
	if !ok || in.Value != list(q.View, q.Generation, q.Partition) {
		return nil, projection.ErrPlace
	}
	return map[string]types.AttributeValue{"row": key["row"], partition: in, sort: out.Item[sort]}, nil
}

// LoadAll implements [projection.StoredRows] with BatchGetItems.
func (r *Rows) LoadAll(ctx context.Context, keys []projection.Key) (map[projection.Key]projection.Stored, error) {
	var wanted []map[string]types.AttributeValue
	for _, k := range keys {
		wanted = append(wanted, rowKey(k))
	}
	items, err := r.batch(ctx, wanted, true)
	if err != nil {
		return nil, err
	}
	all := map[projection.Key]projection.Stored{}
	for _, item := range items {
		s, ok, err := decodeStored(item)
		if err != nil {
			return nil, err
		}
		if ok {
			all[s.Key] = s
		}
	}
	return all, nil
}

// ScanAll implements [projection.StoredRows] with a parallel scan.
func (r *Rows) ScanAll(ctx context.Context, part, parts int) iter.Seq2[projection.Stored, error] {
	return func(yield func(projection.Stored, error) bool) {
		in := &dynamodb.ScanInput{
			TableName: &r.Table, ConsistentRead: aws.Bool(true),
			Segment: aws.Int32(int32(part)), TotalSegments: aws.Int32(int32(parts)),
		}
		for {
			page, err := r.Client.Scan(ctx, in)
			if err != nil {
				yield(projection.Stored{}, unreadable("scan the rows", err))
				return
			}
			for _, item := range page.Items {
				s, ok, err := decodeStored(item)
				if (ok || err != nil) && !yield(s, err) || err != nil {
					return
				}
			}
			if in.ExclusiveStartKey = page.LastEvaluatedKey; page.LastEvaluatedKey == nil {
				return
			}
		}
	}
}

// decodeStored reads a row or a total; ok is false if the item is neither.
func decodeStored(item map[string]types.AttributeValue) (s projection.Stored, ok bool, err error) {
	at := reader{item: item}
	row := at.text("row")
	view, rest, _ := strings.Cut(row, ".")
	generation, id, hasID := strings.Cut(rest, "#")
	n, err := strconv.Atoi(generation)
	if err != nil || !hasID || strings.HasPrefix(row, partPrefix) {
		return s, false, nil
	}
	s.Key = projection.Key{View: view, Generation: n, ID: id}
	if item["version"] == nil {
		s.Total, err = decodeTotal(item)
		return s, true, err
	}
	s.Row.Version = es.Version(at.number("version"))
	if item["parked"] != nil {
		s.Row.Parked = es.Version(at.number("parked"))
	}
	for i := range s.Places {
		partition, sort := ListKey(i)
		s.Places[i].Partition, _ = strings.CutPrefix(at.optional(partition), list(view, n, ""))
		s.Places[i].Sort = at.optional(sort)
	}
	if at.damage != "" {
		return s, false, fmt.Errorf("row %s of view %s: attribute %s", id, view, at.damage)
	}
	s.Decode = func(into any) error { return decodeRow(item, into) }
	return s, true, nil
}

// batch reads rows by their keys.
func (r *Rows) batch(ctx context.Context, keys []map[string]types.AttributeValue, consistent bool) (map[string]map[string]types.AttributeValue, error) {
	rows := map[string]map[string]types.AttributeValue{}
	for len(keys) > 0 {
		now := keys[:min(len(keys), 100)] // what one BatchGetItem takes
		out, err := r.Client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{r.Table: {Keys: now, ConsistentRead: &consistent}}})
		if err != nil {
			return nil, unreadable("read rows", err)
		}
		for _, row := range out.Responses[r.Table] {
			rows[row["row"].(*types.AttributeValueMemberS).Value] = row
		}
		keys = append(keys[len(now):], out.UnprocessedKeys[r.Table].Keys...)
	}
	return rows, nil
}

// Purge implements [projection.Rows] with one Scan of the keys of what the view has, whatever
// generation it is of, and BatchWriteItems. A place is the key of the last item before it.
func (r *Rows) Purge(ctx context.Context, view string, dropped func(int) bool, after []byte) (next []byte, err error) {
	in := &dynamodb.ScanInput{
		TableName: &r.Table, ConsistentRead: aws.Bool(true),
		ProjectionExpression:     aws.String("#row"),
		FilterExpression:         aws.String("begins_with(#row, :rows) OR begins_with(#row, :parts)"),
		ExpressionAttributeNames: map[string]string{"#row": "row"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":rows": text(view + "."), ":parts": text(partPrefix + view + "."),
		},
	}
	if after != nil {
		in.ExclusiveStartKey = map[string]types.AttributeValue{"row": text(string(after))}
	}
	page, err := r.Client.Scan(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("look for rows to purge: %w", err)
	}
	var gone []types.WriteRequest
	for _, key := range page.Items {
		if generation, ok := generationOf(key["row"].(*types.AttributeValueMemberS).Value, view); ok && dropped(generation) {
			gone = append(gone, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: key}})
		}
	}
	if err := r.delete(ctx, gone); err != nil {
		return nil, err
	}
	if last := page.LastEvaluatedKey; last != nil {
		next = []byte(last["row"].(*types.AttributeValueMemberS).Value)
	}
	return next, nil
}

// generationOf reads the generation out of the key of a row or of a part of a rebuild. That
// of a purge is none.
func generationOf(row, view string) (generation int, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(row, partPrefix), view+".")
	digits, _, hasID := strings.Cut(rest, "#")
	generation, err := strconv.Atoi(digits)
	return generation, ok && hasID && err == nil && generation > 0
}

func (r *Rows) delete(ctx context.Context, gone []types.WriteRequest) error {
	for len(gone) > 0 {
		now := gone[:min(len(gone), 25)] // what one BatchWriteItem takes
		out, err := r.Client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{r.Table: now}})
		if err != nil {
			return fmt.Errorf("purge rows: %w", err)
		}
		gone = append(gone[len(now):], out.UnprocessedItems[r.Table]...)
	}
	return nil
}

// A place in a list is the row's key and the sort key of the index, which together with the
// partition is where a query of the index can go on.
func encodePlace(key map[string]types.AttributeValue, sort string) string {
	row, _ := key["row"].(*types.AttributeValueMemberS)
	at, _ := key[sort].(*types.AttributeValueMemberS)
	if row == nil || at == nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(row.Value)) + "." + base64.RawURLEncoding.EncodeToString([]byte(at.Value))
}

// The largest keys, in bytes, that DynamoDB takes.
const (
	maxPartitionKey = 2048
	maxSortKey      = 1024
)

func decodePlace(q projection.Listing, partition, sort string) (map[string]types.AttributeValue, error) {
	row, at, _ := strings.Cut(q.After, ".")
	rowKey, err := base64.RawURLEncoding.DecodeString(row)
	sortKey, err2 := base64.RawURLEncoding.DecodeString(at)
	if err != nil || err2 != nil || len(rowKey) == 0 || len(sortKey) == 0 || len(rowKey) > maxPartitionKey || len(sortKey) > maxSortKey {
		return nil, projection.ErrPlace
	}
	return map[string]types.AttributeValue{
		"row": text(string(rowKey)), sort: text(string(sortKey)),
		partition: text(list(q.View, q.Generation, q.Partition)),
	}, nil
}

func list(view string, generation int, partition string) string {
	return fmt.Sprintf("%s.%d/%s", view, generation, partition)
}

func rowKey(k projection.Key) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"row": text(fmt.Sprintf("%s.%d#%s", k.View, k.Generation, k.ID))}
}
