package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// appendRow is how many commands in a second clients carry out side by side, each on an
// account of its own that it is warm for.
type appendRow struct {
	Design  string    `json:"design"`
	Events  int       `json:"eventsInACommand"`
	Clients []float64 `json:"commandsPerSecond"` // by number of clients, as in clients
}

var clients = []int{1, 4, 16}

const (
	appendRounds = 5
	appendTime   = 400 * time.Millisecond
)

// measureAppends has every number of clients append with every design, in turn.
func measureAppends(ctx context.Context, e *engine) (rows []appendRow, err error) {
	var crowds []*crowd
	for _, events := range []int{1, 3} {
		for _, d := range designs {
			c, err := e.gather(ctx, d, events)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", d.name, err)
			}
			crowds = append(crowds, c)
		}
	}
	rates := map[*crowd]map[int][]float64{}
	for r := range appendRounds {
		progress("appending, round %d of %d", r+1, appendRounds)
		for _, n := range clients {
			for _, c := range crowds {
				rate, err := c.append(ctx, n)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", c.design.name, err)
				}
				if rates[c] == nil {
					rates[c] = map[int][]float64{}
				}
				rates[c][n] = append(rates[c][n], rate)
			}
		}
	}
	for _, c := range crowds {
		row := appendRow{Design: c.design.name, Events: c.events}
		for _, n := range clients {
			row.Clients = append(row.Clients, median(rates[c][n]))
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// crowd is processes of one design, each with an account of its own.
type crowd struct {
	design    design
	events    int // in a command
	processes []process
	requests  atomic.Int64
}

func (e *engine) gather(ctx context.Context, d design, events int) (*crowd, error) {
	c := &crowd{design: d, events: events}
	c.requests.Store(firstRequest)
	for i := range clients[len(clients)-1] {
		p := d.start(e.client())
		if err := p.create(ctx, warmUp, c.account(i), false); err != nil {
			return nil, err
		}
		c.processes = append(c.processes, p)
	}
	return c, nil
}

func (c *crowd) account(i int) string { return idOf(fmt.Sprintf("appended, %d", c.events), i) }

// append gives how many commands in a second so many of the processes carry out.
func (c *crowd) append(ctx context.Context, n int) (rate float64, err error) {
	var done atomic.Int64
	begun := time.Now()
	g, ctx := errgroup.WithContext(ctx)
	for i, p := range c.processes[:n] {
		g.Go(func() error {
			for time.Since(begun) < appendTime {
				if err := p.execute(ctx, int(c.requests.Add(1)), c.account(i), change(c.events)); err != nil {
					return err
				}
				done.Add(1)
			}
			return nil
		})
	}
	err = g.Wait()
	return float64(done.Load()) / time.Since(begun).Seconds(), err
}
