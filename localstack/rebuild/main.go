// Command rebuild rebuilds a view of the stack in DATA_DIR (.local), which has to be running,
// shows how far it has come, and switches to what was built. A rebuild that is under way is
// picked up. Ended with Ctrl-C, it leaves the rebuild to itself.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var o order
	flag.StringVar(&o.view, "view", "", "name of the view")
	flag.BoolVar(&o.swap, "switch", true, "switch to what was built")
	flag.BoolVar(&o.cancel, "cancel", false, "give up the generation that is not read, and do nothing else")
	flag.BoolVar(&o.rollback, "rollback", false, "go back to the generation before, and do nothing else")
	flag.Parse()
	err := run(ctx, o, cmp.Or(os.Getenv("DATA_DIR"), ".local"))
	if errors.Is(err, context.Canceled) && o.watching() {
		fmt.Printf("\nThe rebuild of %s goes on. The same command watches it again; build/rebuild -view %[1]s -cancel ends it.\n", o.view)
		os.Exit(130)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "rebuild:", err)
		os.Exit(1)
	}
}

// order is what is to be done.
type order struct {
	view                   string
	swap, cancel, rollback bool
}

func (o order) watching() bool { return !o.cancel && !o.rollback }

func run(ctx context.Context, o order, dataDir string) error {
	a, err := connect(ctx, dataDir)
	if err != nil {
		return err
	}
	if o.view == "" {
		return a.choice(ctx, "say which view, as in make rebuild VIEW=users")
	}
	switch {
	case o.cancel:
		if err := a.command(ctx, o.view, "cancel"); err != nil {
			return err
		}
		say(o.view, "canceled")
		return nil
	case o.rollback:
		if err := a.command(ctx, o.view, "rollback"); err != nil {
			return err
		}
		return a.tell(ctx, o.view)
	}
	return rebuild(ctx, a, o)
}

func rebuild(ctx context.Context, a *api, o order) error {
	var refused *problem
	switch err := a.command(ctx, o.view, "rebuild"); {
	case err == nil:
		say(o.view, "the rebuild has begun")
	case errors.As(err, &refused) && refused.Type == "/problems/view-rebuilding":
		say(o.view, "is being rebuilt already")
	case errors.As(err, &refused) && refused.Status == 404:
		return a.choice(ctx, "there is no view "+o.view)
	default:
		return err
	}
	if err := watch(ctx, a, o.view); err != nil {
		return err
	}
	if !o.swap {
		say(o.view, "is rebuilt; POST /admin/views/%s/switch switches to it", o.view)
		return nil
	}
	if err := a.command(ctx, o.view, "switch"); err != nil {
		return err
	}
	if err := a.tell(ctx, o.view); err != nil {
		return err
	}
	say(o.view, "build/rebuild -view %s -rollback goes back", o.view)
	return nil
}

// pause is how long lies between two looks.
const pause = 250 * time.Millisecond

// watch shows how far the rebuild has come until it is at its end.
func watch(ctx context.Context, a *api, name string) error {
	b := newBar(os.Stdout)
	for {
		v, err := a.view(ctx, name)
		if err != nil {
			b.end()
			return err
		}
		switch v.Status {
		case "building":
			b.show(v)
		case "built":
			b.end()
			return nil
		default:
			b.end()
			return fmt.Errorf("the rebuild of %s was canceled, or switched to by somebody else; what the view has now is: %s", name, v.Status)
		}
		select {
		case <-ctx.Done():
			b.end()
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

func say(view, format string, args ...any) {
	fmt.Printf("%-10s "+format+"\n", append([]any{view}, args...)...)
}
