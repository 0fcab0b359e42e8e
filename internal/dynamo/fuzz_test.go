package dynamo

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

const storedCommit = `{"stream":{"S":"user#0197a0f0-0000-7000-8000-000000000001"},"version":{"N":"1"},"count":{"N":"1"},"types":{"SS":["user.role-granted.v1"]},
	"events":{"L":[{"M":{"type":{"S":"user.role-granted.v1"},"data":{"S":"{\"role\":\"auditor\"}"},"sealed":{"B":"AAEC"},"subject":{"S":"ada"}}}]},
	"commandId":{"S":"c"},"correlationId":{"S":"r"},"causationId":{"S":"x"},"actor":{"S":"a"},"trace":{"S":"00-0-0-0"},"fingerprint":{"B":"AAEC"},
	"at":{"S":"2026-01-02T03:04:05.678Z"},"prevHash":{"B":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="},"hash":{"B":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}}`

// item reads DynamoDB's JSON; what is none is an item without attributes.
func item(text []byte) map[string]types.AttributeValue {
	item, err := attributevalue.UnmarshalMapJSON(text)
	if err != nil {
		return nil
	}
	return item
}

// An item is a whole commit or damaged, and a commit is stored in one form only.
func FuzzCommit(f *testing.F) {
	f.Add([]byte(storedCommit))
	f.Add([]byte(`{"stream":{"S":"user#damaged"},"version":{"N":"18446744073709551616"},"events":{"L":[{"M":{}},{"S":""}]},"count":{"N":"-1"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Decode(item(text))
		if err != nil {
			if damaged := (*es.DamagedError)(nil); !errors.As(err, &damaged) {
				t.Errorf("error %v", err)
			}
			return
		}
		c.Uncovered = "" // is not written
		back, err := Decode(encode(c))
		if err != nil {
			t.Fatalf("%s cannot be read again: %v", text, err)
		}
		if back.ComputeHash() != c.ComputeHash() || !reflect.DeepEqual(encode(back), encode(c)) {
			t.Errorf("%+v\nbecomes\n%+v", c, back)
		}
	})
}

// What is in the table of snapshots never does more harm than not to be one.
func FuzzSnapshot(f *testing.F) {
	f.Add([]byte(`{"stream":{"S":"user#1"},"version":{"N":"7"},"at":{"S":"2026-01-02T03:04:05.678Z"},"tip":{"B":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="},
		"reducer":{"N":"1"},"shape":{"N":"4294967295"},"recent":{"B":"AAEC"},"hash":{"B":"AAEC"},"state":{"S":"{}"}}`))
	f.Add([]byte(`{"stream":{"S":"user#1"},"subject":{"S":"ada"},"sealed":{"B":""}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, ok := decodeSnapshot(item(text))
		if ok && s.Stream == "" && !strings.Contains(string(text), "stream") {
			t.Errorf("%s is a snapshot of no stream", text)
		}
		s.ComputeHash()
	})
}

type fuzzedRow struct {
	Name   string           `json:"name"`
	Count  int64            `json:"count"`
	Maybe  *string          `json:"maybe"`
	Parts  []fuzzedRow      `json:"parts"`
	Totals map[string]int64 `json:"totals"`
}

// A row is read, or told to be of another shape or damaged; its data reads as what it is stored as.
func FuzzRow(f *testing.F) {
	f.Add([]byte(`{"row":{"S":"users.1#0197a0f0-0000-7000-8000-000000000001"},"version":{"N":"3"},"parked":{"N":"4"},"list":{"S":"users.1/all"},"sort":{"S":"a"},
		"data":{"M":{"name":{"S":"Ada"},"count":{"N":"1"},"maybe":{"NULL":true},"parts":{"L":[{"M":{"name":{"S":"x"}}}]},"totals":{"M":{"a":{"N":"1"}}}}}}`))
	f.Add([]byte(`{"row":{"S":"users.1#total"},"total.users":{"N":"9223372036854775808"}}`))
	f.Add([]byte(`{"row":{"S":"users.1#x"},"version":{"N":"1"},"data":{"M":{"count":{"N":"1e999"}}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, ok, err := decodeStored(item(text))
		if err != nil || !ok || s.Decode == nil {
			return
		}
		if s.Key.View == "" && !strings.Contains(string(text), `.`) {
			t.Errorf("%s is of no view", text)
		}
		var row, back fuzzedRow
		if err := s.Decode(&row); err != nil {
			if !errors.Is(err, projection.ErrShape) {
				t.Errorf("error %v", err)
			}
			return
		}
		data, err := attributevalue.MarshalWithOptions(row, func(o *attributevalue.EncoderOptions) { o.TagKey = "json" })
		if err != nil {
			t.Fatal(err)
		}
		if err := decodeRow(map[string]types.AttributeValue{"data": data}, &back); err != nil || !reflect.DeepEqual(back, row) {
			t.Errorf("%+v becomes %+v, error %v", row, back, err)
		}
	})
}

// A place in a list is one that was given out, or [projection.ErrPlace].
func FuzzPlace(f *testing.F) {
	f.Add(encodePlace(map[string]types.AttributeValue{"row": text("users.1#ada"), "sort": text("a")}, "sort"))
	f.Add("YQ.")
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, after string) {
		key, err := decodePlace(projection.Listing{View: "users", Generation: 1, After: after}, "list", "sort")
		if err != nil {
			if !errors.Is(err, projection.ErrPlace) {
				t.Errorf("error %v", err)
			}
			return
		}
		again, err := decodePlace(projection.Listing{View: "users", Generation: 1, After: encodePlace(key, "sort")}, "list", "sort")
		if err != nil || !reflect.DeepEqual(again, key) {
			t.Errorf("%q becomes %v, error %v", after, again, err)
		}
	})
}

// Deadlines and sums are read or refused.
func FuzzItem(f *testing.F) {
	f.Add([]byte(`{"shard":{"S":"1"},"due":{"S":"2026-01-02T03:04:05.678Z#x"},"at":{"S":"2026-01-02T03:04:05.678Z"},"id":{"S":"x"},"reactor":{"S":"r"},"stream":{"S":"user#1"},"version":{"N":"1"},"effect":{"N":"18446744073709551615"}}`))
	f.Add([]byte(`{"added.commands":{"N":"1e999"},"last.age":{"N":"NaN"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		fields := item(text)
		if d, err := decodeDeadline(fields); err == nil && d.At.IsZero() && fields["at"] == nil {
			t.Errorf("a deadline without a time: %s", text)
		}
		if s, err := decodeSums(fields); err == nil && len(s.Added)+len(s.Last) > len(fields) {
			t.Errorf("%d sums of %d attributes", len(s.Added)+len(s.Last), len(fields))
		}
		if total, err := decodeTotal(fields); err == nil && len(total) > len(fields) {
			t.Errorf("%d numbers of %d attributes", len(total), len(fields))
		}
	})
}
