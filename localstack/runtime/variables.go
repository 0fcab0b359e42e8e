package runtime

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/interview-sandbox/annals/internal/app"
	"github.com/interview-sandbox/annals/internal/topology"
)

// Variables is what Lambda sets for a function
// (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html), what the deployed
// function has, and where this machine's services are.
func Variables(ctx context.Context, declared topology.Function, c app.Config) ([]string, error) {
	master, err := filepath.Abs(c.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("find the key file: %w", err)
	}
	var signing []string
	for _, path := range c.SigningFiles {
		path, err := filepath.Abs(path)
		if err != nil {
			return nil, fmt.Errorf("find a signing key: %w", err)
		}
		signing = append(signing, path)
	}
	own, err := c.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("get credentials: %w", err)
	}
	all := []string{
		"AWS_LAMBDA_FUNCTION_NAME=" + c.Prefix + "-" + declared.Name,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + strconv.Itoa(declared.Memory),
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_EXECUTION_ENV=AWS_Lambda_provided.al2023",
		"_HANDLER=bootstrap",
		"TZ=:UTC",
		"AWS_REGION=" + c.Region,
		"AWS_DEFAULT_REGION=" + c.Region,
		"AWS_ACCESS_KEY_ID=" + own.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY=" + own.SecretAccessKey,
		"AWS_ENDPOINT_URL=" + c.Endpoint,
		"AWS_ENDPOINT_URL_S3=" + c.S3,
		"AWS_ENDPOINT_URL_SESV2=" + c.SES,
		"ANNALS_PREFIX=" + c.Prefix,
		"ANNALS_KEY_FILE=" + master,
		"ANNALS_SIGNING_FILES=" + strings.Join(signing, ","),
		"ANNALS_SANDBOX_WEBHOOKS=" + c.Payments.SandboxHook,
		"ANNALS_MAIL_FROM=" + c.MailFrom,
		"ANNALS_PUBLIC_URL=" + c.PublicURL,
	}
	for _, q := range topology.Queues() {
		all = append(all, q.Setting()+"="+c.Queues[q.ID])
	}
	for _, b := range topology.Buckets() {
		all = append(all, b.Setting()+"="+c.Buckets[b.ID])
	}
	return all, nil
}
