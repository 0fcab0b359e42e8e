//go:build sam

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/interview-sandbox/annals/localstack/rie"
	"github.com/interview-sandbox/annals/localstack/stacktest"
)

// answers has what each payload is answered, or a part of it that tells it from any other answer,
// in an order in which they can be invoked.
var answers = []struct{ payload, want string }{
	{"command-auth/create-user", `"statusCode":201`},
	{"command-auth/login", `\"tokenType\":\"Bearer\"`},
	{"command-user/update-profile", `"statusCode":200`},
	{"command-file/announce-file", `"statusCode":201`},
	{"command-payment/request-payment", `"statusCode":202`},
	{"command-payment/webhook-unsigned", `/problems/bad-signature`},
	{"command-notification/set-preferences", `"statusCode":200`},
	{"command-operator/redrive", `"statusCode":200`},
	{"query/health", `"statusCode":200`},
	{"query/openapi", `\"openapi\":\"3.1`},
	{"query/no-such-route", `/problems/no-such-route`},
	{"query/get-user", `\"name\":\"Ada King\"`},
	{"query/list-payments", `"statusCode":200`},
	{"query/list-streams", `user#`},
	{"query/stranger", `/problems/not-found`},
	{"query/no-token", `/problems/unauthenticated`},
	{"authorizer/no-token", `{"isAuthorized":true}`},
	{"authorizer/bad-token", `"reason":"This access token is not valid."`},
	{"bootstrap/open-office", `"token":"`},
	{"projector/role-granted", `{"batchItemFailures":[]}`},
	{"reactor/payment-requested", `{"batchItemFailures":[]}`},
	{"clock/every-minute", `{}`},
	{"rebuild/watch", `null`},
	{"uploads/object-stored", `{}`},
	{"uploads/test-event", `{}`},
	{"feedback/bounce", `{}`},
}

// TestEveryPayloadIsAnsweredUnderTheEmulator invokes the built program of each function with each
// of its payloads under the Lambda Runtime Interface Emulator.
func TestEveryPayloadIsAnsweredUnderTheEmulator(t *testing.T) {
	s := stacktest.Start(t)
	emulator, err := rie.Find("../build/python/sam")
	if err != nil {
		t.Fatal(err)
	}
	var environment map[string][]string
	text, err := os.ReadFile(filepath.Join(s.DataDir, "environment.json"))
	if err == nil {
		err = json.Unmarshal(text, &environment)
	}
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]bool{}
	paths, err := filepath.Glob("../events/payloads/*/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("there are %d payloads, error %v", len(paths), err)
	}
	for _, path := range paths {
		name := filepath.Base(filepath.Dir(path)) + "/" + strings.TrimSuffix(filepath.Base(path), ".json")
		left[name] = true
	}
	for _, a := range answers {
		delete(left, a.payload)
		t.Run(a.payload, func(t *testing.T) {
			payload, err := os.ReadFile(filepath.Join("../events/payloads", a.payload+".json"))
			if err != nil {
				t.Fatal(err)
			}
			function := filepath.Dir(a.payload)
			var log bytes.Buffer
			answer, err := rie.Invoke(t.Context(), emulator, rie.Function{Program: "../build/native/" + function, Env: environment[function], Log: &log}, payload)
			if err != nil || !strings.Contains(string(answer), a.want) || strings.Contains(string(answer), "errorMessage") {
				t.Errorf("got %s, error %v, want %s; it logged\n%s", answer, err, a.want, &log)
			}
		})
	}
	for name := range left {
		t.Errorf("%s is a payload whose answer is not stated", name)
	}
}
