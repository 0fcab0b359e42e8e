// Command reactor carries out what follows from events, called by the event table's stream.
package main

import (
	"github.com/interview-sandbox/annals/internal/app"
	"github.com/interview-sandbox/annals/internal/app/s3"
	"github.com/interview-sandbox/annals/internal/app/ses"
)

func main() { app.Start(app.Reactor(s3.Objects, ses.Mailer)) }
