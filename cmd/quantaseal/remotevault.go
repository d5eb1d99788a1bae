package main

import (
	"context"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/quantaseal/quantaseal/client"
)

type sealCommand struct {
	remote
	Name    string `arg:"" help:"What to call it."`
	Type    string `help:"What it is, such as api_key or password."`
	TTLDays int    `name:"ttl-days" help:"For how many days it is good, 1 to 365."`
}

// Run seals what comes on standard input and prints the credential's handle.
func (s *sealCommand) Run(ctx context.Context) error {
	c, err := s.client(ctx)
	if err != nil {
		return err
	}
	value, err := readValue(os.Stdin)
	if err != nil {
		return err
	}
	defer clear(value)
	e, err := c.Seal(ctx, client.Seal{Name: s.Name, Type: s.Type, Values: value, TTLDays: s.TTLDays})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(os.Stdout, e.CredentialID)
	return err
}

type unsealCommand struct {
	remote
	ID     string `arg:"" help:"Handle or id of the credential."`
	Member string `help:"Print this member alone, as it is."`
}

// Run prints a value.
func (u *unsealCommand) Run(ctx context.Context) error {
	c, err := u.client(ctx)
	if err != nil {
		return err
	}
	v, err := c.Unseal(ctx, u.ID)
	if err != nil {
		return err
	}
	defer clear(v.Values)
	text := []byte(v.Values)
	if u.Member != "" {
		if text, err = member(v.Values, u.Member); err != nil {
			return err
		}
	}
	_, err = os.Stdout.Write(append(text, '\n'))
	return err
}

type listCommand struct {
	remote
	All  bool `help:"Also those that cannot be used: retired, expired."`
	JSON bool `name:"json" help:"Print all there is, as JSON."`
}

// Run prints a line for each credential.
func (l *listCommand) Run(ctx context.Context) error {
	c, err := l.client(ctx)
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	all := []client.Entry{}
	if _, err := fmt.Fprintln(out, "CREDENTIAL\tNAME\tTYPE\tVERSION\tEXPIRES\tACTIVE"); err != nil {
		return err
	}
	for e, err := range c.List(ctx, l.All) {
		if err != nil {
			return err
		}
		expires := "-"
		if e.ExpiresAt != nil {
			expires = e.ExpiresAt.UTC().Format(time.DateOnly)
		}
		if _, err := fmt.Fprintf(out, "%s\t%q\t%s\t%d\t%s\t%t\n", e.CredentialID, e.Name, e.Type, e.Version, expires, e.Active); err != nil {
			return err
		}
		all = append(all, e)
	}
	if l.JSON {
		return show(all)
	}
	return out.Flush()
}

type rotateCommand struct {
	remote
	ID  string `arg:"" help:"Handle or id of the credential."`
	New bool   `help:"Take a new value from standard input. Without it the value stays and its keys change."`
}

// Run rotates a credential and prints the id of its new version.
func (r *rotateCommand) Run(ctx context.Context) error {
	c, err := r.client(ctx)
	if err != nil {
		return err
	}
	var value []byte
	if r.New {
		if value, err = readValue(os.Stdin); err != nil {
			return err
		}
		defer clear(value)
	}
	e, err := c.Rotate(ctx, r.ID, value)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(os.Stdout, e.EntryID)
	return err
}

type deleteCommand struct {
	remote
	ID     string `arg:"" help:"Handle or id of the credential."`
	Retire bool   `help:"Take it out of use; it can be restored for 30 days."`
}

// Run destroys a credential, or retires it, and prints the receipt.
func (d *deleteCommand) Run(ctx context.Context) error {
	c, err := d.client(ctx)
	if err != nil {
		return err
	}
	end := c.Delete
	if d.Retire {
		end = c.Retire
	}
	receipt, err := end(ctx, d.ID)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(os.Stdout, receipt)
	return err
}
