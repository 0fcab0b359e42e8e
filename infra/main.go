// Command infra is the CDK app: it turns internal/topology into a CloudFormation template.
package main

import (
	"fmt"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

func main() {
	app := awscdk.NewApp(nil)
	// The context is the one place that the command line (-c key=value), cdk.json and
	// LocalStack's wrapper share.
	props, err := settings(func(key string) any { return app.Node().TryGetContext(&key) })
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		shutdown()
		os.Exit(1)
	}
	defer shutdown()
	NewStack(app, props.Name, props)
	app.Synth(nil)
}

// shutdown ends the CDK's Node process. jsii waits for it twice at once, and now and then the
// loser of that race reports "no child processes" although all is well.
func shutdown() {
	os.Stderr, _ = os.Open(os.DevNull)
	jsii.Close()
}
