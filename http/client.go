package http

import (
	"net/http"
	"net/netip"
	"strings"
)

// maxHops bounds how many entries of X-Forwarded-For are looked at, from the right.
const maxHops = 32

// clientOf returns the address that a request came from: the peer's, unless that
// is one of the trusted proxies. Then it is the right-most entry of
// X-Forwarded-For that is no trusted proxy: everything left of that is what the
// caller wrote. An entry that is no address ends the search at the hop before it,
// which is known. No other header counts. It returns the zero Addr if the peer
// has no address.
func clientOf(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	client := peer.Addr().Unmap().WithZone("")
	if !within(client, trusted) {
		return client
	}
	rest, hops := strings.Join(r.Header.Values("X-Forwarded-For"), ","), 0
	for rest != "" && hops < maxHops {
		entry := rest
		if i := strings.LastIndexByte(rest, ','); i >= 0 {
			entry, rest = rest[i+1:], rest[:i]
		} else {
			rest = ""
		}
		hop, ok := parseHop(strings.Trim(entry, " \t"))
		if !ok {
			break
		}
		if client = hop; !within(client, trusted) {
			break
		}
		hops++
	}
	return client
}

// parseHop reads an address, or an address with the port that some proxies add.
func parseHop(s string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(s)
	if err != nil {
		with, err := netip.ParseAddrPort(s)
		if err != nil {
			return netip.Addr{}, false
		}
		addr = with.Addr()
	}
	return addr.Unmap().WithZone(""), true
}

func within(addr netip.Addr, networks []netip.Prefix) bool {
	for _, n := range networks {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}

// How much of an address names the network that is limited as one: what one
// subscriber commonly has.
const (
	networkBits4 = 24
	networkBits6 = 56
)

// networkOf returns the network that an address is limited with. Callers without
// an address share one.
func networkOf(addr netip.Addr) netip.Prefix {
	bits := networkBits6
	if addr.Is4() {
		bits = networkBits4
	}
	network, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}
