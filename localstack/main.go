// Command localstack runs all of Annals on this machine: DynamoDB, S3, SQS, the HTTP API, the
// functions behind it and their event sources, on loopback only and without an account.
// Data is kept in one folder and survives kill -9.
//
// Environment: PORT of the API (8080; 0 is any), DATA_DIR (.local), DYNAMODB_ENDPOINT of
// another DynamoDB to use in place of dynoxide, ANNALS_PUBLIC_URL that links in mail lead to (the
// API), SIGNING_KEYS (1), the names of the keys of access tokens, of which the first one signs,
// MODE (process; with lambda, functions are not a part of this process but programs in
// FUNCTIONS_DIR, build/native, run as Lambda does), OTEL_EXPORTER_OTLP_ENDPOINT of a collector of
// OpenTelemetry, with OTEL_EXPORTER_OTLP_HEADERS, if spans are to be exported. The line
// "listening on <URL>" means ready.
// SIGTERM or SIGINT ends it when what is under way has finished, a second one at once.
package main

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/interview-sandbox/annals/internal/otlp"
	"github.com/interview-sandbox/annals/internal/topology"
)

func main() {
	ctx, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	s, err := settingsFrom(os.Getenv)
	if err == nil {
		err = run(ctx, restore, s, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "localstack:", err)
		os.Exit(1)
	}
}

// settings is what the environment says.
type settings struct {
	port      string // "0" is any
	dataDir   string
	dynamodb  string         // endpoint; "" is dynoxide
	publicURL string         // where links in mail lead; "" is the API
	signing   []string       // names of the keys of access tokens
	exporter  *otlp.Exporter // of spans; nil: there are none
	programs  string         // folder of the functions' programs; "": functions run in this process
}

func settingsFrom(env func(string) string) (settings, error) {
	s := settings{
		port:      cmp.Or(env("PORT"), "8080"),
		dataDir:   cmp.Or(env("DATA_DIR"), ".local"),
		dynamodb:  env("DYNAMODB_ENDPOINT"),
		publicURL: env("ANNALS_PUBLIC_URL"),
	}
	switch mode := cmp.Or(env("MODE"), "process"); mode {
	case "process":
	case "lambda":
		s.programs = cmp.Or(env("FUNCTIONS_DIR"), filepath.Join("build", "native"))
	default:
		return s, fmt.Errorf("MODE has to be process or lambda, not %q", mode)
	}
	if _, err := strconv.ParseUint(s.port, 10, 16); err != nil {
		return s, fmt.Errorf("PORT has to be a number up to 65535, not %q", s.port)
	}
	var err error
	if s.signing, err = topology.SigningKeys(cmp.Or(env("SIGNING_KEYS"), topology.DefaultSigningKeys)); err != nil {
		return s, fmt.Errorf("SIGNING_KEYS: %w", err)
	}
	if s.dynamodb != "" {
		if u, err := url.Parse(s.dynamodb); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return s, fmt.Errorf("DYNAMODB_ENDPOINT has to be a URL such as http://127.0.0.1:8000, not %q", s.dynamodb)
		}
	}
	s.exporter, err = otlp.New(otlp.FromEnvironment(env))
	return s, err
}
