// Package all knows every function, for those that run the whole system in one process.
package all

import (
	"github.com/interview-sandbox/annals/internal/app"
	"github.com/interview-sandbox/annals/internal/app/s3"
	"github.com/interview-sandbox/annals/internal/app/ses"
	"github.com/interview-sandbox/annals/internal/app/sqs"
	"github.com/interview-sandbox/annals/internal/topology"
)

// Functions lists every function's Build by its name in the topology.
func Functions() map[string]app.Build {
	return map[string]app.Build{
		"command-auth":         app.CommandAuth,
		"command-user":         app.CommandUser,
		"command-file":         app.CommandFile(s3.Objects),
		"command-payment":      app.CommandPayment,
		"command-notification": app.CommandNotification,
		"command-operator":     app.CommandOperator(s3.Objects, ses.Mailer, sqs.Queue),
		"query":                app.Query(s3.Objects),
		topology.Authorizer:    app.Authorizer,
		"projector":            app.Projector,
		"rebuild":              app.Rebuild(sqs.Queue),
		"reactor":              app.Reactor(s3.Objects, ses.Mailer),
		"clock":                app.Clock(s3.Objects, ses.Mailer),
		"uploads":              app.Uploads(s3.Objects),
		"feedback":             app.Feedback,
		topology.Bootstrap:     app.Bootstrapper,
	}
}
