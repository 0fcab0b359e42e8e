package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/interview-sandbox/annals/internal/topology"
)

func wrappingKey(tb testing.TB) *resource {
	tb.Helper()
	return standard.named(tb, "AWS::KMS::Key", "Description", "Wraps the keys of annals")
}

// signingKey finds a key by its name in the setting signingKeys.
func signingKey(tb testing.TB, in template, name string) *resource {
	tb.Helper()
	key := in.Resources["SigningKey"+name]
	if key == nil {
		tb.Fatalf("there is no signing key %s", name)
	}
	return key
}

func TestSigningKeysSignOnTheCurveP256AndAreRetained(t *testing.T) {
	for _, key := range []*resource{signingKey(t, standard, "1"), signingKey(t, changed, "2026b"), signingKey(t, changed, "2026a")} {
		key.expect(t, "ECC_NIST_P256", "KeySpec")
		key.expect(t, "SIGN_VERIFY", "KeyUsage")
		key.expectRemoval(t, "Retain")
	}
}

func TestFunctionsAreToldTheSigningKeysInTheirOrder(t *testing.T) {
	want := signingKey(t, changed, "2026b").arn() + "," + signingKey(t, changed, "2026a").arn()
	for _, f := range topology.Functions() {
		fn := changed.named(t, "AWS::Lambda::Function", "FunctionName", "other-"+f.Name)
		if len(f.Signing) == 0 {
			fn.expect(t, "", "Environment", "Variables", topology.SigningKeysSetting)
		} else {
			fn.expect(t, want, "Environment", "Variables", topology.SigningKeysSetting)
		}
	}
}

func TestOnlyLoginsSignAndOnlyWhoChecksTokensReadsPublicHalves(t *testing.T) {
	may := map[string]string{
		"kms:Sign":         "CommandAuth",
		"kms:GetPublicKey": "Authorizer CommandAuth Query",
	}
	keys := []string{signingKey(t, changed, "2026b").arn(), signingKey(t, changed, "2026a").arn()}
	for action, want := range may {
		for _, key := range keys {
			var roles []string
			for _, role := range changed.all("AWS::IAM::Role") {
				for _, s := range statements(role.Properties["Policies"]) {
					if slices.Contains(texts(s["Action"]), action) && slices.Contains(texts(s["Resource"]), key) {
						roles = append(roles, strings.TrimSuffix(role.id, "Role"))
					}
				}
			}
			if got := strings.Join(roles, " "); got != want {
				t.Errorf("%s on %s: %s, want %s", action, key, got, want)
			}
		}
	}
	for _, role := range changed.all("AWS::IAM::Role") {
		for _, s := range statements(role.Properties["Policies"]) {
			for _, action := range texts(s["Action"]) {
				_, signing := may[action]
				for _, arn := range texts(s["Resource"]) {
					if signing != slices.Contains(keys, arn) {
						t.Errorf("%s may %s on %s", role.id, action, arn)
					}
				}
			}
		}
	}
}
