package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// api is the running stack, used as its operator.
type api struct {
	url   string
	login struct {
		Email    string `json:"email"`
		Password string `json:"password"`
	}
	token string
}

// view is the part of a view's status that is shown here.
type view struct {
	Name       string
	Generation int
	Other      int
	Status     string
	Rebuild    *struct {
		Done, Total, SecondsLeft int64
		Rate                     float64
	}
}

// problem is a refusal.
type problem struct {
	Type, Detail string
	Status       int
}

func (p *problem) Error() string { return p.Detail }

func connect(ctx context.Context, dataDir string) (*api, error) {
	a := new(api)
	var endpoints struct{ API string }
	for name, into := range map[string]any{"endpoints.json": &endpoints, "operator.json": &a.login} {
		text, err := os.ReadFile(filepath.Join(dataDir, name))
		if err == nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil {
			return nil, fmt.Errorf("find the local stack, which `make run` starts and DATA_DIR says where: %w", err)
		}
	}
	a.url = endpoints.API
	return a, a.logIn(ctx)
}

func (a *api) logIn(ctx context.Context) error {
	var answer struct{ AccessToken string }
	if err := a.try(ctx, "POST", "/auth/login", a.login, &answer); err != nil {
		return fmt.Errorf("log in as the operator: %w", err)
	}
	a.token = answer.AccessToken
	return nil
}

func (a *api) command(ctx context.Context, view, command string) error {
	return a.send(ctx, "POST", "/admin/views/"+view+"/"+command, nil)
}

func (a *api) views(ctx context.Context) ([]view, error) {
	var list struct{ Items []view }
	return list.Items, a.send(ctx, "GET", "/admin/views", &list)
}

func (a *api) view(ctx context.Context, name string) (view, error) {
	all, err := a.views(ctx)
	for _, v := range all {
		if v.Name == name {
			return v, err
		}
	}
	if err == nil {
		err = fmt.Errorf("there is no view %s any more", name)
	}
	return view{}, err
}

// tell says which generation is read.
func (a *api) tell(ctx context.Context, name string) error {
	v, err := a.view(ctx, name)
	if err != nil {
		return err
	}
	say(name, "is read from generation %d; generation %d is kept up", v.Generation, v.Other)
	return nil
}

// choice is an error that names the views that there are.
func (a *api) choice(ctx context.Context, reason string) error {
	all, err := a.views(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, v := range all {
		names = append(names, v.Name)
	}
	return fmt.Errorf("%s; there are %s", reason, strings.Join(names, ", "))
}

// send sends a request, with a new token if the one in use has run out.
func (a *api) send(ctx context.Context, method, path string, into any) error {
	err := a.try(ctx, method, path, nil, into)
	if refused := (*problem)(nil); errors.As(err, &refused) && refused.Status == http.StatusUnauthorized {
		if err := a.logIn(ctx); err != nil {
			return err
		}
		err = a.try(ctx, method, path, nil, into)
	}
	return err
}

const patience = 30 * time.Second

func (a *api) try(ctx context.Context, method, path string, body, into any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, a.url+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	if a.token != "" {
		r.Header.Set("Authorization", "Bearer "+a.token)
	}
	answer, err := http.DefaultClient.Do(r)
	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	if err != nil {
		return fmt.Errorf("the stack does not answer; `make run` starts it, and a rebuild goes on by itself then: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusBadRequest {
		refused := &problem{Status: answer.StatusCode, Detail: answer.Status}
		return errors.Join(refused, json.NewDecoder(answer.Body).Decode(refused))
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(answer.Body).Decode(into)
}
