package main

import (
	"crypto/elliptic"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/interview-sandbox/annals/internal/app"
	"github.com/interview-sandbox/annals/internal/app/all"
	"github.com/interview-sandbox/annals/internal/keys"
	"github.com/interview-sandbox/annals/internal/kms/kmstest"
	"github.com/interview-sandbox/annals/internal/token/tokentest"
	"github.com/interview-sandbox/annals/internal/topology"
	"github.com/interview-sandbox/annals/localstack/front"
	"github.com/interview-sandbox/annals/localstack/function"
	"github.com/interview-sandbox/annals/localstack/scenario"
	"github.com/interview-sandbox/annals/localstack/stacktest"
	"github.com/interview-sandbox/annals/localstack/tables"
)

// A restart is what a deployment is in AWS.
func TestASigningKeyIsReplacedWithoutAnybodyNoticing(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t, "SIGNING_KEYS=old")
	ada := scenario.Register(t, s.URL(), "ada@example.com")
	login := func() scenario.Answer {
		return scenario.Client{URL: s.URL()}.Expect(t, 200, "POST", "/auth/login", map[string]string{"email": ada.Email, "password": ada.Password})
	}
	refresh := func(a scenario.Answer) scenario.Answer {
		return scenario.Client{URL: s.URL()}.Expect(t, 200, "POST", "/auth/token", map[string]string{"refreshToken": a.Text("refreshToken")})
	}
	keyOf := func(a scenario.Answer) string { return scenario.KeyOf(t, s.URL(), a.Text("accessToken")) }
	wantPublished := func(want ...string) {
		t.Helper()
		if ids, _ := scenario.PublishedKeys(t, s.URL()); !slices.Equal(ids, want) {
			t.Errorf("published are %v, want %v", ids, want)
		}
	}
	with := func(a scenario.Answer) scenario.Client {
		return scenario.Client{URL: s.URL(), Token: a.Text("accessToken")}
	}
	redeploy := func(list string) {
		s.Terminate()
		s.Restart("SIGNING_KEYS=" + list)
	}

	before := login()
	old := keyOf(before)
	wantPublished(old)

	redeploy("old,new") // the new key is published
	ids, _ := scenario.PublishedKeys(t, s.URL())
	if len(ids) != 2 || ids[0] != old || ids[1] == old {
		t.Fatalf("published are %v", ids)
	}
	young := ids[1]
	with(before).Expect(t, 200, "GET", ada.Path(""), nil)
	if key := keyOf(login()); key != old {
		t.Errorf("the key %s signs already", key)
	}

	redeploy("new,old") // it signs
	wantPublished(young, old)
	with(before).Expect(t, 200, "GET", ada.Path(""), nil)
	during := login()
	with(during).Expect(t, 200, "GET", ada.Path(""), nil)
	if key := keyOf(during); key != young {
		t.Errorf("the key %s still signs", key)
	}

	redeploy("new") // the old one is gone
	wantPublished(young)
	with(before).Refuse(t, 401, "unauthenticated", "GET", ada.Path(""), nil)
	with(during).Expect(t, 200, "GET", ada.Path(""), nil)
	after := refresh(before)
	with(after).Expect(t, 200, "GET", ada.Path(""), nil)
	if key := keyOf(after); key != young {
		t.Errorf("a refreshed token is signed by %s", key)
	}
}

func TestForgedTokensAreRefusedWith401AndWrittenNowhere(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	ada := scenario.Register(t, s.URL(), "ada@example.com")
	open := func(path string) *keys.SigningFile {
		key, err := keys.OpenSigningFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	path := filepath.Join(s.DataDir, "signing", "1.pem")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the signing key is %v, error %v", info, err)
	}
	f := tokentest.Forger{Key: open(path), Retired: open(filepath.Join(t.TempDir(), "0.pem")), User: ada.ID, Now: time.Now()}
	valid, err := f.Valid(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	scenario.Client{URL: s.URL(), Token: valid}.Expect(t, 200, "GET", ada.Path(""), nil)
	forged, err := f.Forged(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	delete(forged, "empty") // is no header at all
	var tokens []string
	for what, token := range forged {
		t.Run(what, func(t *testing.T) {
			a := scenario.Client{URL: s.URL(), Token: token}.Refuse(t, 401, "unauthenticated", "GET", ada.Path(""), nil)
			if got := a.Header.Get("WWW-Authenticate"); got != `Bearer realm="annals", error="invalid_token"` {
				t.Errorf("WWW-Authenticate: %s", got)
			}
		})
		tokens = append(tokens, token)
	}
	log, err := os.ReadFile(filepath.Join(s.DataDir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	expectNone(t, "the log", string(log), append(tokens, valid))
}

func TestInKMSEachLoginIsOneSignature(t *testing.T) {
	t.Parallel()
	kms := new(kmstest.Server)
	api := deployWithKMS(t, kms, 2)
	ada := scenario.Register(t, api, "ada@example.com")
	ada.Expect(t, 200, "GET", ada.Path(""), nil)
	scenario.KeyOf(t, api, ada.Token)
	if signs, publics := kms.Calls("Sign"), kms.Calls("GetPublicKey"); signs != 1 || publics != 4 {
		t.Errorf("a login cost %d signatures; %d public halves were asked for, want 1 by who signs, 1 by who checks, and 2 to publish", signs, publics)
	}
	const logins = 3
	for range logins {
		ada = ada.LogIn(t)
		ada.Expect(t, 200, "GET", ada.Path(""), nil)
		scenario.KeyOf(t, api, ada.Token)
	}
	if signs, publics := kms.Calls("Sign"), kms.Calls("GetPublicKey"); signs != logins || publics != 0 {
		t.Errorf("%d logins cost %d signatures and %d requests for public halves", logins, signs, publics)
	}

	kms.Fail(1)
	ada.LogIn(t)
	if signs := kms.Calls("Sign"); signs != 2 {
		t.Errorf("a failure in passing was followed by %d tries in all", signs)
	}
	kms.Fail(100)
	ada.Refuse(t, 503, "unavailable", "POST", "/auth/login", map[string]string{"email": ada.Email, "password": ada.Password})
	kms.Fail(0)
	ada.LogIn(t)
}

// deployWithKMS serves the API as far as accounts go, with so many signing keys in a KMS.
func deployWithKMS(t *testing.T, kms *kmstest.Server, signing int) (api string) {
	t.Helper()
	database := startDynoxide(t)
	if err := tables.Create(t.Context(), client(database.URL()), prefix); err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(database.URL())
	if err != nil {
		t.Fatal(err)
	}
	others := httputil.NewSingleHostReverseProxy(to)
	config := app.Config{
		Prefix: prefix, Region: region, Credentials: credentials, KMSKey: "wrapping", Buckets: bucketNames(),
		Now: time.Now, Rand: rand.Reader, Log: slog.New(slog.NewJSONHandler(t.Output(), nil)),
		Endpoint: serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if kmstest.Takes(r) {
				kms.ServeHTTP(w, r)
			} else {
				others.ServeHTTP(w, r)
			}
		})),
	}
	for range signing {
		arn, err := kms.NewSigningKey(elliptic.P256())
		if err != nil {
			t.Fatal(err)
		}
		config.SigningKeys = append(config.SigningKeys, arn)
	}
	functions := map[string]lambda.Handler{}
	for _, declared := range topology.Functions() {
		if slices.Contains([]string{"command-auth", "query", topology.Authorizer}, declared.Name) {
			built, err := all.Functions()[declared.Name](t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			functions[declared.Name] = function.New(declared, built)
		}
	}
	return serve(t, front.New(topology.Routes(), functions, config.Log))
}
