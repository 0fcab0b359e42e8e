package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/interview-sandbox/annals/internal/app"
	"github.com/interview-sandbox/annals/internal/es"
)

// login is what operator.json holds.
type login struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

// openOperator opens the operator's account with the login in operator.json. The login is
// on disk before the account is there, so that a crash in between leaves no account that
// nobody can enter: the next start opens it.
func (s *stack) openOperator(ctx context.Context, config app.Config) error {
	operator, err := s.operator()
	if err != nil {
		return fmt.Errorf("the operator's login: %w", err)
	}
	err = app.Bootstrap(ctx, config, operator.Email, operator.Password)
	var known *es.Error
	if errors.As(err, &known) && known.Kind == es.Conflict {
		return nil // it was opened long ago, and has changed since
	}
	if err != nil {
		return fmt.Errorf("open the operator's account: %w", err)
	}
	return nil
}

// operator reads the login, or makes one. Its address is a new one each time: an account
// that is there already would keep its own password.
func (s *stack) operator() (login, error) {
	path := s.file("operator.json")
	text, err := os.ReadFile(path)
	if err == nil {
		var kept login
		if err := json.Unmarshal(text, &kept); err != nil {
			return login{}, fmt.Errorf("read %s: %w", path, err)
		}
		return kept, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return login{}, err
	}
	s.say("operator", "opening an account; its login is in %s", path)
	made := login{
		Email:    "operator-" + strings.ToLower(rand.Text()[:6]) + "@annals.example",
		Password: rand.Text(),
	}
	return made, writeJSON(path, made)
}
