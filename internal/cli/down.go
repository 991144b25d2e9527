package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"beanpole/internal/instance"
)

func downCommand() *cobra.Command {
	var state string
	c := &cobra.Command{
		Use:   "down",
		Short: "end the local environment and leave nothing behind",
		Long: `down ends the local AWS of this project with its environments, instances, load
balancers and buckets, clears away whatever a killed beanpole left, and removes
the state folder. A folder that holds anything else is left as it is.`,
		Example: `  beanpole down`,
		Args:    atMost(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := findProject(state)
			if err != nil {
				return err
			}
			if err := p.own(); err != nil {
				return err
			}
			if !p.used() {
				fmt.Fprintln(c.OutOrStdout(), "nothing to end: there is no local AWS here")
				return nil
			}
			if err := p.endAll(c.Context()); err != nil {
				return err
			}
			if err := p.clear(); err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), "the local AWS is gone, with all that it ran")
			return nil
		},
	}
	c.Flags().StringVar(&state, "state", "", "`FOLDER` of the local AWS (default: the nearest .beanpole from here upwards)")
	return c
}

// endAll ends who serves this project. One that is only just starting, or has
// begun to end, is waited for.
func (p *project) endAll(ctx context.Context) error {
	for deadline := time.Now().Add(endWait); ; {
		s, err := p.serving()
		if err != nil {
			return err
		}
		if s != nil {
			return p.end(ctx, s)
		}
		if free, err := p.lockFree(); err != nil || free {
			return err
		}
		if time.Now().After(deadline) {
			return p.inUse()
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// clear removes a state folder that nobody serves, with what is left of its
// instances.
func (p *project) clear() error {
	lock, err := p.lock()
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := instance.Sweep(p.dir); err != nil {
		return fmt.Errorf("clear away instances: %w", err)
	}
	if err := p.remove(); err != nil && !errors.Is(err, fs.ErrNotExist) { // another down did it
		return fmt.Errorf("remove the state folder: %w", err)
	}
	return nil
}
