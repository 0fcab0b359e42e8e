// Command reactor carries out what follows from events, called by the event table's stream.
package main

import "github.com/interview-sandbox/annals/internal/app"

func main() { app.Start(app.Reactor) }
