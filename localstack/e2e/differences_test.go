//go:build e2e

package e2e

import (
	"flag"
	"regexp"
	"strings"
)

// leftOut are the steps that MiniStack cannot go through, and where they are gone through.
var leftOut = []struct{ part, step, why, covered string }{
	{"files", "S3 takes no form whose policy somebody has changed", "forms' signatures are not checked", "localstack/api_test.go, localstack/objects"},
}

// differences are what else MiniStack does not do as AWS does, what these tests do about each, and
// which tests cover it.
var differences = []struct{ what, here, covered string }{
	{"filter on a set", "the reactor's stream is read and the function invoked from here", "localstack/eventsource, infra/sources_test.go"},
	{"feedback of SES", "bounces and complaints are made here, of what SES has taken", "infra/stack_test.go"},
	{"forms' checksums", "added in front of S3, and the name of a link to a version", "localstack/objects"},
	{"name of the API", "asked for by a path: nobody resolves *.localhost, and /health is MiniStack's own", "infra/api_test.go"},
	{"alarms", "kept, also those on expressions, which is added to MiniStack; nobody measures", "infra/alarms_test.go"},
	{"failures in batches", "not there: partial ones, bisection, limits to retries", "localstack/eventsource"},
	{"permissions", "not there: neither IAM nor policies of keys are enforced", "infra/functions_test.go, infra/security_test.go, localstack/grants_test.go"},
	{"arm64", "functions are for " + architecture() + ", which this machine has", "infra/stack_test.go, infra/build"},
}

// leaveOut takes the steps that are left out from the tests, and says so and what else differs.
func leaveOut() error {
	var patterns []string
	for _, l := range leftOut {
		say("left out", "%s: %s: %s; covered by %s", l.part, l.step, l.why, l.covered)
		patterns = append(patterns, "^TestTheAPIKeepsItsContract$/^"+l.part+"$/^"+regexp.QuoteMeta(strings.ReplaceAll(l.step, " ", "_"))+"$")
	}
	for _, d := range differences {
		say("differs", "%-20s %-80s %s", d.what, d.here, d.covered)
	}
	return flag.Set("test.skip", strings.Join(patterns, "|"))
}
