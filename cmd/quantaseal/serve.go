package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"runtime/pprof"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
)

type serveCommand struct {
	CPUProfile string `name:"cpu-profile" env:"QUANTASEAL_CPU_PROFILE" hidden:"" help:"File for a CPU profile of the whole run."`
}

// writers is how many more goroutines may run than there are cores: as many as
// wait for a disk most of the time. The runtime counts them as running while they
// do, and a core would stand idle for each.
const writers = 2

// Run serves until the process is asked to stop.
func (s *serveCommand) Run(ctx context.Context, c *cli, logger *slog.Logger) (err error) {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + writers)
	}
	n, err := node.Open(ctx, c.Config, node.Options{Version: version, Logger: logger})
	if err != nil {
		return err
	}
	defer func() {
		if closed := n.Close(); err == nil {
			err = closed
		}
	}()
	if s.CPUProfile != "" {
		file, err := os.Create(s.CPUProfile)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("%w: QUANTASEAL_ADDR: %w", node.ErrMisconfigured, err)
	}
	scheme := "http://"
	if c.TLSCert != "" {
		scheme = "https://"
	}
	logger.InfoContext(ctx, "serving", "url", scheme+listener.Addr().String(), "log_id", n.Ring.LogID().String())
	return n.Run(ctx, listener)
}

type migrateCommand struct{}

// Run brings the databases to this version's schema.
func (migrateCommand) Run(ctx context.Context, c *cli, logger *slog.Logger) error {
	n, err := node.Open(ctx, c.Config, node.Options{Version: version, Logger: logger})
	if err != nil {
		return err
	}
	logger.InfoContext(ctx, "the databases are up to date", "log_id", n.Ring.LogID().String())
	return n.Close()
}
