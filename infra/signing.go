package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/jsii-runtime-go"

	"github.com/interview-sandbox/annals/internal/topology"
)

// signingKey is retained so that a deployment that forgets to name it can be taken back. KMS rotates
// no asymmetric keys; the list of names does.
func (s *system) signingKey(name string) awskms.CfnKey {
	key := awskms.NewCfnKey(s.stack, jsii.String("SigningKey"+name), &awskms.CfnKeyProps{
		Description: jsii.String("Signs access tokens of " + s.props.Name + ": " + name),
		KeySpec:     jsii.String("ECC_NIST_P256"),
		KeyUsage:    jsii.String("SIGN_VERIFY"),
		KeyPolicy:   s.keyPolicy([]string{"Sign", "GetPublicKey"}, func(f topology.Function) []string { return f.Signing }),
	})
	s.keep(key)
	return key
}

// signingARNs are the keys' ARNs, with commas between them.
func (s *system) signingARNs() *string {
	var arns []*string
	for _, key := range s.signing {
		arns = append(arns, key.AttrArn())
	}
	return awscdk.Fn_Join(jsii.String(","), &arns)
}
