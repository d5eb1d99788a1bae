package auth_test

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/quantaseal/quantaseal/internal/auth"
)

func TestNetworkRef(t *testing.T) {
	key, other := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	seen := map[[32]byte]string{}
	for _, network := range []string{"192.0.2.0/24", "192.0.3.0/24", "192.0.2.0/25", "2001:db8::/56", "2001:db8:0:100::/56", "::/0", "0.0.0.0/0"} {
		p := netip.MustParsePrefix(network)
		ref := auth.NetworkRef(key, p)
		if before, found := seen[ref]; found {
			t.Errorf("%s and %s have one MAC", network, before)
		}
		seen[ref] = network
		if auth.NetworkRef(other, p) == ref {
			t.Errorf("the key does not count for %s", network)
		}
	}
	none, again := auth.NetworkRef(key, netip.Prefix{}), auth.NetworkRef(key, netip.Prefix{})
	if none != again {
		t.Error("no network has two MACs")
	}
}
