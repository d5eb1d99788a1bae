package vaulttest_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
	"github.com/quantaseal/quantaseal/migrations"
)

// TestReaderLeavesAnExport hangs up in the middle. That is no fault of the server's.
func TestReaderLeavesAnExport(t *testing.T) {
	v := vaulttest.New(t)
	a := v.Register(t, "owner@example.com")
	long := make([]eventstore.Fact, 60)
	for i := range long {
		long[i] = eventstore.Fact{
			Event:     domain.AccessDenied{Reason: "scope", Route: strings.Repeat("x", 50_000)},
			Aggregate: domain.AggregateID{Kind: domain.KindTenant, ID: tenantID(t, a.TenantID).ID},
		}
	}
	if _, err := v.Log.Append(t.Context(), owner(t, v, a), long...); err != nil {
		t.Fatal(err)
	}
	dialer := net.Dialer{}
	conn, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(v.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	peer, ok := conn.(*net.TCPConn)
	if !ok {
		t.Fatalf("connected by %T", conn)
	}
	if err := peer.SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	body := `{"format":"bundle"}`
	if _, err := fmt.Fprintf(peer, "POST /api/v2/audit/export HTTP/1.1\r\nHost: vault\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		a.Key, len(body), body); err != nil {
		t.Fatal(err)
	}
	status := make([]byte, len("HTTP/1.1 200"))
	if _, err := io.ReadFull(peer, status); err != nil || string(status) != "HTTP/1.1 200" {
		t.Fatalf("got %s, %v", status, err)
	}
	if err := peer.SetLinger(0); err != nil { // so that closing tells the server at once
		t.Fatal(err)
	}
	_ = peer.Close()
	v.Stop() // and with it the request
	if text := v.Logs.String(); strings.Contains(text, "level=ERROR") || !strings.Contains(text, "not read to its end") {
		t.Errorf("logged:\n%s", text)
	}
}

// TestBrokenExportIsAnError exports a chain that somebody changed underneath.
func TestBrokenExportIsAnError(t *testing.T) {
	v := vaulttest.New(t)
	a := v.Register(t, "owner@example.com")
	db := underneath(t, v.Config, migrations.Events)
	if _, err := db.ExecContext(t.Context(), `DROP TRIGGER events_no_update`); err != nil {
		t.Fatal(err)
	}
	tenant := tenantID(t, a.TenantID)
	change(t, db, `UPDATE events SET event_id = randomblob(16) WHERE tenant_id = $1 AND seq = 2`, tenant.ID[:])
	if answer, err := a.Try(t.Context(), http.MethodPost, "/api/v2/audit/export", `{"format":"bundle"}`); err == nil {
		t.Errorf("half an export is a whole answer: %d, %d bytes", answer.Status, len(answer.Body))
	}
	if text := v.Logs.String(); !strings.Contains(text, `level=ERROR msg="an export broke off"`) {
		t.Errorf("logged:\n%s", text)
	}
}
