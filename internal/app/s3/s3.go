// Package s3 gives functions S3.
package s3

import (
	"github.com/interview-sandbox/annals/internal/app"
	"github.com/interview-sandbox/annals/internal/file"
	"github.com/interview-sandbox/annals/internal/objects"
)

// Objects is an [app.Objects].
func Objects(c app.Config) file.Objects {
	return objects.New(objects.Settings{Region: c.Region, Endpoint: c.S3, Bucket: c.Buckets["Files"], Credentials: c.Credentials})
}
