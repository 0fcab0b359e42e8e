package dynamo_test

import (
	"testing"

	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/sandbox/sandboxtest"
)

func TestTheLedgerKeepsItsContract(t *testing.T) {
	sandboxtest.Ledger(t, &dynamo.Ledger{Client: client(), Table: "annals-sandbox"})
}
