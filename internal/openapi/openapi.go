// Package openapi serves the OpenAPI document of the API, and the page for people that is made
// of it. The document is generated when it changes, and not when a function starts, which
// would take time and has no source to read comments from: go test ./internal/openapi/... -update
package openapi

import (
	"context"
	_ "embed"
	"encoding/json"
	"sync"

	"github.com/interview-sandbox/annals/internal/api"
)

// Document is the OpenAPI 3.1 document.
//
//go:embed openapi.json
var Document []byte

// Routes declares the routes that tell about all others.
func Routes() []api.Route {
	return []api.Route{
		api.Query("GET /openapi.json", api.Public, func(context.Context, api.Call) (api.Reply[json.RawMessage], error) {
			return api.Reply[json.RawMessage]{Body: Document}, nil
		}).Does("Gives this document, in OpenAPI 3.1."),
		api.Query("GET /docs", api.Public, func(context.Context, api.Call) (reply api.Reply[api.HTML], err error) {
			reply.Body, err = page()
			return reply, err
		}).Does("Shows this document to people."),
	}
}

// page is made for the first who asks.
var page = sync.OnceValues(func() (api.HTML, error) { return render(Document) })
