// Command command-file carries out the commands of the file module, called by API Gateway.
package main

import "github.com/interview-sandbox/annals/internal/app"

func main() { app.Start(app.CommandFile) }
