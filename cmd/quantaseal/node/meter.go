package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/internal/keyring"
	"github.com/quantaseal/quantaseal/internal/listen"
	"github.com/quantaseal/quantaseal/internal/metrics"
)

// scrapePatience bounds what a scrape asks of the store.
const scrapePatience = 2 * time.Second

// openMeter makes the meter if the configuration names an address for it, and
// listens there.
func (n *Node) openMeter(ctx context.Context, version string) error {
	if n.config.MetricsAddr == "" {
		return nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", n.config.MetricsAddr)
	if err != nil {
		return fmt.Errorf("%w: QUANTASEAL_METRICS_ADDR: %w", ErrMisconfigured, err)
	}
	n.metered = listener
	n.closes = append(n.closes, func() error {
		if err := listener.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil // serving it closed it
	})
	n.meter = metrics.New(version, metrics.Sources{
		Log: func() eventstore.Figures { return n.Log.Figures() },
		Last: func() (eventstore.Position, error) {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), scrapePatience)
			defer cancel()
			return n.Log.Store.Last(ctx)
		},
		Shown:      func() eventstore.Position { return n.Views.Position() },
		Standstill: func() error { return n.Views.Err() },
		Connections: func() listen.Figures {
			if l := n.listener.Load(); l != nil {
				return l.Figures()
			}
			return listen.Figures{}
		},
	})
	return nil
}

// MetricsURL returns where metrics are served while Run runs; "" = nowhere.
func (n *Node) MetricsURL() string {
	if n.metered == nil {
		return ""
	}
	return "http://" + n.metered.Addr().String() + "/metrics"
}

// serveMetrics serves until ctx ends.
func (n *Node) serveMetrics(ctx context.Context) error {
	if n.meter == nil {
		return nil
	}
	server := n.meter.Server(n.logger)
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(n.metered); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving metrics: %w", err)
	}
	return nil
}

// meteredKMS counts the calls to a KMS.
type meteredKMS struct {
	keyring.KMS
	meter *metrics.Meter
}

// GenerateDataKey implements keyring.KMS.
func (k meteredKMS) GenerateDataKey(ctx context.Context, kctx map[string]string) (plaintext, blob []byte, err error) {
	start := time.Now()
	plaintext, blob, err = k.KMS.GenerateDataKey(ctx, kctx)
	k.meter.KMSCalled("generate_data_key", time.Since(start), err)
	return plaintext, blob, err
}

// Encrypt implements keyring.KMS.
func (k meteredKMS) Encrypt(ctx context.Context, kctx map[string]string, plaintext []byte) ([]byte, error) {
	start := time.Now()
	blob, err := k.KMS.Encrypt(ctx, kctx, plaintext)
	k.meter.KMSCalled("encrypt", time.Since(start), err)
	return blob, err
}

// Decrypt implements keyring.KMS.
func (k meteredKMS) Decrypt(ctx context.Context, kctx map[string]string, blob []byte) ([]byte, error) {
	start := time.Now()
	plaintext, err := k.KMS.Decrypt(ctx, kctx, blob)
	k.meter.KMSCalled("decrypt", time.Since(start), err)
	return plaintext, err
}

// meteredRoot counts the signatures of a root key.
type meteredRoot struct {
	keyring.RootKey
	meter *metrics.Meter
}

// Sign implements keyring.RootKey.
func (k meteredRoot) Sign(ctx context.Context, signContext string, message []byte) ([]byte, error) {
	start := time.Now()
	signature, err := k.RootKey.Sign(ctx, signContext, message)
	k.meter.KMSCalled("sign", time.Since(start), err)
	return signature, err
}
