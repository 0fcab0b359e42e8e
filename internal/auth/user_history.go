package auth

import (
	"context"

	"github.com/interview-sandbox/annals/internal/api"
)

func (m *Module) userHistory(ctx context.Context, call api.Call) (api.Reply[api.List[api.HistoryItem]], error) {
	return api.History(ctx, call, m.Store, "user")
}
