// Command bench measures what Trellis takes in against bare net/http handlers
// that commit one INSERT, on the same database, in one run: the two take turns,
// so that whatever else the machine does hits both. What counts is the ratio.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// options is the command line.
type options struct {
	rounds   int
	length   time.Duration
	callers  int
	postgres string
	floor    string // set in the child process that is the bare handler
	listen   string
}

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 5, "how often each takes its turn")
	flag.DurationVar(&o.length, "length", 2*time.Second, "how long a turn is")
	flag.IntVar(&o.callers, "callers", 16, "callers at once")
	flag.StringVar(&o.postgres, "postgres", os.Getenv("TRELLIS_TEST_DATABASE_URL"), "a PostgreSQL to measure on as well")
	flag.StringVar(&o.floor, "floor", "", "be the bare handler on this database")
	flag.StringVar(&o.listen, "listen", "", "the bare handler's address")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := o.run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func (o options) run(ctx context.Context, out io.Writer) error {
	if o.floor != "" {
		return serveFloor(ctx, o.floor, o.listen)
	}
	binary, remove, err := build(ctx)
	if err != nil {
		return err
	}
	defer remove()
	if err := o.measure(ctx, out, binary, "SQLite", ""); err != nil {
		return err
	}
	if o.postgres == "" {
		_, err := fmt.Fprintln(out, "PostgreSQL: not measured; set TRELLIS_TEST_DATABASE_URL")
		return err
	}
	return o.measure(ctx, out, binary, "PostgreSQL", o.postgres)
}

// measure compares the two on one database and prints the ratio.
func (o options) measure(ctx context.Context, out io.Writer, binary, name, database string) error {
	floor, err := startFloor(ctx, database)
	if err != nil {
		return err
	}
	defer floor.stop()
	ours, err := startTrellis(ctx, binary, database)
	if err != nil {
		return err
	}
	defer ours.stop()
	for _, l := range []load{{"send-test", "bare INSERT", (*target).order}, {"web hook", "bare HMAC and INSERT", (*target).hook}} {
		if err := o.compare(ctx, out, name, l, floor, ours); err != nil {
			return err
		}
	}
	return nil
}

// load is one kind of request, and what it is compared with.
type load struct {
	name, floor string
	send        func(t *target, ctx context.Context, c *http.Client) error
}

// compare lets the two take turns under one load.
func (o options) compare(ctx context.Context, out io.Writer, database string, l load, floor, ours *target) error {
	var floorRates, ourRates, ratios []float64
	for range o.rounds {
		f, err := o.turn(ctx, l, floor)
		if err != nil {
			return fmt.Errorf("%s: %w", l.floor, err)
		}
		t, err := o.turn(ctx, l, ours)
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		floorRates, ourRates, ratios = append(floorRates, f), append(ourRates, t), append(ratios, t/f)
	}
	_, err := fmt.Fprintf(out, "%-10s  %-9s %6.0f/s  %-20s %6.0f/s  ratio %.3f  (%.3f … %.3f over %d rounds of %v, %d callers)\n",
		database, l.name, median(ourRates), l.floor, median(floorRates), median(ratios), slices.Min(ratios), slices.Max(ratios), o.rounds, o.length, o.callers)
	return err
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// turn loads a target for one turn and returns the answers a second. One other
// than 200 ends the run: what was refused was not taken in.
func (o options) turn(ctx context.Context, l load, t *target) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, o.length)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: o.callers}}
	defer client.CloseIdleConnections()
	var done atomic.Int64
	errs := make(chan error, o.callers)
	var wg sync.WaitGroup
	began := time.Now()
	for range o.callers {
		wg.Go(func() {
			for ctx.Err() == nil {
				if err := l.send(t, ctx, client); err != nil {
					if ctx.Err() == nil {
						errs <- err
					}
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	close(errs)
	var failed error
	for err := range errs {
		failed = errors.Join(failed, err)
	}
	return float64(done.Load()) / time.Since(began).Seconds(), failed
}
