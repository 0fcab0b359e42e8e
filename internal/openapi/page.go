package openapi

import "github.com/interview-sandbox/annals/internal/api"

func render([]byte) (api.HTML, error) { return "", nil }
