// Command command-file carries out the commands of the file module, called by API Gateway.
package main

import (
	"github.com/interview-sandbox/annals/internal/app"
	"github.com/interview-sandbox/annals/internal/app/s3"
)

func main() { app.Start(app.CommandFile(s3.Objects)) }
