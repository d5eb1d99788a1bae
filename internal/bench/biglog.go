package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// measureLog makes a log of so many events, exports it, verifies the export with
// qsverify, and asks the server for parts of it. Wall-clock times are worth what else
// the machine did; processor times are not.
func measureLog(ctx context.Context, s settings, dir string) error {
	qsverify := filepath.Join(dir, "qsverify")
	if out, err := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", qsverify, "github.com/quantaseal/quantaseal/cmd/qsverify").CombinedOutput(); err != nil {
		return fmt.Errorf("building qsverify: %w\n%s", err, out)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	n, err := node.Open(ctx, node.Config{
		Addr: "127.0.0.1:0", Data: filepath.Join(dir, "log"), KMS: "local", RateLimit: 10_000_000, AuthRateLimit: 10_000_000,
	}, node.Options{Version: "bench", Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return errors.Join(err, n.Close())
	}
	ran := make(chan error, 1)
	go func() { ran <- n.Run(ctx, listener) }()
	err = bigLog(ctx, s, n, listener.Addr().String(), qsverify, dir)
	cancel()
	return errors.Join(err, <-ran, n.Close())
}

func bigLog(ctx context.Context, s settings, n *node.Node, addr, qsverify, dir string) error {
	t, err := setUp(addr, 1)
	if err != nil {
		return err
	}
	by, _, err := n.Identity.AuthenticateKey(ctx, []byte(t.key))
	if err != nil {
		return err
	}
	by.Verdict = domain.Judged("")
	fmt.Printf("\na log of %d events           wall s      CPU s    peak MB\n", s.events)
	line := func(name string, wall, cpu time.Duration, peak float64) {
		fmt.Printf("%-28s %9.1f %10.1f %10.0f\n", name, wall.Seconds(), cpu.Seconds(), peak)
	}
	start, cpu := time.Now(), ownCPU()
	receipt, err := grow(ctx, n.Log, by, s.events)
	if err != nil {
		return err
	}
	line("appended", time.Since(start), ownCPU()-cpu, 0)
	if err := n.Views.Passed(ctx, receipt.Position); err != nil {
		return err
	}
	line("and in the read models", time.Since(start), ownCPU()-cpu, 0)
	bundle := filepath.Join(dir, "bundle.ndjson")
	start, cpu = time.Now(), ownCPU()
	size, err := export(ctx, n, by.Tenant, bundle)
	if err != nil {
		return err
	}
	line(fmt.Sprintf("exported, %d MB", size>>20), time.Since(start), ownCPU()-cpu, 0)
	for _, flags := range [][]string{nil, {"--fast"}} {
		wall, cpu, peak, err := verified(ctx, qsverify, append(flags, bundle)...)
		if err != nil {
			return err
		}
		line(strings.Join(append([]string{"qsverify"}, flags...), " "), wall, cpu, peak)
	}
	return pages(addr, t.key, t.ids[0])
}

// grow appends facts until there are so many.
func grow(ctx context.Context, log *eventstore.Log, by domain.Actor, events int) (last eventstore.Receipt, err error) {
	const batch = 256
	for done := 0; done < events; done += batch {
		facts := make([]eventstore.Fact, min(batch, events-done))
		for i := range facts {
			e := domain.Event(domain.AccessDenied{Permission: domain.ScopeVaultUnseal, Reason: "scope", Route: "vault.unseal"})
			if (done+i)%1000 == 0 { // something rare to look for
				e = domain.IntegrityViolated{Check: "bench"}
			}
			facts[i] = eventstore.Fact{Event: e, Aggregate: domain.AggregateID{Kind: domain.KindTenant, ID: by.Tenant.ID}}
		}
		if last, err = log.Append(ctx, by, facts...); err != nil {
			return last, err
		}
	}
	return last, nil
}

func export(ctx context.Context, n *node.Node, tenant domain.TenantID, path string) (size int64, err error) {
	file, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	out := bufio.NewWriterSize(file, 1<<16)
	if err := n.Export(ctx, out, tenant, "bundle", 0, nil); err != nil {
		return 0, err
	}
	size, err = file.Seek(0, io.SeekCurrent)
	return size, errors.Join(err, out.Flush(), file.Close())
}

// verified runs qsverify, which must find nothing wrong.
func verified(ctx context.Context, qsverify string, args ...string) (wall, cpu time.Duration, peakMB float64, err error) {
	start := time.Now()
	command := exec.CommandContext(ctx, qsverify, args...)
	out, err := command.CombinedOutput()
	if err != nil {
		return 0, 0, 0, fmt.Errorf("qsverify: %w\n%s", err, out)
	}
	state := command.ProcessState
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		peakMB = float64(usage.Maxrss) / 1024
	}
	return time.Since(start), state.UserTime() + state.SystemTime(), peakMB, nil
}

// pages asks for first pages of the audit log, each question many times.
func pages(addr, key, credential string) error {
	c, err := dial(addr, key)
	if err != nil {
		return err
	}
	defer c.close()
	fmt.Printf("\nfirst page of 20           p50 ms     p99 ms\n")
	for _, query := range []string{
		"", "&event_type=INTEGRITY_VIOLATION", "&outcome=failure", "&event_type=CREDENTIAL_SEALED", "&resource_id=" + credential, "&hours=24&action=vault.unseal",
	} {
		var took []time.Duration
		for range 200 {
			start := time.Now()
			status, answer, err := c.do(http.MethodGet, "/api/v2/audit/logs?limit=20"+query, "")
			if err != nil || status != http.StatusOK || !json.Valid(answer) {
				return fmt.Errorf("%s: %d, %w", query, status, err)
			}
			took = append(took, time.Since(start))
		}
		slices.Sort(took)
		fmt.Printf("%-24s %9.2f %10.2f\n", strings.TrimPrefix(query, "&")[:min(24, len(strings.TrimPrefix(query, "&")))],
			took[100].Seconds()*1e3, took[198].Seconds()*1e3)
	}
	return nil
}
