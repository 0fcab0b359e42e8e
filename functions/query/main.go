// Command query answers the reads of every module and requests that no route matches, called by
// API Gateway.
package main

import (
	"github.com/interview-sandbox/annals/internal/app"
	"github.com/interview-sandbox/annals/internal/app/s3"
)

func main() { app.Start(app.Query(s3.Objects)) }
