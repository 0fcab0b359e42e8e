// Command uploads takes note of the files that have been stored, called by the queue that their
// bucket notifies.
package main

import (
	"github.com/interview-sandbox/annals/internal/app"
	"github.com/interview-sandbox/annals/internal/app/s3"
)

func main() { app.Start(app.Uploads(s3.Objects)) }
