package main

import (
	"fmt"
	"testing"

	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/sandbox"
	"github.com/interview-sandbox/annals/localstack/scenario"
	"github.com/interview-sandbox/annals/localstack/stacktest"
)

func TestAPaymentIsChargedOnceThoughTheStackIsKilledMeanwhile(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	ada := scenario.Register(t, s.URL(), "ada@example.com")
	var ids []string
	for round := range 4 {
		ada.URL = s.URL()
		for n, method := range []string{sandbox.Approve, sandbox.TimeoutThen, sandbox.WebhookTwice, sandbox.WebhookOutOfOrder} {
			a := ada.Expect(t, 202, "POST", "/payments", map[string]any{"amount": 100, "currency": "EUR", "method": method},
				scenario.Header{Name: "Idempotency-Key", Value: fmt.Sprint("pay-", round, "-", n)})
			ids = append(ids, a.Text("id"))
		}
		if round == 0 {
			eventually(t, "the first payment is captured", func() bool {
				return ada.Expect(t, 200, "GET", "/payments/"+ids[0], nil).Text("status") == "captured"
			})
		}
		s.Kill9()
		s.Restart()
	}
	ada.URL = s.URL()
	ledger := &sandbox.Provider{Ledger: &dynamo.Ledger{Client: client(s.Endpoints().DynamoDB), Table: prefix + "-sandbox"}}
	for _, id := range ids {
		eventually(t, "a payment is captured", func() bool {
			return ada.Expect(t, 200, "GET", "/payments/"+id, nil).Text("status") == "captured"
		})
		account, _, err := ledger.Account(t.Context(), id)
		if err != nil || account.Charges != 1 || account.Captured != 100 || account.Excess != 0 {
			t.Errorf("the ledger has %+v, error %v", account, err)
		}
	}
}
