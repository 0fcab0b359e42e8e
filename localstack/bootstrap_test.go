package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/app"
	"github.com/interview-sandbox/annals/internal/auth"
	"github.com/interview-sandbox/annals/localstack/scenario"
)

func TestAnOperatorsFirstPasswordIsSetWithWhatTheBootstrapFunctionAnswers(t *testing.T) {
	d := deployAll(t, startDynoxide(t), "annals-bootstrap")
	invoke := func(email string) (out app.BootstrapReply, err error) {
		payload, err := json.Marshal(app.BootstrapRequest{Email: email})
		if err != nil {
			t.Fatal(err)
		}
		answer, err := d.functions["bootstrap"].Invoke(t.Context(), payload)
		if err == nil {
			err = json.Unmarshal(answer, &out)
		}
		return out, err
	}
	first, err := invoke("first@annals.example")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := invoke("first@annals.example"); err != nil || again != first {
		t.Errorf("a moment later it is %+v, error %v, want %+v", again, err, first)
	}
	d.pass(2 * time.Minute)
	later, err := invoke("first@annals.example")
	if err != nil || later.UserID != first.UserID || later.Token == first.Token {
		t.Errorf("later it is %+v, error %v, want another token", later, err)
	}

	operator := scenario.Person{Client: d.operator.Client, Email: "first@annals.example", Password: "a password of my own"}
	reset := func(token string) map[string]any { return map[string]any{"token": token, "new": operator.Password} }
	operator.Refuse(t, 422, "wrong-token", "POST", "/auth/password/reset", reset(first.Token))
	operator.Expect(t, 204, "POST", "/auth/password/reset", reset(later.Token))
	operator.Refuse(t, 422, "wrong-token", "POST", "/auth/password/reset", reset(later.Token))
	operator.LogIn(t).Expect(t, 200, "GET", "/admin/parked", nil)

	scenario.Register(t, operator.URL, "somebody@annals.example")
	if _, err := invoke("somebody@annals.example"); err == nil || err.Error() != auth.ErrEmailTaken.Error() {
		t.Errorf("an account of somebody's is taken over: error %v", err)
	}
	if _, err := invoke("nobody"); err == nil {
		t.Error("an operator has an address that is none")
	}
	for _, secret := range []string{first.Token, later.Token, operator.Email} {
		if strings.Contains(d.log.String(), secret) {
			t.Errorf("the log holds %s", secret)
		}
	}
}
