// Package ses sends mail with Amazon SES.
package ses

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"

	"github.com/interview-sandbox/annals/internal/notification"
	"github.com/interview-sandbox/annals/internal/ses/feedback"
)

// Settings is what SES is reached by.
type Settings struct {
	Region           string
	Endpoint         string // "" is AWS
	Credentials      aws.CredentialsProvider
	ConfigurationSet string // that has bounces and complaints told
}

// Mailer is a [notification.Mailer] on SES.
type Mailer struct {
	client *sesv2.Client
	set    string
}

// timeout is how long a request may take, well within the time of an effect.
const timeout = 5 * time.Second

// New makes a mailer, which connects when it is used. It tries nothing twice: SES does not know
// a repeat, so whoever calls has to decide about one.
func New(s Settings) *Mailer {
	options := sesv2.Options{
		Region: s.Region, Credentials: s.Credentials, Retryer: aws.NopRetryer{},
		HTTPClient: awshttp.NewBuildableClient().WithTimeout(timeout),
	}
	if s.Endpoint != "" {
		options.BaseEndpoint = &s.Endpoint
	}
	return &Mailer{sesv2.New(options), s.ConfigurationSet}
}

// Send implements [notification.Mailer]. The Message-ID is made by SES, which takes no other;
// the key is a tag. What SES says of an error stays here, as it may quote the address.
func (m *Mailer) Send(ctx context.Context, key string, mail notification.Message) (string, error) {
	out, err := m.client.SendEmail(ctx, &sesv2.SendEmailInput{
		FromEmailAddress:     &mail.From,
		Destination:          &types.Destination{ToAddresses: []string{mail.To}},
		ConfigurationSetName: &m.set,
		EmailTags:            []types.MessageTag{tag(feedback.TagNotification, mail.NotificationID), tag(feedback.TagKey, key)},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: content(mail.Subject),
			Body:    &types.Body{Text: content(mail.Text), Html: content(mail.HTML)},
		}},
	})
	if err == nil {
		return aws.ToString(out.MessageId), nil
	}
	if reason := notTaken(err); reason != "" {
		return "", &notification.NotTakenError{Reason: reason}
	}
	return "", errors.New("nobody knows whether SES has taken the mail: " + kind(err))
}

func tag(name, value string) types.MessageTag { return types.MessageTag{Name: &name, Value: &value} }

func content(text string) *types.Content {
	return &types.Content{Data: &text, Charset: aws.String("UTF-8")}
}

// notTaken says why SES certainly has not taken a mail: it has answered with an error, or was
// never reached. It is "" if nobody knows.
func notTaken(err error) string {
	var answer smithy.APIError
	var network *net.OpError
	switch {
	case errors.As(err, &answer):
		return answer.ErrorCode()
	case errors.As(err, &network) && network.Op == "dial":
		return "unreachable"
	}
	return ""
}

// kind names an error by its innermost type, which quotes nothing.
func kind(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "it did not answer in time"
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return fmt.Sprintf("a %T", err)
		}
		err = inner
	}
}
