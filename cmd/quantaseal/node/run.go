package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/quantaseal/quantaseal/internal/listen"
)

// After how many destructions, and how often at least, the keys' database is
// written anew without what was destroyed.
const (
	vacuumAfter = 1000
	vacuumEvery = 24 * time.Hour
)

// How often the reconciler looks for work, and how long requests in flight and the
// last record may take when the node stops.
const (
	reconcileEvery = 30 * time.Second
	shutdownGrace  = 20 * time.Second
	recordGrace    = 5 * time.Second // for what was refused and is not on the record yet
	drainGrace     = 250 * time.Millisecond
	drainLook      = 5 * time.Millisecond
)

// Run keeps read models and the reconciler going until ctx ends, and serves on
// listener meanwhile, or nothing if it is nil. What was accepted is finished.
func (n *Node) Run(ctx context.Context, listener net.Listener) error {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, failed := errgroup.WithContext(background)
	group.Go(func() error { return n.Views.Run(failed) })
	group.Go(func() error { return n.Log.Watch(failed) })
	group.Go(func() error { n.Anchors.Run(failed); return nil })
	group.Go(func() error { n.reconcile(failed); return nil })
	group.Go(func() error { n.runJobs(failed); return nil })
	if n.post != nil {
		group.Go(func() error { n.post.Run(failed); return nil })
	}
	group.Go(func() error { return n.letters.Run(failed) })
	group.Go(func() error { n.sweepLimits(failed); return nil })
	group.Go(func() error { return n.serveMetrics(failed) })
	until, cancel := context.WithCancel(failed)
	defer context.AfterFunc(ctx, cancel)()
	defer cancel()
	var served error
	if listener != nil {
		served = n.serve(until, listener)
	} else {
		<-until.Done()
	}
	last, cancel := context.WithTimeout(background, recordGrace)
	defer cancel()
	n.recordFailures(last, true)
	stop()
	err := group.Wait()
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(served, err)
}

// serve answers requests until ctx ends. Those that have begun then are finished.
func (n *Node) serve(ctx context.Context, inner net.Listener) error {
	listener := listen.New(inner, n.connections(ctx))
	n.listener.Store(listener)
	server := n.Server.HTTP() //nolint:contextcheck // each request brings its own
	server.ConnState = listener.ConnState
	done := make(chan error, 1)
	go func() {
		if n.certificate == nil {
			done <- server.Serve(listener)
			return
		}
		server.TLSConfig = n.certificate.Config(n.config.TLSClassic)
		done <- server.ServeTLS(listener, "", "")
	}()
	select {
	case err := <-done:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	n.Server.Drain()
	look := time.NewTicker(drainLook)
	defer look.Stop()
	for start := time.Now(); listener.Busy() > 0 && time.Since(start) < drainGrace; {
		<-look.C // closing an idle connection can hit a request that is just arriving: have few
	}
	if err := server.Shutdown(grace); err != nil {
		return errors.Join(fmt.Errorf("stopping: %w", err), server.Close())
	}
	return nil
}

func (n *Node) reconcile(ctx context.Context) {
	tick := time.NewTicker(n.pause)
	defer tick.Stop()
	vacuumed := time.Now()
	for n.Log.Halted() == nil { // else what is not on the log is not to be swept away
		if shredded := n.sealed.Shredded(); shredded > vacuumAfter || shredded > 0 && time.Since(vacuumed) > vacuumEvery {
			vacuumed = time.Now()
			if err := n.sealed.Vacuum(ctx); err != nil && ctx.Err() == nil {
				n.logger.ErrorContext(ctx, "the database of keys was not written anew", "err", err)
			}
		}
		if err := n.takeNotes(ctx); err != nil && ctx.Err() == nil {
			n.logger.ErrorContext(ctx, "a note of a command was not taken", "err", err)
		}
		if err := n.Reconciler.Run(ctx, requestID()); err != nil && ctx.Err() == nil {
			n.logger.ErrorContext(ctx, "the reconciler left something undone", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
