// Command command-operator carries out the commands of the operator module, called by API Gateway.
package main

import "github.com/interview-sandbox/annals/internal/app"

func main() { app.Start(app.CommandOperator) }
