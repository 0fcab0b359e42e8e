package main

import (
	"strconv"
	"testing"

	"github.com/interview-sandbox/annals/internal/topology"
	"github.com/interview-sandbox/annals/localstack/scenario"
)

// unseen is what the scenario does not bring about, with the reason.
var unseen = map[string]string{
	"GET /admin/streams/{stream}/state stream-damaged":     "nothing that a client can do damages a stream",
	"POST /files file-exists":                              "a repeat is known until the file has changed 200 times",
	"POST /payments/webhooks/{provider} 200":               "the sandbox alone can sign what is taken",
	"POST /payments/webhooks/{provider} impossible-report": "the sandbox tells nothing that cannot be",
	"POST /payments/{id}/refunds too-many-refunds":         "it takes fifty refunds",
	"PUT /files/{id}/shares/{userId} too-many-shares":      "it takes fifty people",
}

// anywhere are the refusals that many routes share, each of which some route has to give.
var anywhere = []string{"malformed", "unauthenticated", "not-found", "forbidden", "version-mismatch", "idempotency-key-reused", "body-too-large", "too-many-tries"}

// expectCovered demands that the scenario has had from every route every answer that it declares.
func expectCovered(t *testing.T, url string) {
	t.Helper()
	all := scenario.Seen(url)
	somewhere := map[string]bool{}
	for _, r := range topology.API() {
		var declared []string
		for _, status := range r.Statuses {
			declared = append(declared, strconv.Itoa(status))
		}
		for _, refusal := range r.Refusals {
			declared = append(declared, refusal.Code)
		}
		for _, answer := range declared {
			switch _, exempt := unseen[r.Key()+" "+answer]; {
			case !exempt && !all[r.Key()][answer]:
				t.Errorf("%s was never answered with %s", r.Key(), answer)
			case exempt && all[r.Key()][answer]:
				t.Errorf("%s was answered with %s, which is no longer to be listed as unseen", r.Key(), answer)
			}
		}
		for answer := range all[r.Key()] {
			somewhere[answer] = true
		}
	}
	for _, slug := range anywhere {
		if !somewhere[slug] {
			t.Errorf("no request was refused with %s", slug)
		}
	}
}
