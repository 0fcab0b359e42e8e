package app

import (
	"context"
	"encoding/json"
	"fmt"
)

// handler makes a Lambda handler of a function. Unlike that of lambda.NewHandler, which
// keeps one buffer for all answers because Lambda sends one request at a time, it can be
// called side by side, as the embedded stack does.
type handler[In, Out any] func(context.Context, In) (Out, error)

// Invoke implements lambda.Handler.
func (h handler[In, Out]) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var in In
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, fmt.Errorf("read the payload: %w", err)
	}
	out, err := h(ctx, in)
	if err != nil {
		return nil, err
	}
	return json.Marshal(out)
}
