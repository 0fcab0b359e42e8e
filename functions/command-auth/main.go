// Command command-auth carries out the commands of the auth module, called by API Gateway.
package main

import "github.com/interview-sandbox/annals/internal/app"

func main() { app.Start(app.CommandAuth) }
