//go:build race

package stacktest

var buildFlags = []string{"-race"}
