// Command infra is the CDK app: it turns internal/topology into a CloudFormation template.
package main

import (
	"fmt"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/interview-sandbox/annals/internal/topology"
)

func main() {
	defer shutdown()
	app := awscdk.NewApp(nil)
	props, err := settings(app)
	if err != nil {
		fmt.Fprintln(os.Stderr, "infra:", err)
		os.Exit(1)
	}
	NewStack(app, props.Name, props)
	app.Synth(nil)
}

// shutdown ends the CDK's Node process. jsii waits for it twice at once, and now and then the
// loser of that race reports "no child processes" although all is well.
func shutdown() {
	os.Stderr, _ = os.Open(os.DevNull)
	jsii.Close()
}

// settings reads what a deployment may choose from the context, because that is the one
// place that the command line (-c key=value), cdk.json and LocalStack's wrapper share.
func settings(app awscdk.App) (Props, error) {
	read := func(key, fallback string) string {
		if v, ok := app.Node().TryGetContext(&key).(string); ok && v != "" {
			return v
		}
		return fallback
	}
	signing, err := topology.SigningKeys(read("signingKeys", topology.DefaultSigningKeys))
	return Props{
		Name:      read("name", "annals"),
		Arch:      read("arch", "arm64"),
		MailFrom:  read("mailFrom", "Annals <annals@example.com>"),
		PublicURL: read("publicUrl", ""),
		Build:     read("build", "build"),
		Signing:   signing,
	}, err
}
