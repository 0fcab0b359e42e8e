package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/interview-sandbox/annals/internal/app"
	"github.com/interview-sandbox/annals/internal/topology"
	"github.com/interview-sandbox/annals/localstack/runtime"
)

// endpoints is what endpoints.json holds: where to look inside with other tools, which may
// use any credentials.
type endpoints struct {
	API      string `json:"api"`
	DynamoDB string `json:"dynamodb"`
	S3       string `json:"s3"`
	SQS      string `json:"sqs"`
	SES      string `json:"ses"`
}

func (s *stack) writeEndpoints(e endpoints) error {
	path := s.file("endpoints.json")
	s.say("endpoints", "are in %s", path)
	return writeJSON(path, e)
}

// writeEnvironment says with which environment each function runs, for those who run one by itself.
func (s *stack) writeEnvironment(ctx context.Context, config app.Config) error {
	all := map[string][]string{}
	for _, declared := range topology.Functions() {
		variables, err := runtime.Variables(ctx, declared, config)
		if err != nil {
			return err
		}
		all[declared.Name] = variables
	}
	return writeJSON(s.file("environment.json"), all)
}

// writeJSON puts a file into its place when it is whole and on disk. Only its owner may
// read it.
func writeJSON(path string, content any) error {
	text, err := json.Marshal(content)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // with mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(f.Name()) // of no effect once it has its place
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
