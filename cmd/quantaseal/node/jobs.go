package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/internal/verify"
)

// How often a node looks for jobs that are due, and how long after the last time one
// is. What checks ask for within a day is done in less, so that it is never missing.
const (
	jobsEvery = 10 * time.Minute
	dueAfter  = 20 * time.Hour
)

// jobsLock is the place of whoever does the jobs among the advisory locks of a
// database: "QSjobs".
const jobsLock = 0x51536a6f6273

// runJobs does what is due until ctx ends, for the first time after one pause: a
// server that is just started again and again does nothing else.
func (n *Node) runJobs(ctx context.Context) {
	tick := time.NewTicker(n.jobsPause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := n.Jobs(ctx); err != nil && ctx.Err() == nil {
			n.logger.ErrorContext(ctx, "not every job could be done", "err", err)
		}
	}
}

// Jobs does once what the platform has to look after and is due: it attests the key
// service, observes the clock, probes the isolation of tenants and verifies every
// chain with what is stored beside it, and puts each result on the record. Of several
// nodes one does, and the others leave it to that one. What fails is tried again the
// next time, and keeps nothing else from being done.
func (n *Node) Jobs(ctx context.Context) error {
	if n.Log.Halted() != nil {
		return nil
	}
	own := errors.Join(n.recordStart(ctx), n.takeNotes(ctx))
	resign, leads, err := n.leadJobs(ctx)
	if err != nil || !leads {
		return errors.Join(own, err)
	}
	defer resign()
	if err := n.Views.CatchUp(ctx); err != nil {
		return errors.Join(own, fmt.Errorf("bringing the read models up to date: %w", err))
	}
	errs := []error{
		own,
		n.whenDue(ctx, domain.KMSAttested{}, n.attestKMS),
		n.whenDue(ctx, domain.ClockSyncObserved{}, n.observeClock),
		n.whenDue(ctx, domain.IsolationTested{}, n.probeIsolation),
		n.verifyDue(ctx),
	}
	return errors.Join(errs...)
}

// leadJobs returns whether this node does the jobs now; until it resigns no other
// does. On SQLite there is no other.
func (n *Node) leadJobs(ctx context.Context) (resign func(), leads bool, err error) {
	if n.Views.Embedded {
		return func() {}, true, nil
	}
	conn, err := n.Views.DB.Conn(ctx)
	if err != nil {
		return nil, false, fmt.Errorf("asking who does the jobs: %w", err)
	}
	if err := conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1)`, int64(jobsLock)).Scan(&leads); err != nil || !leads {
		if err != nil {
			err = fmt.Errorf("asking who does the jobs: %w", err)
		}
		_ = conn.Close()
		return nil, false, err
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_, _ = conn.ExecContext(ctx, `SELECT pg_advisory_unlock($1)`, int64(jobsLock)) // or the connection is gone, and the lock with it
		_ = conn.Close()
	}, true, nil
}

// due reports whether the last fact like e on a chain is so old that the next one is due.
func (n *Node) due(ctx context.Context, tenant domain.TenantID, like ...domain.Event) (bool, error) {
	for _, e := range like {
		last, err := n.Queries.LastFact(ctx, tenant, e.EventType().Name)
		if err != nil {
			return false, err
		}
		if n.now().Sub(last) < dueAfter {
			return false, nil
		}
	}
	return true, nil
}

// whenDue has a job find out about the platform, if that is due, and records what it
// found: nothing, if there is nothing to say.
func (n *Node) whenDue(ctx context.Context, like domain.Event, job func(ctx context.Context) ([]domain.PlatformEvent, error)) error {
	due, err := n.due(ctx, domain.TenantID{}, like)
	if err != nil || !due {
		return err
	}
	found, err := job(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", like.EventType().Name, err)
	}
	return n.recordPlatform(ctx, found...)
}

// recordPlatform puts facts about the platform on the system chain.
func (n *Node) recordPlatform(ctx context.Context, found ...domain.PlatformEvent) error {
	var facts []eventstore.Fact
	for _, e := range found {
		facts = append(facts, eventstore.Fact{Event: e, Aggregate: domain.DirectoryAggregate})
	}
	if len(facts) == 0 {
		return nil
	}
	if _, err := n.Log.Append(ctx, domain.System(domain.TenantID{}, requestID()), facts...); err != nil {
		return fmt.Errorf("recording what a job found: %w", err)
	}
	return nil
}

// verifyDue verifies every chain that was not verified lately, one after the other,
// and with the system chain looks for records of nobody.
func (n *Node) verifyDue(ctx context.Context) error {
	tenants, err := n.Anchors.Tenants(ctx)
	if err != nil {
		return err
	}
	gentle := *n.Verifier
	gentle.Workers = 1 // requests come first
	var errs []error
	for i, tenant := range append([]domain.TenantID{{}}, tenants...) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		due, err := n.due(ctx, tenant, domain.AuditChainVerified{}, domain.ChainVerificationFailed{})
		if err != nil || !due {
			errs = append(errs, err)
			continue
		}
		if _, _, err := n.verify(ctx, &gentle, domain.System(tenant, requestID()), verify.Options{}); err != nil {
			errs = append(errs, err)
		}
		if i > 0 {
			continue
		}
		_, err = n.Verifier.Orphans(ctx, domain.TenantID{}, func(f verify.Finding) {
			n.logger.ErrorContext(ctx, "a verification found what should not be", "tenant", domain.ID(f.Tenant).String(), "check", f.Check, "detail", f.Detail)
		})
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
