// Package metrics names what CloudWatch is told about the system, in one place for those who
// write it and those who watch it, and writes the metadata that makes metrics of a log line:
// the Embedded Metric Format,
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
package metrics

import "time"

// Namespace is that of all metrics.
const Namespace = "Annals"

// The dimensions, which are members of every line.
const (
	System   = "System"   // the prefix of the deployed names: "annals"
	Function = "Function" // the function's name in the topology: "command-auth"
)

// Metric is a metric of the system. What is zero in an invocation is not written, so no data
// means zero; but Latency and Parked are there whenever they are measured.
type Metric struct {
	Name string
	Unit Unit
	// Global is for a metric of the whole system, whose only dimension is System; any other is
	// of one function and has both.
	Global bool
}

// Unit is CloudWatch's name for a unit.
type Unit string

// The units in use.
const (
	Count        Unit = "Count"
	Milliseconds Unit = "Milliseconds"
)

// The metrics, each a member of the line of an invocation.
var (
	Commands   = Metric{Name: "Commands", Unit: Count}       // that were answered, however
	Conflicts  = Metric{Name: "Conflicts", Unit: Count}      // appends that found their version taken; most were decided again
	Replays    = Metric{Name: "Replays", Unit: Count}        // accepted commands that had been carried out before
	Refusals   = Metric{Name: "Refusals", Unit: Count}       // requests answered with 400 to 499
	Faults     = Metric{Name: "Faults", Unit: Count}         // requests answered with 500 or more, and records or invocations that failed
	Events     = Metric{Name: "Events", Unit: Count}         // that were stored
	ReadUnits  = Metric{Name: "ReadUnits", Unit: Count}      // of DynamoDB
	WriteUnits = Metric{Name: "WriteUnits", Unit: Count}     // of DynamoDB
	Latency    = Metric{Name: "Latency", Unit: Milliseconds} // of an invocation
	Lag        = Metric{Name: "Lag", Unit: Milliseconds}     // from a commit to the last view of it, the longest of a batch
	// Parked is how many streams a view or a reactor cannot follow, each minute.
	Parked = Metric{Name: "Parked", Unit: Count, Global: true}
)

// All lists every metric.
func All() []Metric {
	return []Metric{Commands, Conflicts, Replays, Refusals, Faults, Events, ReadUnits, WriteUnits, Latency, Lag, Parked}
}

// Key is the member of a line that holds its [Metadata].
const Key = "_aws"

// Metadata tells CloudWatch which members of a line are metrics.
type Metadata struct {
	Timestamp         int64 // milliseconds since 1970
	CloudWatchMetrics []directive
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []definition
}

type definition struct {
	Name string
	Unit Unit
}

// Of is the metadata of a line that has these metrics, written at a time.
func Of(at time.Time, written []Metric) Metadata {
	var own, global []definition
	for _, m := range written {
		if m.Global {
			global = append(global, definition{m.Name, m.Unit})
		} else {
			own = append(own, definition{m.Name, m.Unit})
		}
	}
	all := Metadata{Timestamp: at.UnixMilli()}
	if own != nil {
		all.CloudWatchMetrics = append(all.CloudWatchMetrics, directive{Namespace, [][]string{{System, Function}}, own})
	}
	if global != nil {
		all.CloudWatchMetrics = append(all.CloudWatchMetrics, directive{Namespace, [][]string{{System}}, global})
	}
	return all
}
