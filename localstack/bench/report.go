package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// report is all that was measured in one run. The order of the designs is that of designs.
type report struct {
	Go       string       `json:"go"`
	Cores    int          `json:"cores"` // for this program and the database together
	Commands []commandRow `json:"commands"`
	Folds    []foldRow    `json:"folds"`
	Loads    []loadRow    `json:"coldLoads"`
	Appends  []appendRow  `json:"appends"`
}

func (r report) json() ([]byte, error) {
	b, err := json.MarshalIndent(r, "", "  ")
	return append(b, '\n'), err
}

// price weighs the units as on-demand tables are billed: a write unit costs five read units
// (aws.amazon.com/dynamodb/pricing/on-demand).
func (c cost) price() float64 { return 5*c.WriteUnits + c.ReadUnits }

func (r report) print(w io.Writer) {
	r.printCommands(w)
	r.printAppends(w)
	r.printFolds(w)
	r.printLoads(w)
}

func (r report) printCommands(w io.Writer) {
	fmt.Fprintln(w, "Commands: round trips, read and write units; price and time beside Annals'")
	fmt.Fprintf(w, "%-24s", "")
	for i, d := range designs {
		fmt.Fprintf(w, " | %-*s", len(columns(i)), d.name)
	}
	fmt.Fprintf(w, "\n%-24s", "")
	for i := range designs {
		fmt.Fprint(w, " | ", columns(i))
	}
	fmt.Fprintln(w)
	for _, row := range r.Commands {
		fmt.Fprintf(w, "%-24s", row.Kind)
		for i, s := range row.Designs {
			fmt.Fprintf(w, " | %2d %5.1f %5.1f", s.Requests, s.ReadUnits, s.WriteUnits)
			switch {
			case i > 0 && s.Requests == 0:
				fmt.Fprintf(w, "%7s%7s", "-", "-")
			case i > 0:
				fmt.Fprint(w, times(s.price()/row.Designs[0].price()), times(s.beside(row.Designs[0])))
			}
		}
		fmt.Fprintln(w)
	}
}

func columns(design int) string {
	if design == 0 {
		return "rt  read write"
	}
	return "rt  read write  price   time"
}

func (r report) printAppends(w io.Writer) {
	fmt.Fprintf(w, "\nAppends: commands in a second beside one client's, database and clients on %d cores\n%-24s |  1 client", r.Cores, "")
	for _, n := range clients[1:] {
		fmt.Fprintf(w, "  %2d clients", n)
	}
	fmt.Fprintln(w)
	for _, row := range r.Appends {
		fmt.Fprintf(w, "%-13s, %d %-7s | %7.0f/s", row.Design, row.Events, plural("event", row.Events), row.Clients[0])
		for _, rate := range row.Clients[1:] {
			fmt.Fprintf(w, "     %s", times(rate/row.Clients[0]))
		}
		fmt.Fprintln(w)
	}
}

func (r report) printFolds(w io.Writer) {
	fmt.Fprintf(w, "\nFolding on one core\n%-24s |    events/s  allocations an event\n", "")
	for _, row := range r.Folds {
		fmt.Fprintf(w, "%-24s | %11s %21.1f\n", row.What, thousands(int(row.EventsPerS)), row.AllocsPerEvent)
	}
}

func (r report) printLoads(w io.Writer) {
	fmt.Fprintln(w, "\nCold loads: time beside that of 100 events with snapshot, round trips, read units")
	fmt.Fprintf(w, "%-24s | %-19s | without\n%-24s |    time  rt    read |    time  rt    read\n", "", "with snapshot", "")
	for _, row := range r.Loads {
		fmt.Fprintf(w, "%17s events", thousands(row.Events))
		for _, s := range []sample{row.With, row.Whole} {
			fmt.Fprintf(w, " | %s %3d %7.1f", times(s.beside(r.hundred().With)), s.Requests, s.ReadUnits)
		}
		fmt.Fprintln(w)
	}
}

// beside is how many times as long as the other one it took.
func (s sample) beside(other sample) float64 { return float64(s.Took) / float64(other.Took) }

func times(ratio float64) string {
	if ratio < 100 {
		return fmt.Sprintf("%6.2fx", ratio)
	}
	return fmt.Sprintf("%6.0fx", ratio)
}

func plural(noun string, n int) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

func (r report) hundred() loadRow { return r.Loads[1] }
func (r report) longest() loadRow { return r.Loads[len(r.Loads)-1] }

// judge gives what does not hold of what has to.
func (r report) judge() error {
	var broken []string
	if flat := r.longest().With.beside(r.hundred().With); flat > 1.5 {
		broken = append(broken, fmt.Sprintf("a cold load of %d events takes %.2f times as long as one of %d, with snapshots; at most 1.5 is promised", r.longest().Events, flat, r.hundred().Events))
	}
	if rate := r.Folds[0].EventsPerS; rate < 1e6 {
		broken = append(broken, fmt.Sprintf("%.0f events/s are folded; 1,000,000 are promised", rate))
	}
	if broken != nil {
		return errors.New(strings.Join(broken, "\n"))
	}
	return nil
}
