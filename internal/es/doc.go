// Package es is the event-sourcing core: streams, commits, the store's contract, and the
// way from a command to a commit (load, fold, decide, append). It knows no database and no
// transport.
package es
