package cli

import (
	"io"

	"github.com/spf13/cobra"

	"beanpole/internal/check"
	"beanpole/internal/report"
)

// ofAccount checks a bundle, or what is deployed, against a live account or a
// saved reading of one.
func (k *checking) ofAccount(c *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usageError("one account is checked with one PATH; %d were given", len(args))
	}
	if err := checkRegion(k.region); err != nil {
		return err
	}
	if err := k.readPlan(); err != nil {
		return err
	}
	l, err := k.look(c.Context(), c.ErrOrStderr())
	defer l.end(c.ErrOrStderr())
	if err != nil {
		return err
	}
	p, err := l.read(c, args, false)
	if err != nil {
		return err
	}
	defer p.bundle.Close()
	found, err := check.Run(p.input())
	if err != nil {
		return err
	}
	l.screen.now("")
	return k.toOutput(c.OutOrStdout(), func(w io.Writer) error {
		if k.format == "text" {
			err = p.show(w, found)
		} else {
			err = k.formatted(w, p, found)
		}
		if err != nil {
			return err
		}
		return p.untold(found)
	})
}

// read is what is checked, with all that its fetches depend on read and, where
// --save asks for it, written. failed: it is what was deployed. The caller closes
// the bundle.
func (l *looking) read(c *cobra.Command, args []string, failed bool) (*prediction, error) {
	p, err := l.subject(c, args)
	if err != nil {
		return nil, err
	}
	p.isDeployed = p.isDeployed || failed
	if err = l.needed(c.Context(), p); err == nil {
		err = l.keep()
	}
	if err != nil {
		p.bundle.Close()
		return nil, err
	}
	return p, nil
}

// subject is what is checked: PATH, the bundle that was fetched, or what is
// deployed.
func (l *looking) subject(c *cobra.Command, args []string) (*prediction, error) {
	if len(args) == 1 {
		return l.p.of(args[0])
	}
	fetched, err := l.fetch(c.Context())
	if err != nil {
		return nil, err
	}
	if fetched == "" {
		return l.p.deployed()
	}
	p, err := l.p.of(fetched)
	if err == nil {
		p.isDeployed = true
	}
	return p, err
}

// formatted writes one report in the form of --format.
func (k *checking) formatted(w io.Writer, p *prediction, found *check.Report) error {
	format := report.New(k.format, Version)
	b := &report.Bundle{Path: p.path, Name: p.name, Read: p.read, Report: found}
	if p.parsed != nil {
		b.Template = p.parsed.File
	}
	p.typed(found.Findings)
	p.typed(found.Unsettled)
	if _, err := io.WriteString(w, format.Head()+format.Bundle(b)+format.Tail(report.Count(b))); err != nil {
		return err
	}
	if len(found.Findings) > 0 {
		return errFindings
	}
	return nil
}
