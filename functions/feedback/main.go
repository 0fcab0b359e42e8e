// Command feedback takes note of mail that came back or that somebody complained about.
package main

import "github.com/interview-sandbox/annals/internal/app"

func main() { app.Start(app.Feedback) }
