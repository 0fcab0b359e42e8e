package main

import (
	"testing"

	"github.com/interview-sandbox/annals/localstack/scenario"
	"github.com/interview-sandbox/annals/localstack/stacktest"
)

func TestPaymentsKeepTheContract(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	scenario.Payments(t, s.URL(), "1", operatorOf(t, s), auditorOf(t, s))
}
