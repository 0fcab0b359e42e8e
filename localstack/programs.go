package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/interview-sandbox/annals/internal/app"
	"github.com/interview-sandbox/annals/internal/topology"
	"github.com/interview-sandbox/annals/localstack/function"
	"github.com/interview-sandbox/annals/localstack/runtime"
)

// deployPrograms deploys every function of the topology as a pool of processes.
func (s *stack) deployPrograms(config app.Config) (map[string]lambda.Handler, error) {
	deployed := map[string]lambda.Handler{}
	for _, declared := range topology.Functions() {
		program, err := filepath.Abs(filepath.Join(s.programs, declared.Name))
		if err == nil {
			_, err = os.Stat(program)
		}
		if err != nil {
			return nil, fmt.Errorf("find function %s, which `make native` builds: %w", declared.Name, err)
		}
		environment, err := environment(declared, config)
		if err != nil {
			return nil, err
		}
		pool := runtime.NewPool(runtime.Function{
			Name: declared.Name, Program: program, Env: environment,
			Print: s.printer(declared.Name), Log: s.log.With("function", declared.Name),
		})
		s.onStop(pool.Close)
		deployed[declared.Name] = function.New(declared, pool)
	}
	s.say("functions", "run as processes over the Lambda Runtime API, from %s", s.programs)
	return deployed, nil
}

// printer puts the lines that a function prints into the log: JSON as it is, anything else as
// a message.
func (s *stack) printer(name string) func([]byte) {
	return func(line []byte) {
		if bytes.HasPrefix(line, []byte("{")) {
			s.logFile.Write(append(slices.Clone(line), '\n')) // as slog does, which has nobody to tell either
			return
		}
		s.log.Info(string(line), "function", name)
	}
}

// environment is what Lambda sets for a function
// (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html), what the deployed
// function has, and where this machine's services are.
func environment(declared topology.Function, c app.Config) ([]string, error) {
	master, err := filepath.Abs(c.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("find the key file: %w", err)
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
		"AWS_ACCESS_KEY_ID=" + localKey,
		"AWS_SECRET_ACCESS_KEY=" + localSecret,
		"AWS_ENDPOINT_URL=" + c.Endpoint,
		"AWS_ENDPOINT_URL_S3=" + c.S3,
		"AWS_ENDPOINT_URL_SESV2=" + c.SES,
		"ANNALS_PREFIX=" + c.Prefix,
		"ANNALS_KEY_FILE=" + master,
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
