// Command rebuild builds new generations of views and removes old ones, called by its queue.
package main

import (
	"github.com/interview-sandbox/annals/internal/app"
	"github.com/interview-sandbox/annals/internal/app/sqs"
)

func main() { app.Start(app.Rebuild(sqs.Queue)) }
