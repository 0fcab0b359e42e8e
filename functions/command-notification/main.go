// Command command-notification carries out the commands of the notification module, called by API Gateway.
package main

import "github.com/interview-sandbox/annals/internal/app"

func main() { app.Start(app.CommandNotification) }
