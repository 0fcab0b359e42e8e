package api

import "context"

// HealthReply is the body of GET /health.
type HealthReply struct {
	Status string `json:"status" schema:"enum=ok"`
}

// Health declares the route that says whether the API answers at all. It touches nothing
// else, so that a slow table does not make a load balancer take the API away as well.
func Health() Route {
	return Query("GET /health", Public, func(context.Context, Call) (Reply[HealthReply], error) {
		return Reply[HealthReply]{Body: HealthReply{"ok"}}, nil
	}).Does("Tells whether the API answers.")
}
