// Command clock carries out what is due at deadlines, called every minute.
package main

import (
	"github.com/interview-sandbox/annals/internal/app"
	"github.com/interview-sandbox/annals/internal/app/s3"
	"github.com/interview-sandbox/annals/internal/app/ses"
)

func main() { app.Start(app.Clock(s3.Objects, ses.Mailer)) }
