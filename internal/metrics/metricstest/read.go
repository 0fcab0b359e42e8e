// Package metricstest reads lines of a log as CloudWatch does, strictly by the specification
// and the schema of the Embedded Metric Format:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
package metricstest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Found is a metric with one value.
type Found struct {
	Namespace  string
	Dimensions []string // their names
	Unit       string
	Value      float64
	At         time.Time
}

const (
	maxDimensions = 30   // in a set
	maxMetrics    = 100  // in a directive
	maxName       = 1024 // characters of a namespace or a metric's name
	maxDimension  = 250  // characters of a dimension's name
)

var units = strings.Fields(`Seconds Microseconds Milliseconds Bytes Kilobytes Megabytes Gigabytes Terabytes Bits Kilobits
	Megabits Gigabits Terabits Percent Count Bytes/Second Kilobytes/Second Megabytes/Second Gigabytes/Second Terabytes/Second
	Bits/Second Kilobits/Second Megabits/Second Gigabits/Second Terabits/Second Count/Second None`)

type metadata struct {
	Timestamp         *int64
	CloudWatchMetrics *[]struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []struct {
			Name, Unit        string
			StorageResolution *int
		}
	}
}

// Read gives the metrics of a line by their names. The error says what would keep CloudWatch
// from finding one.
func Read(line []byte) (map[string]Found, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(line, &members); err != nil {
		return nil, fmt.Errorf("the line is no JSON object: %w", err)
	}
	var about metadata
	if err := json.Unmarshal(members["_aws"], &about); err != nil {
		return nil, fmt.Errorf("_aws: %w", err)
	}
	switch {
	case about.Timestamp == nil || *about.Timestamp < 0:
		return nil, fmt.Errorf("_aws has no Timestamp")
	case about.CloudWatchMetrics == nil:
		return nil, fmt.Errorf("_aws has no CloudWatchMetrics")
	}
	found := map[string]Found{}
	for _, d := range *about.CloudWatchMetrics {
		if len(d.Namespace) < 1 || len(d.Namespace) > maxName {
			return nil, fmt.Errorf("a namespace has %d characters", len(d.Namespace))
		}
		if len(d.Dimensions) < 1 {
			return nil, fmt.Errorf("there is no set of dimensions")
		}
		for _, set := range d.Dimensions {
			if len(set) < 1 || len(set) > maxDimensions {
				return nil, fmt.Errorf("a set has %d dimensions", len(set))
			}
			for _, name := range set {
				var value string
				if err := json.Unmarshal(members[name], &value); err != nil || value == "" || name == "" || len(name) > maxDimension {
					return nil, fmt.Errorf("dimension %q has the value %s", name, members[name])
				}
			}
		}
		if len(d.Metrics) > maxMetrics {
			return nil, fmt.Errorf("a directive has %d metrics", len(d.Metrics))
		}
		for _, m := range d.Metrics {
			f := Found{Namespace: d.Namespace, Dimensions: d.Dimensions[0], Unit: m.Unit, At: time.UnixMilli(*about.Timestamp)}
			_, twice := found[m.Name]
			switch {
			case len(m.Name) < 1 || len(m.Name) > maxName || twice:
				return nil, fmt.Errorf("metric %q is there twice or has no name", m.Name)
			case m.Unit != "" && !slices.Contains(units, m.Unit):
				return nil, fmt.Errorf("metric %s has the unit %q", m.Name, m.Unit)
			case m.StorageResolution != nil && *m.StorageResolution != 1 && *m.StorageResolution != 60:
				return nil, fmt.Errorf("metric %s has the resolution %d", m.Name, *m.StorageResolution)
			}
			if err := json.Unmarshal(members[m.Name], &f.Value); err != nil {
				return nil, fmt.Errorf("metric %s has the value %s", m.Name, members[m.Name])
			}
			found[m.Name] = f
		}
	}
	return found, nil
}
