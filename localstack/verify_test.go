package main

import (
	"os"
	"os/exec"
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
	if out, err := verified(s); err != nil || !strings.Contains(out, "verified   5 streams, 5 commits, 0 bad") {
		t.Errorf("untouched: error %v\n%s", err, out)
	}
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
	if out, err := verified(s); err == nil || !strings.Contains(out, "bad        "+stream+" version 1: ") || !strings.Contains(out, "1 bad") {
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
}

// verified runs the command on a stack.
func verified(s *stacktest.Stack) (string, error) {
	c := exec.Command("go", "run", "./verify")
	c.Env = append(os.Environ(), "DATA_DIR="+s.DataDir)
	out, err := c.CombinedOutput()
	return string(out), err
}
