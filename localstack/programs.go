package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/interview-sandbox/annals/internal/app"
	"github.com/interview-sandbox/annals/internal/topology"
	"github.com/interview-sandbox/annals/localstack/function"
	"github.com/interview-sandbox/annals/localstack/runtime"
)

// deployPrograms deploys every function of the topology as a pool of processes, which ask for what is
// in tables at an address of [stack.enforceGrants].
func (s *stack) deployPrograms(ctx context.Context, config app.Config, dynamodb string) (map[string]lambda.Handler, error) {
	deployed := map[string]lambda.Handler{}
	for _, declared := range topology.Functions() {
		program, err := filepath.Abs(filepath.Join(s.programs, declared.Name))
		if err == nil {
			_, err = os.Stat(program)
		}
		if err != nil {
			return nil, fmt.Errorf("find function %s, which `make native` builds: %w", declared.Name, err)
		}
		config.Endpoint = dynamodb + "/" + declared.Name
		variables, err := runtime.Variables(ctx, declared, config)
		if err != nil {
			return nil, err
		}
		pool := runtime.NewPool(runtime.Function{
			Name: declared.Name, Program: program, Env: variables,
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
