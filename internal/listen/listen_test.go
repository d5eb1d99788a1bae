package listen_test

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"testing"

	"github.com/quantaseal/quantaseal/internal/listen"
)

// wire is a listener on whose other end a test puts connections.
type wire struct{ arriving chan net.Conn }

func (w wire) Accept() (net.Conn, error) {
	if c, ok := <-w.arriving; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (wire) Close() error   { return nil }
func (wire) Addr() net.Addr { return &net.TCPAddr{} }

// line is a connection from an address.
type line struct {
	net.Conn
	from   string
	closed *bool
}

func (l line) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(l.from)) }
func (l line) Close() error         { *l.closed = true; return nil }

type bench struct {
	*listen.Listener
	arriving chan net.Conn
}

func newBench(t *testing.T, limits listen.Limits) bench {
	arriving := make(chan net.Conn, 16)
	t.Cleanup(func() { close(arriving) })
	return bench{listen.New(wire{arriving}, limits), arriving}
}

// call connects from addresses, the last of which must get in, and returns its
// connection. closed tells which were closed.
func (b bench) call(t *testing.T, addresses ...string) (accepted net.Conn, closed []*bool) {
	t.Helper()
	for _, from := range addresses {
		c := new(bool)
		b.arriving <- line{from: from, closed: c}
		closed = append(closed, c)
	}
	accepted, err := b.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return accepted, closed
}

func TestOneClientHasItsOwnLimit(t *testing.T) {
	b := newBench(t, listen.Limits{Total: 10, PerAddress: 2, Exempt: func(a netip.Addr) bool { return a == netip.MustParseAddr("10.0.0.9") }})
	first, _ := b.call(t, "10.0.0.1:1")
	b.call(t, "[::ffff:10.0.0.1]:2") // the same client, written otherwise
	_, closed := b.call(t, "10.0.0.1:3", "10.0.0.2:1")
	if !*closed[0] || *closed[1] {
		t.Errorf("the third connection of one client is closed: %t, that of another: %t", *closed[0], *closed[1])
	}
	b.call(t, "[2001:db8:0:1::1]:1")
	b.call(t, "[2001:db8:0:1::2]:1")
	if _, closed := b.call(t, "[2001:db8:0:1::3]:1", "[2001:db8:0:2::1]:1"); !*closed[0] || *closed[1] {
		t.Errorf("the third connection of one network is closed: %t, that of another: %t", *closed[0], *closed[1])
	}
	for range 3 {
		b.call(t, "10.0.0.9:1")
	}
	if got := b.Figures(); got.Open != 9 || got.Refused != 2 || got.Evicted != 0 {
		t.Errorf("got %+v", got)
	}
	if err := errors.Join(first.Close(), first.Close()); err != nil {
		t.Fatal(err)
	}
	if b.call(t, "10.0.0.1:4"); b.Figures().Open != 9 {
		t.Errorf("a place was freed twice: %+v", b.Figures())
	}
}

// Who has sent no whole request gives way, the longest first; who works does not.
func TestWhoKeepsUsWaitingGivesWay(t *testing.T) {
	b := newBench(t, listen.Limits{Total: 3, PerAddress: 3})
	busy, busyClosed := b.call(t, "10.0.0.1:1")
	b.ConnState(busy, http.StateActive)
	_, slow := b.call(t, "10.0.0.2:1")
	idle, idleClosed := b.call(t, "10.0.0.3:1")
	b.ConnState(idle, http.StateActive)
	b.ConnState(idle, http.StateIdle)

	fourth, _ := b.call(t, "10.0.0.4:1")
	b.ConnState(fourth, http.StateActive)
	if *busyClosed[0] || !*slow[0] || *idleClosed[0] {
		t.Errorf("closed: busy %t, slow %t, idle %t", *busyClosed[0], *slow[0], *idleClosed[0])
	}
	fifth, _ := b.call(t, "10.0.0.5:1")
	b.ConnState(fifth, http.StateActive)
	if !*idleClosed[0] || *busyClosed[0] {
		t.Errorf("closed: busy %t, idle %t", *busyClosed[0], *idleClosed[0])
	}
	b.ConnState(idle, http.StateIdle) // news of one that is gone
	b.arriving <- line{from: "10.0.0.6:1", closed: new(bool)}
	refused := make(chan net.Conn)
	go func() {
		c, _ := b.Accept()
		refused <- c
	}()
	for b.Figures().Refused == 0 { // everybody works: the newcomer is turned away
		runtime.Gosched()
	}
	if b.Busy() != 3 {
		t.Errorf("%d connections are busy, want 3", b.Busy())
	}
	_ = fifth.Close()
	b.arriving <- line{from: "10.0.0.7:1", closed: new(bool)}
	if c := <-refused; c.RemoteAddr().String() != "10.0.0.7:1" {
		t.Errorf("let in %s", c.RemoteAddr())
	}
	if got := b.Figures(); got != (listen.Figures{Open: 3, Refused: 1, Evicted: 2}) {
		t.Errorf("got %+v", got)
	}
}
