//go:build e2e

package e2e

// differences are what MiniStack does not do as AWS does, what these tests do about each, and which
// tests cover it. No step of the scenario is left out for them.
var differences = []struct{ what, here, covered string }{
	{"filter on a set", "the reactor's stream is read and the function invoked from here", "localstack/eventsource, infra/sources_test.go"},
	{"feedback of SES", "bounces and complaints are made here, of what SES has taken", "infra/stack_test.go"},
	{"forms' checksums", "added in front of S3, and the name of a link to a version", "localstack/objects"},
	{"name of the API", "asked for by a path: nobody resolves *.localhost, and /health is MiniStack's own", "infra/api_test.go"},
	{"failures in batches", "not there: partial ones, bisection, limits to retries", "localstack/eventsource"},
	{"permissions", "not there: IAM is not enforced", "infra/functions_test.go"},
	{"arm64", "functions are for " + architecture() + ", which this machine has", "infra/stack_test.go, infra/build"},
}

func sayDifferences() {
	for _, d := range differences {
		say("differs", "%-20s %-80s %s", d.what, d.here, d.covered)
	}
}
