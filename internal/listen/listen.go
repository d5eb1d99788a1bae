// Package listen decides whose connections are kept open, and how they are
// encrypted.
//
// Its one law: a connection costs a place, places are few, and whoever keeps the
// server waiting is the first to give his up.
package listen

import (
	"container/list"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
)

// Limits are how many connections may be open at the same time.
type Limits struct {
	Total      int                   // of everybody
	PerAddress int                   // of one client: an IPv4 address or an IPv6 /64 network
	Exempt     func(netip.Addr) bool // who has no limit of his own, such as a trusted proxy; nil = nobody
}

// Figures are what a Listener did so far.
type Figures struct {
	Open    int    // connections now
	Refused uint64 // closed unread: too many of one client, or no place and nobody waiting
	Evicted uint64 // closed for a newer one, while the server waited for their next request
}

// Listener accepts TCP connections within limits. Beyond PerAddress a new
// connection is closed at once. Beyond Total the one that has kept the server
// waiting longest for a whole request header gives way; if there is none, the
// new one is closed. Make one with New, and set ConnState of the http.Server.
type Listener struct {
	net.Listener
	limits Limits

	mu         sync.Mutex
	figures    Figures
	perAddress map[netip.Prefix]int
	waiting    list.List // of *conn that owe us a request, the longest first
}

// New returns a Listener on inner. Both limits must be positive.
func New(inner net.Listener, limits Limits) *Listener {
	return &Listener{Listener: inner, limits: limits, perAddress: map[netip.Prefix]int{}}
}

// conn is a connection that has a place.
type conn struct {
	net.Conn
	from    *Listener
	client  netip.Prefix  // whose place it is; zero = nobody's in particular
	waiting *list.Element // guarded by from.mu, as gone is
	gone    bool
}

// Accept implements net.Listener. It returns no connection beyond the limits.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		admitted, loser := l.admit(c)
		if loser != nil {
			drop(loser)
		}
		if admitted != nil {
			return admitted, nil
		}
	}
}

// admit gives c a place, or returns it as the loser. Another loser is one that
// gave way to it.
func (l *Listener) admit(c net.Conn) (admitted, loser net.Conn) {
	client := l.client(c)
	l.mu.Lock()
	defer l.mu.Unlock()
	if client.IsValid() && l.perAddress[client] >= l.limits.PerAddress {
		l.figures.Refused++
		return nil, c
	}
	if l.figures.Open >= l.limits.Total {
		longest := l.waiting.Front()
		if longest == nil {
			l.figures.Refused++
			return nil, c
		}
		evicted := longest.Value.(*conn)
		l.leave(evicted)
		l.figures.Evicted++
		loser = evicted.Conn
	}
	own := &conn{Conn: c, from: l, client: client}
	own.waiting = l.waiting.PushBack(own)
	l.figures.Open++
	if client.IsValid() {
		l.perAddress[client]++
	}
	return own, loser
}

// leave frees the place of c. The caller holds the lock.
func (l *Listener) leave(c *conn) {
	if c.gone {
		return
	}
	c.gone = true
	l.settle(c)
	l.figures.Open--
	if !c.client.IsValid() {
		return
	}
	if l.perAddress[c.client]--; l.perAddress[c.client] == 0 {
		delete(l.perAddress, c.client)
	}
}

// settle takes c from those that are waited for. The caller holds the lock.
func (l *Listener) settle(c *conn) {
	if c.waiting != nil {
		l.waiting.Remove(c.waiting)
		c.waiting = nil
	}
}

// client returns whose limit a connection counts against.
func (l *Listener) client(c net.Conn) netip.Prefix {
	from, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.Prefix{}
	}
	address := from.Addr().Unmap().WithZone("")
	if l.limits.Exempt != nil && l.limits.Exempt(address) {
		return netip.Prefix{}
	}
	bits := 32
	if address.Is6() {
		bits = 64
	}
	client, _ := address.Prefix(bits) // fails only for more bits than there are
	return client
}

// ConnState is for the http.Server that serves the listener: it tells apart who
// works from who is waited for.
func (l *Listener) ConnState(c net.Conn, state http.ConnState) {
	if encrypted, ok := c.(*tls.Conn); ok {
		c = encrypted.NetConn()
	}
	own, ok := c.(*conn)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case own.gone:
	case state == http.StateActive:
		l.settle(own)
	case state == http.StateIdle && own.waiting == nil:
		own.waiting = l.waiting.PushBack(own)
	}
}

// Figures returns what l did so far.
func (l *Listener) Figures() Figures {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.figures
}

// Busy returns how many connections have a request that is being served.
func (l *Listener) Busy() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.figures.Open - l.waiting.Len()
}

// Close frees the connection's place and closes it.
func (c *conn) Close() error {
	c.from.mu.Lock()
	c.from.leave(c)
	c.from.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite tells the client that nothing more comes, as net/http does before
// it closes a connection whose request it did not read to the end.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// drop closes a connection without keeping anything of it in the kernel.
func drop(c net.Conn) {
	if own, ok := c.(interface{ SetLinger(int) error }); ok {
		_ = own.SetLinger(0)
	}
	_ = c.Close()
}
