package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestAFunctionDoesWithTablesWhatItsGrantsAllow(t *testing.T) {
	database := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path != "/" || len(body) == 0 {
			t.Errorf("DynamoDB is asked at %s for %q: %v", r.URL.Path, body, err)
		}
		io.WriteString(w, "{}")
	}))
	defer database.Close()
	to, err := url.Parse(database.URL)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(granted(to, "annals"))
	defer server.Close()
	for _, c := range []struct {
		function, operation, body string
		status                    int
	}{
		{"query", "GetItem", `{"TableName":"annals-views"}`, 200},
		{"query", "PutItem", `{"TableName":"annals-views"}`, 400},
		{"query", "GetItem", `{"TableName":"annals-tries"}`, 400},
		{"query", "GetItem", `{"TableName":"other-views"}`, 400},
		{"nobody", "GetItem", `{"TableName":"annals-views"}`, 400},
		{"query", "Query", `{"TableName":"annals-views","IndexName":"list1"}`, 200},
		{"query", "Query", `{"TableName":"annals-views"}`, 400},
		{"query", "Query", `{"TableName":"annals-events"}`, 200},
		{"rebuild", "Scan", `{"TableName":"annals-views","IndexName":"list1"}`, 400},
		{"query", "BatchGetItem", `{"RequestItems":{"annals-views":{}}}`, 200},
		{"query", "BatchGetItem", `{"RequestItems":{"annals-views":{},"annals-keys":{}}}`, 400},
		{"rebuild", "BatchWriteItem", `{"RequestItems":{"annals-views":[]}}`, 200},
		{"projector", "BatchWriteItem", `{"RequestItems":{"annals-views":[]}}`, 400},
		{"projector", "TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"annals-views"}},{"Update":{"TableName":"annals-views"}}]}`, 200},
		{"projector", "TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"annals-views"}},{"Delete":{"TableName":"annals-views"}}]}`, 400},
		{"command-auth", "TransactWriteItems", `{"TransactItems":[{"ConditionCheck":{"TableName":"annals-events"}}]}`, 400},
		{"rebuild", "BatchExecuteStatement", `{"Statements":[{"Statement":"INSERT INTO \"annals-views\" VALUE {'row': ?}"}]}`, 200},
		{"rebuild", "BatchExecuteStatement", `{"Statements":[{"Statement":"DELETE FROM \"annals-views\" WHERE row = ?"}]}`, 400},
		{"projector", "BatchExecuteStatement", `{"Statements":[{"Statement":"INSERT INTO \"annals-views\" VALUE {'row': ?}"}]}`, 400},
		{"query", "GetItem", `no JSON`, 400},
	} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/"+c.function+"/", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+c.operation)
		answer, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		said, err := io.ReadAll(answer.Body)
		if answer.Body.Close(); err != nil || answer.StatusCode != c.status || (c.status == 400) != strings.Contains(string(said), "AccessDeniedException") {
			t.Errorf("%s of %s by %s is answered %d %s (%v)", c.operation, c.body, c.function, answer.StatusCode, said, err)
		}
	}
}
