package sandbox_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/interview-sandbox/annals/internal/es/estest"
	"github.com/interview-sandbox/annals/internal/payment"
	"github.com/interview-sandbox/annals/internal/sandbox"
)

// A webhook is one that the sandbox has signed, or refused for its signature.
func FuzzWebhook(f *testing.F) {
	const body = `{"id":"0197a0f0-0000-7000-8000-000000000009","paymentId":"` + id + `","report":{"Reference":"r","Authorized":100,"Captured":100,"Refunds":[{"ID":"x","Amount":5}]}}`
	f.Add("t=1767323045,v1=00", []byte(body), true)
	f.Add(sandbox.Sign(secret, estest.Now, []byte(body)), []byte(body), false)
	f.Add("t=-9223372036854775808,v1=", []byte(`{"report":{"Authorized":1e999}}`), true)
	f.Fuzz(func(t *testing.T, signature string, body []byte, sign bool) {
		if sign {
			signature = sandbox.Sign(secret, estest.Now, body)
		}
		p, _ := provider()
		w, err := p.ParseWebhook(t.Context(), estest.Now, map[string]string{strings.ToLower(sandbox.Header): signature}, body)
		if err != nil {
			if !errors.Is(err, payment.ErrSignature) {
				t.Errorf("error %v", err)
			}
			return
		}
		if !sign && signature != sandbox.Sign(secret, estest.Now, body) && !strings.Contains(signature, ",v1=") {
			t.Errorf("%q is taken for a signature", signature)
		}
		text, err := json.Marshal(struct {
			ID        string         `json:"id"`
			PaymentID string         `json:"paymentId"`
			Report    payment.Report `json:"report"`
		}{w.ID, w.PaymentID, w.Report})
		if err != nil {
			t.Fatal(err)
		}
		again, err := p.ParseWebhook(t.Context(), estest.Now, map[string]string{strings.ToLower(sandbox.Header): sandbox.Sign(secret, estest.Now, text)}, text)
		if err != nil || !reflect.DeepEqual(again, w) {
			t.Errorf("%+v becomes %+v, error %v", w, again, err)
		}
	})
}
