// Command command-operator carries out the commands of the operator module, called by API Gateway.
package main

import (
	"github.com/interview-sandbox/annals/internal/app"
	"github.com/interview-sandbox/annals/internal/app/s3"
	"github.com/interview-sandbox/annals/internal/app/ses"
	"github.com/interview-sandbox/annals/internal/app/sqs"
)

func main() { app.Start(app.CommandOperator(s3.Objects, ses.Mailer, sqs.Queue)) }
