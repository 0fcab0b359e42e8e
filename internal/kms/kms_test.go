package kms_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/kms"
	"github.com/interview-sandbox/annals/internal/kms/kmstest"
	"github.com/interview-sandbox/annals/internal/token"
)

func start(t *testing.T) (*kmstest.Server, *awskms.Client) {
	t.Helper()
	server := new(kmstest.Server)
	listening := httptest.NewServer(server)
	t.Cleanup(listening.Close)
	return server, awskms.New(awskms.Options{
		Region: "us-east-1", BaseEndpoint: &listening.URL, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	})
}

func signingKey(t *testing.T, s *kmstest.Server, client *awskms.Client, curve elliptic.Curve) *kms.SigningKey {
	t.Helper()
	arn, err := s.NewSigningKey(curve)
	if err != nil {
		t.Fatal(err)
	}
	return &kms.SigningKey{Client: client, KeyID: arn}
}

func TestKMSSignsADigestAndItsPublicHalfVerifiesIt(t *testing.T) {
	server, client := start(t)
	key := signingKey(t, server, client, elliptic.P256())
	digest := sha256.Sum256([]byte("what is signed"))
	signature, err := key.Sign(t.Context(), digest[:])
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.Public(t.Context())
	if err != nil || !ecdsa.VerifyASN1(public, digest[:], signature) {
		t.Errorf("the signature %x does not fit, error %v", signature, err)
	}
}

func TestATokenThatKMSSignsIsValidAndCostsOneSignature(t *testing.T) {
	server, client := start(t)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	clock := func() time.Time { return now }
	keys := token.NewKeys(clock, signingKey(t, server, client, elliptic.P256()), signingKey(t, server, client, elliptic.P256()))
	issuer, verifier := token.Issuer{Keys: keys}, token.Verifier{Keys: keys, Now: clock}
	const tokens = 3
	for range tokens {
		issued, err := issuer.Issue(t.Context(), api.Caller{ID: "0197a0f0-0000-7000-8000-000000000001"}, now)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := verifier.Verify(t.Context(), issued); err != nil {
			t.Errorf("it is refused: %v", err)
		}
	}
	if signs, publics := server.Calls("Sign"), server.Calls("GetPublicKey"); signs != tokens || publics != 1 {
		t.Errorf("%d tokens cost %d signatures and %d requests for public halves", tokens, signs, publics)
	}
}

func TestWhatKMSRefusesIsAnError(t *testing.T) {
	server, client := start(t)
	if key, err := signingKey(t, server, client, elliptic.P384()).Public(t.Context()); err != nil || key.Curve == elliptic.P256() {
		t.Errorf("another curve is told as %v, error %v", key, err)
	}
	unknown := &kms.SigningKey{Client: client, KeyID: "arn:aws:kms:us-east-1:000000000000:key/unknown"}
	if key, err := unknown.Public(t.Context()); err == nil {
		t.Errorf("got %v", key)
	}
	if signature, err := unknown.Sign(t.Context(), make([]byte, sha256.Size)); err == nil {
		t.Errorf("got %x", signature)
	}
	if signature, err := signingKey(t, server, client, elliptic.P256()).Sign(t.Context(), []byte("no digest")); err == nil {
		t.Errorf("got %x", signature)
	}
}

func TestAWrappedKeyIsUnwrappedUnderItsNameOnly(t *testing.T) {
	_, client := start(t)
	w := &kms.Wrapper{Client: client, KeyID: "wrapping"}
	key, wrapped, err := w.Generate(t.Context(), "system")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := w.Unwrap(t.Context(), "system", wrapped); err != nil || !bytes.Equal(got, key) {
		t.Errorf("got %x, error %v, want %x", got, err, key)
	}
	if got, err := w.Unwrap(t.Context(), "other", wrapped); err == nil {
		t.Errorf("under another name: %x", got)
	}
}
