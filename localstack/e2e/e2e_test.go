//go:build e2e

package e2e

import (
	"testing"
	"time"

	"github.com/interview-sandbox/annals/localstack/scenario"
)

// leftOut are the steps that MiniStack cannot go through.
var leftOut = []struct{ name, why, instead string }{}

func TestTheAPIKeepsItsContract(t *testing.T) {
	client := scenario.Client{URL: deployed.url}
	operator := scenario.Person{Client: client, Email: deployed.operator.email, Password: deployed.operator.password}.LogIn(t)
	auditor := scenario.Register(t, deployed.url, "auditor@example.com")
	operator.Expect(t, 200, "PUT", "/users/"+auditor.ID+"/roles/auditor", nil)
	auditor = auditor.LogIn(t)
	for _, part := range scenario.Parts() {
		t.Run(part.Name, func(t *testing.T) {
			start := time.Now()
			part.Walk(t, deployed.url, "1", operator, auditor)
			say("scenario", "%-14s %s", part.Name, took(start))
		})
	}
}
