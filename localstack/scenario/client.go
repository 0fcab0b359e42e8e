// Package scenario uses a running Annals through HTTP as its clients do, wherever it runs.
package scenario

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Client sends requests to an API. It is safe for use by several goroutines.
type Client struct {
	URL   string // without a slash at its end
	Token string // access token; "": none
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Raw    string
	Body   map[string]any // nil if there was none
}

// Header is one header of a request.
type Header struct{ Name, Value string }

// patience is how long a request may take, argon2id with the race detector included.
const patience = 30 * time.Second

// client shows redirections and does not follow them.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// Send sends a request; body is sent as it is if it is a string, else as JSON, nil is none. The
// error is a *BreachError if the answer is not as the API's own contract says.
func (c Client) Send(ctx context.Context, method, path string, body any, headers ...Header) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	contract, err := contractOf(ctx, c.URL)
	if err != nil {
		return Answer{}, err
	}
	content, err := encode(body)
	if err != nil {
		return Answer{}, err
	}
	r, err := http.NewRequestWithContext(ctx, method, c.URL+path, bytes.NewReader(content))
	if err != nil {
		return Answer{}, err
	}
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	for _, h := range headers {
		r.Header.Set(h.Name, h.Value)
	}
	contract.memory.sent(r, content)
	reply, err := client.Do(r)
	if err != nil {
		return Answer{}, err
	}
	defer reply.Body.Close()
	raw, err := io.ReadAll(reply.Body)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Status: reply.StatusCode, Header: reply.Header, Raw: string(raw)}
	contract.memory.answered(path, a)
	if len(raw) > 0 && strings.Contains(reply.Header.Get("Content-Type"), "json") {
		err = json.Unmarshal(raw, &a.Body)
	}
	if err == nil {
		err = contract.check(method, path, content, a)
	}
	if err != nil {
		return a, &BreachError{method + " " + path, a.Status, err}
	}
	return a, nil
}

// BreachError reports an answer that is not as the contract says.
type BreachError struct {
	Request string
	Status  int
	Err     error
}

func (e *BreachError) Error() string {
	return fmt.Sprintf("%s was answered with %d: %v", e.Request, e.Status, e.Err)
}

func encode(body any) ([]byte, error) {
	switch b := body.(type) {
	case nil:
		return nil, nil
	case string:
		return []byte(b), nil
	}
	return json.Marshal(body)
}

// Text is a string inside the body; "" if there is none.
func (a Answer) Text(name string) string { s, _ := a.Body[name].(string); return s }

// Expect sends a request and demands a status.
func (c Client) Expect(t testing.TB, status int, method, path string, body any, headers ...Header) Answer {
	t.Helper()
	a, err := c.Send(t.Context(), method, path, body, headers...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if a.Status != status {
		t.Fatalf("%s %s: status %d, want %d: %s", method, path, a.Status, status, a.Raw)
	}
	if a.Header.Get("X-Correlation-Id") == "" {
		t.Errorf("%s %s: no correlation id", method, path)
	}
	return a
}

// Refuse sends a request and demands to be refused with a whole problem document.
func (c Client) Refuse(t testing.TB, status int, problem, method, path string, body any, headers ...Header) Answer {
	t.Helper()
	a := c.Expect(t, status, method, path, body, headers...)
	route, _, _ := strings.Cut(path, "?")
	if decoded, err := url.PathUnescape(route); err == nil && decoded == a.Text("instance") {
		route = decoded // as some gateways hand it on
	}
	want := map[string]any{
		"type": "/problems/" + problem, "title": http.StatusText(status), "status": float64(status),
		"instance": route, "correlationId": a.Header.Get("X-Correlation-Id"),
	}
	for name, v := range want {
		if fmt.Sprint(a.Body[name]) != fmt.Sprint(v) {
			t.Errorf("%s %s: %s is %v, want %v", method, path, name, a.Body[name], v)
		}
	}
	if a.Text("detail") == "" || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s %s: no whole problem document: %v %s", method, path, a.Header, a.Raw)
	}
	return a
}

// Person is an account with its login.
type Person struct {
	Client
	ID, Email, Password string
}

// Path is where the account is, with something behind it.
func (p Person) Path(rest string) string { return "/auth/users/" + p.ID + rest }

// Register opens an account and logs in.
func Register(t testing.TB, api, email string) Person {
	t.Helper()
	p := Person{Client: Client{URL: api}, Email: email, Password: "correct horse battery"}
	a := p.Expect(t, 201, "POST", "/auth/users", map[string]string{"email": email, "password": p.Password, "name": "Ada"})
	p.ID = a.Text("id")
	return p.LogIn(t)
}

// LogIn gets a new token.
func (p Person) LogIn(t testing.TB) Person {
	t.Helper()
	p.Token = ""
	a := p.Expect(t, 200, "POST", "/auth/login", map[string]string{"email": p.Email, "password": p.Password})
	p.Token = a.Text("accessToken")
	return p
}

// SessionOf reads which login an access token is of.
func SessionOf(t testing.TB, token string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no JWT", token)
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Session string `json:"sid"`
	}
	if err == nil {
		err = json.Unmarshal(text, &claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	return claims.Session
}
