package operator

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/stats"
)

// StatsReply is what all functions did from one time to another.
type StatsReply struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	stats.Summary
}

// The bounds of ?hours=.
const (
	defaultHours = 24
	maxHours     = 30 * 24
)

// getStats sums up the last hours, of which the first is a whole one. What an instance of a
// function has counted in the last seconds may not be there yet.
func (m *Module) getStats(ctx context.Context, call api.Call) (reply api.Reply[StatsReply], err error) {
	hours := defaultHours
	if s, ok := call.Query["hours"]; ok {
		if hours, err = strconv.Atoi(s); err != nil || hours < 1 || hours > maxHours {
			return reply, api.Malformed(fmt.Sprintf("?hours= takes a whole number from 1 to %d.", maxHours))
		}
	}
	now := m.Now().UTC()
	from := now.Add(-time.Duration(hours) * time.Hour).Truncate(time.Hour)
	sum, err := m.Stats.Summary(ctx, from, now)
	reply.Body = StatsReply{from, now, sum}
	return reply, err
}
