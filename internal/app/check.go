package app

import (
	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// Checker compares the projections of every module with the events, and gives the events as
// they are stored. It is no function, but a tool that reads the same tables.
func Checker(c Config) (*projection.Checker, es.ScannableStore, error) {
	s := newSystem(c)
	vault, _, err := s.vault()
	if err != nil {
		return nil, nil, err
	}
	return &projection.Checker{
		Projector: s.projector(vault),
		Scanner:   s.store(),
		Stored:    &dynamo.Rows{Client: s.dynamodb, Table: s.table("Views")},
		Snapshots: &dynamo.Snapshots{Client: s.dynamodb, Table: s.table("Snapshots")},
	}, s.store(), nil
}
