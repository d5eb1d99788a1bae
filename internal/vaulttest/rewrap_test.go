package vaulttest_test

import (
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/internal/kmstest"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
	"github.com/quantaseal/quantaseal/migrations"
)

// rewrapped moves the keys of a vault and returns how many, and requires that a
// second time finds nothing to do.
func rewrapped(t *testing.T, v *vaulttest.Vault) int {
	t.Helper()
	moved, receipt, err := v.Rewrap(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if moved > 0 {
		stands := false
		for r, err := range v.Log.History(t.Context(), domain.TenantID{}, receipt.Seq) {
			if err != nil {
				t.Fatal(err)
			}
			fact, ok := r.Event.(domain.KeysRewrapped)
			stands = stands || ok && fact.Keys == moved && fact.KeyRef == v.Ring.KMSKeyRef()
		}
		if !stands {
			t.Errorf("%d keys are moved, and no such fact stands", moved)
		}
	}
	if again, receipt, err := v.Rewrap(t.Context()); again != 0 || receipt != (eventstore.Receipt{}) || err != nil {
		t.Errorf("asked again: %d keys, %v, %v", again, receipt, err)
	}
	return moved
}

// records returns all sealed records as they are stored.
func records(t *testing.T, c node.Config) string {
	t.Helper()
	db := underneath(t, c, migrations.Records)
	rows, err := db.QueryContext(t.Context(), `SELECT record FROM sealed_records ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var all strings.Builder
	for rows.Next() {
		var record []byte
		if err := rows.Scan(&record); err != nil {
			t.Fatal(err)
		}
		all.Write(record)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// TestADeploymentMoves goes from a key file to AWS KMS and back to another key file,
// stopping in between, as one that is embedded does.
func TestADeploymentMoves(t *testing.T) {
	t.Parallel()
	a := kmstest.NewAWS(t)
	config := node.Config{Data: t.TempDir(), AWSEndpoint: a.URL}
	v := vaulttest.Start(t, config)
	one := v.Register(t, "one@example.com")
	e := one.Seal(t, "a", `{"v":"1"}`)
	receipt := opens(t, one, e, `{"v":"1"}`)
	logID := v.Ring.LogID()
	start := func(kms, former string) {
		t.Helper()
		v.Stop()
		c := config
		c.KMS, c.FormerKMS = kms, former
		v = vaulttest.Start(t, c)
		one.URL = v.URL
		opens(t, one, e, `{"v":"1"}`)
	}
	aws, file := "aws:"+a.Key, "local:"+t.TempDir()
	before := records(t, v.Config)
	start(aws, "local")
	if moved := rewrapped(t, v); moved < 8 { // two tenants' and six of the instance
		t.Errorf("only %d keys are moved", moved)
	}
	start(aws, "")
	start(file, aws)
	rewrapped(t, v)
	asked := len(a.Calls(""))
	start(file, "")
	two := v.Register(t, "two@example.com")
	two.Seal(t, "b", `{"v":"2"}`)
	if got := len(a.Calls("")) - asked; got != 0 {
		t.Errorf("AWS KMS is asked %d times more", got)
	}
	if after := records(t, v.Config); before == "" || !strings.HasPrefix(after, before) {
		t.Error("sealed records changed")
	}
	if v.Ring.LogID() != logID {
		t.Error("the deployment is another one")
	}
	last := opens(t, one, e, `{"v":"1"}`)
	proven(t, v, export(t, one.Client), receipt, last)
	proven(t, v, export(t, two.Client))
	v.Stop()
	config.KMS = aws // which nobody has moved to
	if n, err := node.Open(t.Context(), config, node.Options{Logger: slog.New(slog.DiscardHandler)}); err == nil {
		_ = n.Close()
		t.Error("a KMS that holds no key of the deployment is good enough")
	}
}

// TestADeploymentMovesWithoutDowntime moves two servers on one database, one after the
// other, while somebody seals and opens without a pause on whichever is there.
func TestADeploymentMovesWithoutDowntime(t *testing.T) {
	t.Parallel()
	a := kmstest.NewAWS(t)
	local, aws := "local:"+t.TempDir(), "aws:"+a.Key
	database := vaulttest.Postgres(t)
	serve := func(kms, former string) *vaulttest.Vault {
		t.Helper()
		return vaulttest.Start(t, node.Config{DatabaseURL: database, AWSEndpoint: a.URL, KMS: kms, FormerKMS: former})
	}
	var url atomic.Pointer[string]
	left, right := serve(local, ""), serve(local, "")
	url.Store(&right.URL)
	one := left.Register(t, "one@example.com")
	e := one.Seal(t, "a", `{"v":"1"}`)
	stop, done := make(chan struct{}), atomic.Int64{}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			at := url.Load()
			c := vaulttest.Client{URL: *at, Key: one.Key}
			sealed, err := c.Try(t.Context(), http.MethodPost, sealPath, `{"name":"x","values":{"a":"b"}}`)
			opened, err2 := c.Try(t.Context(), http.MethodGet, vaultPath+e.CredentialID, nil)
			if err != nil || err2 != nil || sealed.Status != http.StatusCreated || opened.Status != http.StatusOK {
				t.Errorf("got %d %s, %v; %d %s, %v", sealed.Status, sealed.Body, err, opened.Status, opened.Body, err2)
				return
			}
			done.Add(1)
		}
	})
	// Each server in its turn learns of AWS KMS, then wraps with it, then forgets the file.
	replace := func(v **vaulttest.Vault, kms, former string) {
		t.Helper()
		next := serve(kms, former)
		url.Store(&next.URL)
		for seen := done.Load(); done.Load() < seen+2 && !t.Failed(); time.Sleep(time.Millisecond) {
			continue // until nobody asks the one before
		}
		(*v).Stop()
		*v = next
	}
	for _, step := range []struct{ kms, former string }{{local, aws}, {aws, local}} {
		replace(&left, step.kms, step.former)
		replace(&right, step.kms, step.former)
	}
	if moved := rewrapped(t, left); moved < 8 {
		t.Errorf("only %d keys are moved", moved)
	}
	right.Ring.Purge() // as CacheTTL does
	replace(&left, aws, "")
	replace(&right, aws, "")
	close(stop)
	all.Wait()
	one.URL = right.URL
	last := opens(t, one, e, `{"v":"1"}`)
	proven(t, right, export(t, one.Client), last)
}
