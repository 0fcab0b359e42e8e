package main

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/interview-sandbox/annals/internal/topology"
)

// signingKey finds a key by its name in the setting signingKeys.
func signingKey(tb testing.TB, in template, name string) *resource {
	tb.Helper()
	key := in.Resources["SigningKey"+name]
	if key == nil {
		tb.Fatalf("there is no signing key %s", name)
	}
	return key
}

func signingKeysSignOnTheCurveP256AndAreRetained(t testing.TB, standard template) {
	const account = " Effect=Allow Principal={AWS=arn:${AWS::Partition}:iam::${AWS::AccountId}:root} Resource=*}"
	key := signingKey(t, standard, "1")
	key.expect(t, "ECC_NIST_P256", "KeySpec")
	key.expect(t, "SIGN_VERIFY", "KeyUsage")
	key.expectRemoval(t, "Retain")
	key.expect(t, wrappingKey(t, standard).at("KeyPolicy", "Statement", "0"), "KeyPolicy", "Statement", "0")
	var readers []string
	for _, f := range topology.Functions() {
		if slices.Contains(f.Signing, "GetPublicKey") {
			readers = append(readers, "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/annals-"+logicalID(f.Name)+"Role-*")
		}
	}
	for i, want := range []string{
		"{Action=kms:Sign Condition={ArnLike={aws:PrincipalArn=[arn:${AWS::Partition}:iam::${AWS::AccountId}:role/annals-CommandAuthRole-*]}}" + account,
		"{Action=kms:GetPublicKey Condition={ArnLike={aws:PrincipalArn=[" + strings.Join(readers, " ") + "]}}" + account, "",
	} {
		key.expect(t, want, "KeyPolicy", "Statement", strconv.Itoa(i+1))
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
