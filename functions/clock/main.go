// Command clock carries out what is due at deadlines, called every minute.
package main

import "github.com/interview-sandbox/annals/internal/app"

func main() { app.Start(app.Clock) }
