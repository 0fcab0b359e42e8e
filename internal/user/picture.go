package user

import (
	"context"

	"github.com/interview-sandbox/annals/internal/es"
)

func (m *Module) isPicture(ctx context.Context, fileID, userID string) (bool, error) {
	return es.ValidID(fileID), nil
}
