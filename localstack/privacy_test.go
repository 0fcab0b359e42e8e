package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/topology"
	"github.com/interview-sandbox/annals/localstack/scenario"
	"github.com/interview-sandbox/annals/localstack/stacktest"
)

// expectPrivate demands that, of all that was told to a stack in confidence, what is personal is
// in clear in views and mails only, and what is secret nowhere.
func expectPrivate(t *testing.T, s *stacktest.Stack) {
	t.Helper()
	writeSnapshots(t, s)
	told := scenario.ToldTo(s.URL())
	told.Secret = append(told.Secret, "$argon2id")
	t.Logf("%d personal values, %d secrets", len(told.Personal), len(told.Secret))
	if len(told.Personal) < 50 || len(told.Secret) < 50 {
		t.Error("that is not all that the scenario has told")
	}
	for _, table := range topology.Tables() {
		text := stored(t, s, table.ID)
		if table.ID != "Views" {
			expectNone(t, "table "+table.ID, text, told.Personal)
		}
		expectNone(t, "table "+table.ID, text, told.Secret)
	}
	outputs := map[string]string{"what the stack prints": s.Output()}
	files := os.DirFS(s.DataDir)
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == "mail": // which is the mailbox of those whom it concerns
			return fs.SkipDir
		case entry.IsDir(), path == "operator.json", strings.HasPrefix(path, "dynamodb.db"): // the tables
			return nil
		}
		text, err := fs.ReadFile(files, path)
		outputs["the file "+path] = string(text)
		return err
	})
	if err != nil || !strings.Contains(outputs["the file log"], "\"request\"") {
		t.Errorf("the log has no requests, error %v", err)
	}
	for where, text := range outputs {
		expectNone(t, where, text, told.Personal)
		expectNone(t, where, text, told.Secret)
	}
}

// writeSnapshots changes an account and a file so often that both have a snapshot.
func writeSnapshots(t *testing.T, s *stacktest.Stack) {
	t.Helper()
	ada := scenario.Register(t, s.URL(), "before@example.com")
	for range 7 {
		ada.Expect(t, 200, "POST", ada.Path("/email"), map[string]string{"email": "after@example.com"})
		ada.Expect(t, 200, "POST", ada.Path("/email"), map[string]string{"email": "before@example.com"})
	}
	file := ada.Expect(t, 201, "POST", "/files", scenario.Announcement("Almagest 0.txt", "stars"))
	for n := range 12 {
		ada.Expect(t, 200, "PATCH", "/files/"+file.Text("id"), map[string]string{"name": fmt.Sprintf("Almagest %d.txt", n+1)})
	}
	eventually(t, "both have a snapshot, and the views show them", func() bool {
		snapshots, views := stored(t, s, "Snapshots"), stored(t, s, "Views")
		return strings.Contains(snapshots, "user#"+ada.ID) && strings.Contains(snapshots, "file#"+file.Text("id")) &&
			strings.Contains(views, "before@example.com") && strings.Contains(views, "Almagest 12")
	})
}

// expectNone demands that none of these values is in a text, in any form that it takes in logs.
func expectNone(t *testing.T, where, text string, values []string) {
	t.Helper()
	for _, v := range values {
		quoted, _ := json.Marshal(v)
		forms := []string{v, url.QueryEscape(v), string(quoted[1 : len(quoted)-1])}
		if strings.Contains(v, "@") {
			forms = append(forms, strings.ToLower(v))
		}
		for _, form := range forms {
			if strings.Contains(text, form) {
				t.Errorf("%q is in %s", form, where)
				break
			}
		}
	}
}

// stored gives a whole table as text.
func stored(t *testing.T, s *stacktest.Stack, id string) string {
	t.Helper()
	client := dynamo.NewClient(dynamo.Settings{Region: region, Endpoint: s.Endpoints().DynamoDB, Credentials: credentials})
	var all strings.Builder
	for _, table := range topology.Tables() {
		if table.ID != id {
			continue
		}
		name := table.Name(prefix)
		for pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: &name}); pages.HasMorePages(); {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, item := range page.Items {
				text, err := attributevalue.MarshalMapJSON(item)
				if err != nil {
					t.Fatal(err)
				}
				all.Write(text)
			}
		}
	}
	return all.String()
}
