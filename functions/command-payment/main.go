// Command command-payment carries out the commands of the payment module, called by API Gateway.
package main

import "github.com/interview-sandbox/annals/internal/app"

func main() { app.Start(app.CommandPayment) }
