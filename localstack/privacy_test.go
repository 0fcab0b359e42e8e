package main

import (
	"fmt"
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

func TestWhatIsPersonalIsInClearInViewsOnlyAndSecretsAreNowhere(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	nobody := scenario.Client{URL: s.URL()}
	created := nobody.Expect(t, 201, "POST", "/auth/users", map[string]string{"email": "before@example.com", "password": "open sesame 1", "name": "Hypatia"})
	ada := scenario.Person{Client: nobody, ID: created.Text("id"), Email: "before@example.com", Password: "open sesame 1"}
	a := nobody.Expect(t, 200, "POST", "/auth/login", map[string]string{"email": ada.Email, "password": ada.Password}, scenario.Header{Name: "User-Agent", Value: "Astrolabe/1"})
	ada.Token = a.Text("accessToken")
	for range 7 { // enough for a snapshot
		ada.Expect(t, 200, "POST", ada.Path("/email"), map[string]string{"email": "after@example.com"})
		ada.Expect(t, 200, "POST", ada.Path("/email"), map[string]string{"email": "before@example.com"})
	}
	ada.Expect(t, 200, "POST", ada.Path("/password"), map[string]string{"current": ada.Password, "new": "close sesame 2"})
	file := ada.Expect(t, 201, "POST", "/files", scenario.Announcement("Almagest 0.txt", "stars"))
	for n := range 12 {
		ada.Expect(t, 200, "PATCH", "/files/"+file.Text("id"), map[string]string{"name": fmt.Sprintf("Almagest %d.txt", n+1)})
	}
	eventually(t, "the view shows it", func() bool {
		return strings.Contains(stored(t, s, "Views"), "Almagest 12") && strings.Contains(stored(t, s, "Snapshots"), "file#"+file.Text("id")) && strings.Contains(stored(t, s, "Views"), "before@example.com") && strings.Contains(stored(t, s, "Snapshots"), "user#"+ada.ID)
	})
	if h := ada.Expect(t, 200, "GET", ada.Path("/history?limit=1"), nil); !strings.Contains(h.Raw, "before@example.com") {
		t.Errorf("the history does not tell the owner: %s", h.Raw)
	}
	personal := []string{"before@example.com", "after@example.com", "Hypatia", "Astrolabe", "Almagest"}
	secret := []string{"open sesame", "close sesame", "$argon2id", ada.Token, a.Text("refreshToken")}
	for _, table := range topology.Tables() {
		text := stored(t, s, table.ID)
		if table.ID != "Views" {
			expectNone(t, "table "+table.ID, text, personal)
		}
		expectNone(t, "table "+table.ID, text, secret)
	}
	log, err := os.ReadFile(s.DataDir + "/log")
	if err != nil || len(log) == 0 {
		t.Errorf("the log has %d bytes, error %v", len(log), err)
	}
	expectNone(t, "the log", string(log), personal)
	expectNone(t, "the log", string(log), secret)
}

func expectNone(t *testing.T, where, text string, values []string) {
	t.Helper()
	for _, v := range values {
		if strings.Contains(text, v) {
			t.Errorf("%q is in %s", v, where)
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
