package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/localstack/scenario"
	"github.com/interview-sandbox/annals/localstack/stacktest"
)

func TestVerifyNamesWhatWasChangedUnderneath(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	ada := scenario.Register(t, s.URL(), "ada@example.com")
	// Two accounts, their addresses' claims, a session, and for each account a notification whose
	// mail is attempted and sent.
	eventually(t, "reactions have come to an end, and nothing is bad", func() bool {
		out, err := verified(s)
		return err == nil && strings.Contains(out, "verified                  7 streams, 11 commits, 0 bad")
	})
	client := dynamo.NewClient(dynamo.Settings{Region: region, Endpoint: s.Endpoints().DynamoDB, Credentials: credentials})
	stream := "user#" + ada.ID
	_, err := client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName:        aws.String("annals-events"),
		Key:              map[string]types.AttributeValue{"stream": &types.AttributeValueMemberS{Value: stream}, "version": &types.AttributeValueMemberN{Value: "1"}},
		UpdateExpression: aws.String("SET actor = :a"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":a": &types.AttributeValueMemberS{Value: "somebody else"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := verified(s); err == nil || !strings.Contains(out, "bad                       "+stream+" version 1: ") || !strings.Contains(out, "1 bad") {
		t.Errorf("changed: error %v\n%s", err, out)
	}
	operator, path := operatorOf(t, s), "/admin/streams/user%23"+ada.ID
	if a := operator.Expect(t, 200, "GET", path, nil); !strings.Contains(a.Raw, `"damaged":"its content does not fit its hash"`) {
		t.Errorf("the API shows %s", a.Raw)
	}
	a := operator.Expect(t, 200, "GET", path+"/verify", nil)
	if bad, _ := a.Body["firstBad"].(map[string]any); a.Body["ok"] != false || bad["version"] != 1.0 {
		t.Errorf("the API says %s", a.Raw)
	}
	s.Terminate()
	if out, err := verified(s); err == nil || !strings.Contains(out, "`make run` starts it") {
		t.Errorf("without a stack: error %v\n%s", err, out)
	}
}

// verified runs the command on a stack.
func verified(s *stacktest.Stack) (string, error) {
	c := exec.Command("go", "run", "./verify")
	c.Env = append(os.Environ(), "DATA_DIR="+s.DataDir)
	out, err := c.CombinedOutput()
	return string(out), err
}

func TestVerifyNamesRowsAndSnapshotsThatAreNotAsFolded(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	ada := scenario.Register(t, s.URL(), "ada@example.com")
	for i := range 12 {
		ada.Expect(t, 200, "POST", ada.Path("/email"), map[string]string{"email": fmt.Sprintf("ada%d@example.com", i)})
	}
	whole := []string{
		"accounts.1                2 rows, 0 behind, 0 parked, 0 bad\n", "sessions.1                1 rows, 0 behind, 0 parked, 0 bad\n",
		"users.1                   2 rows, 0 behind, 0 parked, 0 bad\n", "snapshots of user         1, 0 bad\n",
	}
	eventually(t, "all is projected and as folded", func() bool {
		out, err := verified(s)
		return err == nil && !slices.ContainsFunc(whole, func(line string) bool { return !strings.Contains(out, line) })
	})
	client := dynamo.NewClient(dynamo.Settings{Region: region, Endpoint: s.Endpoints().DynamoDB, Credentials: credentials})
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	for _, c := range []struct {
		table, key, value, set, says string
		to                           types.AttributeValue
	}{
		{"annals-views", "row", "users.1#" + ada.ID, "#a.email", "users.1 " + ada.ID + ": version 13 is not as folded: email", text("eve@example.com")},
		{"annals-views", "row", "users.1#" + ada.ID, "sort1", "users.1 " + ada.ID + ": version 13 is not as folded: its place in list 1, email", text("eve")},
		{"annals-views", "row", "accounts.1#total/active/7", "#n", "accounts.1 total/active/7: it is map[accounts:7], and the rows add up to map[", &types.AttributeValueMemberN{Value: "7"}},
		{"annals-snapshots", "stream", "user#" + ada.ID, "version", "snapshots of user " + ada.ID + ": version 11: it does not fit its hash", &types.AttributeValueMemberN{Value: "11"}},
	} {
		in := &dynamodb.UpdateItemInput{
			TableName: &c.table, Key: map[string]types.AttributeValue{c.key: text(c.value)},
			UpdateExpression: aws.String("SET " + c.set + " = :to"), ExpressionAttributeValues: map[string]types.AttributeValue{":to": c.to},
		}
		switch {
		case strings.HasPrefix(c.set, "#a"):
			in.ExpressionAttributeNames = map[string]string{"#a": "data"}
		case c.set == "#n":
			in.ExpressionAttributeNames = map[string]string{"#n": "n:accounts"}
		}
		if _, err := client.UpdateItem(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		if out, err := verified(s); err == nil || !strings.Contains(out, "bad                       "+c.says) {
			t.Errorf("%s of %s was changed: error %v\n%s", c.set, c.value, err, out)
		}
	}
}
