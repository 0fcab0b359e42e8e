// Command projector keeps the views of every module, called by the event table's stream.
package main

import "github.com/interview-sandbox/annals/internal/app"

func main() { app.Start(app.Projector) }
