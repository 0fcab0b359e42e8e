package payment_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/payment"
	"github.com/interview-sandbox/annals/internal/sandbox"
)

func TestAWebhookIsRecordedOnceAndOneAboutNoPaymentOfOursIsTakenAndForgotten(t *testing.T) {
	w := newWorld(t.Context(), 1, sabotage{})
	w.calm = true
	w.request()
	known := w.ids[0]
	w.ids = append(w.ids, w.id("unknown"))
	asked := w.commits()
	for _, id := range append(w.ids, "no id", "") {
		body, err := json.Marshal(map[string]any{"id": "1", "paymentId": id, "report": payment.Report{Reference: known, Declined: "lost_card"}})
		if err != nil {
			t.Fatal(err)
		}
		w.mail = append(w.mail, body, body)
	}
	for n := range w.mail {
		if err := w.hear(n); err != nil {
			t.Errorf("%s: %v", w.mail[n], err)
		}
	}
	commits := w.commits()
	if len(commits) != len(asked)+1 || commits[1].Stream.ID() != known || commits[1].Actor != "provider:sandbox" || commits[1].Events[0].Type != "payment.declined.v1" {
		t.Errorf("what was recorded: %v", commits)
	}
}

func TestAWebhookOfAnotherProviderIsNotTaken(t *testing.T) {
	w := newWorld(t.Context(), 1, sabotage{})
	route, params := api.Match(w.module.Routes(), "POST", "/payments/webhooks/other")
	_, err := route.Serve(t.Context(), api.Call{Params: params}, nil)
	if !errors.Is(err, payment.ErrNotFound) {
		t.Errorf("error %v", err)
	}
	_, err = route.Serve(t.Context(), api.Call{Params: map[string]string{"provider": sandbox.Name}}, []byte("{}"))
	if !errors.Is(err, payment.ErrSignature) {
		t.Errorf("unsigned: error %v", err)
	}
	if w.ids = []string{es.DeriveID("none")}; len(w.commits()) > 0 {
		t.Error("something was recorded")
	}
}
