// Command bootstrap opens the account of an operator, invoked by hand.
package main

import "github.com/interview-sandbox/annals/internal/app"

func main() { app.Start(app.Bootstrapper) }
