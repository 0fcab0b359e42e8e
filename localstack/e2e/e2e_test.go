//go:build e2e

package e2e

import (
	"crypto/x509"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/interview-sandbox/annals/internal/app"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/localstack/scenario"
)

func TestTheAPIKeepsItsContract(t *testing.T) {
	operator := logInOperator(t)
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

func TestAccessTokensAreSignedInKMSByThePublishedKey(t *testing.T) {
	signing, err := deployed.setting(t.Context(), "command-auth", "ANNALS_SIGNING_KEYS")
	if err != nil {
		t.Fatal(err)
	}
	client := kms.New(kms.Options{Region: region, BaseEndpoint: &deployed.endpoint, Credentials: credentials})
	inKMS, err := client.GetPublicKey(t.Context(), &kms.GetPublicKeyInput{KeyId: &signing})
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.ParsePKIXPublicKey(inKMS.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	ids, published := scenario.PublishedKeys(t, deployed.url)
	if len(ids) != 1 || !published[ids[0]].Equal(key) {
		t.Fatalf("published are %v, which are not the key %s", ids, signing)
	}
	if signer := scenario.KeyOf(t, deployed.url, logInOperator(t).Token); signer != ids[0] {
		t.Errorf("the token names the key %q, published is %q", signer, ids[0])
	}
	say("signed", "by %s, published as %s", signing, ids[0])
}

func logInOperator(t *testing.T) scenario.Person {
	client := scenario.Client{URL: deployed.url}
	return scenario.Person{Client: client, Email: deployed.operator.email, Password: deployed.operator.password}.LogIn(t)
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
	// The scenario ends with an erasure under way: until its views are purged, they show a person
	// whose events tell nothing any more.
	var views []projection.Checked
	wrong := []string{"nothing was looked at"}
	for end := time.Now().Add(patience); len(wrong) > 0 && time.Now().Before(end); time.Sleep(time.Second) {
		wrong = nil
		views, err = checker.Check(t.Context(), func(f projection.Fault) { wrong = append(wrong, fmt.Sprintf("%v: %s", f.Key, f.Reason)) }, func(int) {})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range views {
			if v.Behind > 0 || v.Parked > 0 {
				wrong = append(wrong, fmt.Sprintf("%s: %d behind, %d parked", v.View, v.Behind, v.Parked))
			}
		}
	}
	if streams == 0 || len(views) == 0 || len(wrong) > 0 {
		t.Errorf("%d streams, %d views: %s", streams, len(views), strings.Join(wrong, "; "))
	}
	say("verified", "%d streams, %d views", streams, len(views))
}

// patience is how long an erasure may take.
const patience = 6 * time.Minute
