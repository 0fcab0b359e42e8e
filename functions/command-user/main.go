// Command command-user carries out the commands of the user module, called by API Gateway.
package main

import "github.com/interview-sandbox/annals/internal/app"

func main() { app.Start(app.CommandUser) }
