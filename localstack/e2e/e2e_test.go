//go:build e2e

package e2e

import (
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/app"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/localstack/scenario"
)

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

func TestEverythingStoredIsAsItWasWrittenAndAsTheEventsMakeIt(t *testing.T) {
	checker, store, err := app.Checker(deployed.config)
	if err != nil {
		t.Fatal(err)
	}
	streams := 0
	if err := es.Sweep(t.Context(), store, 1, func(r es.Report) {
		streams++
		if !r.OK() {
			t.Errorf("%s is not as it was written: %+v", r.Stream, r.FirstBad)
		}
	}); err != nil {
		t.Fatal(err)
	}
	var views []projection.Checked
	behind := 1
	for end := time.Now().Add(patience); behind > 0 && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if views, err = checker.Check(t.Context(), func(f projection.Fault) { t.Errorf("%v: %s", f.Key, f.Reason) }, func(int) {}); err != nil {
			t.Fatal(err)
		}
		behind = 0
		for _, v := range views {
			behind += v.Behind
			if v.Parked > 0 {
				t.Errorf("%s has %d streams that it cannot follow", v.View, v.Parked)
			}
		}
	}
	if streams == 0 || len(views) == 0 || behind > 0 {
		t.Errorf("%d streams in %d views are behind by %d", streams, len(views), behind)
	}
	say("verified", "%d streams, %d views", streams, len(views))
}

// patience is how long the views may need.
const patience = 30 * time.Second
