package metrics_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/metrics"
	"github.com/interview-sandbox/annals/internal/metrics/metricstest"
)

func TestTheMetadataOfEveryMetricKeepsTheSpecification(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	line := map[string]any{metrics.System: "annals", metrics.Function: "clock", metrics.Key: metrics.Of(at, metrics.All())}
	for _, m := range metrics.All() {
		line[m.Name] = 1.5
	}
	written, err := json.Marshal(line)
	if err != nil {
		t.Fatal(err)
	}
	found, err := metricstest.Read(written)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != len(metrics.All()) {
		t.Errorf("CloudWatch finds %v", found)
	}
	for _, m := range metrics.All() {
		want := []string{metrics.System, metrics.Function}
		if m.Global {
			want = []string{metrics.System}
		}
		f, ok := found[m.Name]
		if !ok || f.Namespace != metrics.Namespace || f.Unit != string(m.Unit) || !slices.Equal(f.Dimensions, want) || f.Value != 1.5 || !f.At.Equal(at) {
			t.Errorf("%s is found as %+v", m.Name, f)
		}
	}
}

func TestALineThatBreaksTheSpecificationIsFound(t *testing.T) {
	const start, end = `{"System":"annals","Function":"clock","Latency":1,"_aws":`, `}`
	directive := func(s string) string { return `{"Timestamp":1,"CloudWatchMetrics":[` + s + `]}` }
	for name, line := range map[string]string{
		"no JSON":                    `x`,
		"no metadata":                `{"Latency":1}`,
		"no time":                    start + `{"CloudWatchMetrics":[]}` + end,
		"a time before 1970":         start + `{"Timestamp":-1,"CloudWatchMetrics":[]}` + end,
		"no directives":              start + `{"Timestamp":1}` + end,
		"no namespace":               start + directive(`{"Dimensions":[["System"]],"Metrics":[{"Name":"Latency"}]}`) + end,
		"no dimensions":              start + directive(`{"Namespace":"A","Metrics":[{"Name":"Latency"}]}`) + end,
		"an empty dimension set":     start + directive(`{"Namespace":"A","Dimensions":[[]],"Metrics":[{"Name":"Latency"}]}`) + end,
		"a dimension without member": start + directive(`{"Namespace":"A","Dimensions":[["Stage"]],"Metrics":[{"Name":"Latency"}]}`) + end,
		"a dimension with a number":  start + directive(`{"Namespace":"A","Dimensions":[["Latency"]],"Metrics":[{"Name":"Latency"}]}`) + end,
		"a metric without member":    start + directive(`{"Namespace":"A","Dimensions":[["System"]],"Metrics":[{"Name":"Lag"}]}`) + end,
		"a metric with a text":       start + directive(`{"Namespace":"A","Dimensions":[["System"]],"Metrics":[{"Name":"Function"}]}`) + end,
		"no such unit":               start + directive(`{"Namespace":"A","Dimensions":[["System"]],"Metrics":[{"Name":"Latency","Unit":"Units"}]}`) + end,
		"a metric twice":             start + directive(`{"Namespace":"A","Dimensions":[["System"]],"Metrics":[{"Name":"Latency"},{"Name":"Latency"}]}`) + end,
	} {
		if found, err := metricstest.Read([]byte(line)); err == nil {
			t.Errorf("%s: %+v was found", name, found)
		}
	}
}
