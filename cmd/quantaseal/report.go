package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/compliance"
	"github.com/quantaseal/quantaseal/internal/report"
)

type reportCommand struct {
	Verify verifyReportCommand `cmd:"" help:"Compute a compliance report again from an exported chain. Needs no server and no database."`
}

type verifyReportCommand struct {
	Directory string `arg:"" type:"existingdir" help:"Directory that holds the files of the report, and nothing else."`
	Bundle    string `required:"" type:"existingfile" help:"The tenant's chain, exported after the report was made."`
	LogID     string `name:"log-id" help:"Log id of the deployment, from a source that is not the report; as the report says if empty."`
}

// Run prints each step that holds. It fails at the first that does not.
func (c *verifyReportCommand) Run(ctx context.Context) error {
	v := report.Verification{Files: map[string][]byte{}, Now: time.Now, Tell: func(step string) { _, _ = fmt.Fprintln(os.Stdout, step) }}
	if c.LogID != "" {
		id, ok := chain.ParseHash(c.LogID)
		if !ok {
			return fmt.Errorf("%w: --log-id: want 64 hexadecimal digits", node.ErrMisconfigured)
		}
		v.LogID = &id
	}
	entries, err := os.ReadDir(c.Directory)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		if v.Files[e.Name()], err = os.ReadFile(filepath.Join(c.Directory, e.Name())); err != nil {
			return err
		}
	}
	bundle, err := os.Open(c.Bundle)
	if err != nil {
		return err
	}
	defer func() { _ = bundle.Close() }() // it was only read
	v.Bundle = bundle
	if v.Catalogue, err = compliance.Load(); err != nil {
		return err
	}
	if err := v.Verify(ctx); err != nil {
		return err
	}
	root := "the root key is pinned"
	if v.LogID == nil {
		root = "root not pinned: the report's own log id was believed"
	}
	_, err = fmt.Fprintln(os.Stdout, "verified;", root)
	return err
}
