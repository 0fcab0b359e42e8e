// Package ses gives functions SES.
package ses

import (
	"cmp"

	"github.com/interview-sandbox/annals/internal/app"
	"github.com/interview-sandbox/annals/internal/notification"
	"github.com/interview-sandbox/annals/internal/ses"
)

// Mailer is an [app.Mailer].
func Mailer(c app.Config) notification.Mailer {
	return ses.New(ses.Settings{
		Region: c.Region, Endpoint: cmp.Or(c.SES, c.Endpoint), Credentials: c.Credentials, ConfigurationSet: c.Prefix,
	})
}
