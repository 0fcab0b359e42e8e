package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"github.com/interview-sandbox/annals/internal/topology"
)

// List prices in us-east-1, in dollars; infra/README.md says of when. Whoever has others sees
// other sums, in the same proportions.
const (
	priceWrite   = 0.625 / 1e6  // a write unit on demand
	priceRead    = 0.125 / 1e6  // a read unit on demand
	priceGB      = 0.0000133334 // a GB-second on arm64
	priceInvoke  = 0.20 / 1e6   // an invocation
	priceRequest = 1.00 / 1e6   // a request to an HTTP API
	metricHour   = 3600         // the period of what is shown in dollars an hour
	gigabyte     = 1024         // in MB
	wide, half   = 24, 12       // widths of widgets in CloudWatch's grid
	tall, flat   = 6, 1         // and heights
)

// dashboard answers three questions, each under its heading.
func (s *system) dashboard(alarms []awscloudwatch.CfnAlarm) {
	d := &board{region: *s.stack.Region()}

	d.heading("Is it healthy?")
	var arns []*string
	for _, a := range alarms {
		arns = append(arns, a.AttrArn())
	}
	d.add("alarm", wide, tall, map[string]any{"title": "Alarms", "alarms": arns})
	d.graph("Requests", []line{{m: s.ofAPI("Count", "Sum")}, {m: s.ofAPI("4xx", "Sum")}, {m: s.ofAPI("5xx", "Sum")}})
	d.graph("Latency, ms", []line{{m: s.ofAPI("Latency", "p50")}, {m: s.ofAPI("Latency", "p99")}})
	d.graph("Errors of functions", s.eachFunction("Errors"))
	d.graph("Throttles of functions", s.eachFunction("Throttles"))
	d.graph("Commands", []line{s.search("Commands", "Sum"), s.search("Conflicts", "Sum"), s.search("Replays", "Sum")})
	d.graph("Refusals and faults", []line{s.search("Refusals", "Sum"), s.search("Faults", "Sum")})
	d.graph("Latency by function, p99, ms", []line{s.search("Latency", "p99")})
	d.graph("Throttles of tables", []line{{expression: fmt.Sprintf(`SEARCH('{AWS/DynamoDB,Operation,TableName} MetricName="ThrottledRequests" "%s-"', 'Sum')`, s.props.Name), label: "throttled"}})

	d.heading("How far behind is it?")
	d.graph("From a commit to its projection, ms", []line{s.search("Lag", "p50"), s.search("Lag", "p99")})
	var ages, waiting []line
	for _, e := range topology.EventSources() {
		ages = append(ages, line{m: s.ofFunction("IteratorAge", "Maximum", e.Function), label: e.Function})
	}
	for _, q := range topology.Queues() {
		waiting = append(waiting,
			line{m: ofQueue("ApproximateAgeOfOldestMessage", *s.queues[q.ID].AttrQueueName()), label: q.ID + ", oldest, s"},
			line{m: ofQueue("ApproximateNumberOfMessagesVisible", *s.dead[q.ID].AttrQueueName()), label: q.ID + ", dead letters"})
	}
	d.graph("Age of what is read from the stream, ms", ages)
	d.graph("Queues", waiting)
	d.graph("Parked streams", []line{{m: s.own("Parked", "Maximum")}})

	d.heading("What does it cost?")
	writes, reads := s.eachTable("ConsumedWriteCapacityUnits"), s.eachTable("ConsumedReadCapacityUnits")
	costs := append(slices.Concat(hidden(writes, "w"), hidden(reads, "r"), s.lambdaCosts()),
		line{expression: cost(sum(ids("w", len(writes))), priceWrite), label: "DynamoDB writes"},
		line{expression: cost(sum(ids("r", len(reads))), priceRead), label: "DynamoDB reads"},
		line{m: s.ofAPI("Count", "Sum"), id: "requests", hidden: true},
		line{expression: cost("requests", priceRequest), label: "API"})
	d.add("metric", wide, tall, map[string]any{"title": "Dollars an hour, at the prices in infra/README.md", "view": "timeSeries", "stacked": true,
		"region": d.region, "period": metricHour, "metrics": lines(costs)})
	d.graph("Write units by table", writes)
	d.graph("Read units by table", reads)
	d.graph("Units that commands and projections count themselves", []line{s.search("WriteUnits", "Sum"), s.search("ReadUnits", "Sum")})
	d.graph("Invocations", s.eachFunction("Invocations"))

	name := awscloudwatch.NewCfnDashboard(s.stack, jsii.String("Dashboard"), &awscloudwatch.CfnDashboardProps{
		DashboardName: &s.props.Name, DashboardBody: jsii.String(d.body()),
	})
	s.output("DashboardUrl", "Whether it is healthy, how far behind it is, what it costs", awscdk.Fn_Join(jsii.String(""), &[]*string{
		jsii.String("https://console.aws.amazon.com/cloudwatch/home?region="), s.stack.Region(), jsii.String("#dashboards:name="), name.Ref()}))
}

// A line is one metric or expression in a graph.
type line struct {
	m                     metric
	expression, label, id string
	hidden                bool // it is only there for expressions
}

// search finds a metric of ours for every function.
func (s *system) search(name, stat string) line {
	return line{expression: fmt.Sprintf(`SEARCH('{Annals,Function,System} MetricName="%s" System="%s"', '%s')`, name, s.props.Name, stat), label: strings.TrimSuffix(name+" "+stat, " Sum") + " ${PROP('Dim.Function')}"}
}

func (s *system) eachFunction(name string) (all []line) {
	for _, f := range topology.Functions() {
		all = append(all, line{m: s.ofFunction(name, "Sum", f.Name), label: f.Name})
	}
	return all
}

func (s *system) eachTable(name string) (all []line) {
	for _, t := range topology.Tables() {
		all = append(all, line{m: metric{"AWS/DynamoDB", name, "Sum", map[string]*string{"TableName": s.tables[t.ID].Ref()}}, label: t.Suffix})
		for _, i := range t.Indexes {
			all = append(all, line{m: metric{"AWS/DynamoDB", name, "Sum", map[string]*string{"TableName": s.tables[t.ID].Ref(), "GlobalSecondaryIndexName": jsii.String(i.Name)}}, label: t.Suffix + " " + i.Name})
		}
	}
	return all
}

// lambdaCosts are what functions cost for their time and for being called. Sums are of lists, and
// each memory size has one of its own: adding two numbers shows nothing while one of them is not
// there, and a function that was not called has none.
func (s *system) lambdaCosts() (all []line) {
	sizes := map[int][]string{} // ids by MB
	functions := topology.Functions()
	for i, f := range functions {
		duration := fmt.Sprint("d", i)
		all = append(all,
			line{m: s.ofFunction("Duration", "Sum", f.Name), id: duration, hidden: true},
			line{m: s.ofFunction("Invocations", "Sum", f.Name), id: fmt.Sprint("i", i), hidden: true})
		sizes[f.Memory] = append(sizes[f.Memory], duration)
	}
	for _, size := range slices.Sorted(maps.Keys(sizes)) {
		price := float64(size) / gigabyte / 1000 * priceGB // of a millisecond
		all = append(all, line{expression: cost(sum(sizes[size]), price), label: fmt.Sprintf("Lambda, time at %d MB", size)})
	}
	return append(all, line{expression: cost(sum(ids("i", len(functions))), priceInvoke), label: "Lambda, invocations"})
}

// hidden gives lines ids to be named by in expressions: w0, w1, ….
func hidden(all []line, prefix string) []line {
	all = slices.Clone(all)
	for i := range all {
		all[i].id, all[i].hidden = fmt.Sprint(prefix, i), true
	}
	return all
}

func ids(prefix string, n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprint(prefix, i))
	}
	return all
}

// sum adds up metrics by their ids. SUM of a list is a line, and SUM of one metric a single number.
func sum(ids []string) string {
	if len(ids) == 1 {
		return ids[0]
	}
	return "SUM([" + strings.Join(ids, ",") + "])"
}

// cost writes the price of one as a decimal: metric math documents no exponents.
func cost(of string, price float64) string {
	return of + " * " + strings.TrimRight(strconv.FormatFloat(price, 'f', 15, 64), "0")
}

// lines are in the form of a dashboard's source: namespace, name, dimensions, options.
func lines(all []line) (out [][]any) {
	for _, l := range all {
		options, row := map[string]any{}, []any{}
		if l.expression != "" {
			options["expression"] = l.expression
		} else {
			row = append(row, l.m.namespace, l.m.name)
			for _, d := range slices.Sorted(maps.Keys(l.m.dimensions)) {
				row = append(row, d, l.m.dimensions[d])
			}
			options["stat"] = l.m.stat
		}
		if l.label != "" {
			options["label"] = l.label
		}
		if l.id != "" {
			options["id"] = l.id
		}
		if l.hidden {
			options["visible"] = false
		}
		out = append(out, append(row, options))
	}
	return out
}

// A board collects widgets; CloudWatch places them one after the other.
type board struct {
	region  string
	widgets []map[string]any
}

func (d *board) add(kind string, width, height int, properties map[string]any) {
	d.widgets = append(d.widgets, map[string]any{"type": kind, "width": width, "height": height, "properties": properties})
}

func (d *board) heading(question string) {
	d.add("text", wide, flat, map[string]any{"markdown": "## " + question, "background": "transparent"})
}

func (d *board) graph(title string, of []line) {
	d.add("metric", half, tall, map[string]any{"title": title, "view": "timeSeries", "region": d.region, "period": period, "metrics": lines(of)})
}

func (d *board) body() string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false) // CDK's placeholders have to stay as they are
	if err := e.Encode(map[string]any{"widgets": d.widgets}); err != nil {
		panic(err) // maps, lists, strings and numbers always encode
	}
	return out.String()
}
