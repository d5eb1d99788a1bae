package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/internal/verify"
)

const day = 24 * time.Hour

type backupCommand struct {
	Dir          string `arg:"" help:"Directory of backups; each gets one of its own in it."`
	KeepDays     int    `name:"keep-days" default:"0" help:"Remove backups that are older; 0 keeps them."`
	KeepKeysDays int    `name:"keep-keys-days" default:"7" help:"Remove the keys of backups that are older: what was destroyed can come back for so long. 0 keeps them."`
}

// Run makes a backup, and has it put on the record.
func (b *backupCommand) Run(ctx context.Context, c *cli, logger *slog.Logger) error {
	if b.KeepDays < 0 || b.KeepKeysDays < 0 {
		return fmt.Errorf("%w: --keep-days and --keep-keys-days are 0 or more", node.ErrMisconfigured)
	}
	path, err := node.Backup(ctx, c.Config, node.BackupOptions{
		Dir: b.Dir, Keep: time.Duration(b.KeepDays) * day, KeepKeys: time.Duration(b.KeepKeysDays) * day, Version: version, Logger: logger, Now: time.Now,
	})
	if path != "" {
		if _, printed := fmt.Fprintln(os.Stdout, path); printed != nil {
			err = errors.Join(err, printed)
		}
	}
	if err != nil {
		return err
	}
	return c.recordNotes(ctx, logger)
}

// recordNotes puts on the record what a command noted, or says who will.
func (c *cli) recordNotes(ctx context.Context, logger *slog.Logger) error {
	recorded, err := node.RecordNotes(ctx, c.Config, node.Options{Version: version, Logger: logger})
	if err == nil && !recorded {
		logger.InfoContext(ctx, "the server that runs puts it on the record within a minute")
	}
	return err
}

type restoreCommand struct {
	Backup string `arg:"" help:"Directory of the backup."`
	Keys   string `help:"Take the keys of this backup instead."`
	Test   bool   `help:"Restore into a directory that is removed afterwards, and verify it. Servers may run."`
}

// errDrill is why a test of a backup ends with 1.
var errDrill = errors.New("what was restored is not what was backed up")

// Run restores a backup, or tries whether it could be.
func (r *restoreCommand) Run(ctx context.Context, c *cli, logger *slog.Logger) error {
	o := node.RestoreOptions{From: r.Backup, Keys: r.Keys, Logger: logger, Now: time.Now}
	if r.Test {
		return r.test(ctx, c, logger, o)
	}
	m, err := node.Restore(ctx, c.Config, o)
	if err != nil {
		return err
	}
	logger.InfoContext(ctx, "restored", "events", m.Position, "chains", m.Chains, "backup", m.ID)
	losses, err := node.Missing(ctx, c.Config, node.Options{Version: version, Logger: logger})
	if err != nil || len(losses) == 0 {
		return err
	}
	if err := printLosses(os.Stdout, losses); err != nil {
		return err
	}
	logger.WarnContext(ctx, "the backup is older than what was anchored: servers refuse to go on until `quantaseal recover --accept-loss` gives up what is listed")
	return nil
}

func (r *restoreCommand) test(ctx context.Context, c *cli, logger *slog.Logger, o node.RestoreOptions) error {
	var printed error
	tested, err := node.Drill(ctx, c.Config, o, func(report verify.Report) {
		printed = errors.Join(printed, (&verifyCommand{}).print(os.Stdout, &report))
	})
	if err = errors.Join(err, printed); err != nil {
		return err
	}
	if err := c.recordNotes(ctx, logger); err != nil {
		return err
	}
	if !tested.HeadMatch || !tested.RowsMatch {
		return errDrill
	}
	return nil
}
