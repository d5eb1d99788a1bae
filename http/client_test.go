package http

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func prefixes(list ...string) []netip.Prefix {
	var networks []netip.Prefix
	for _, s := range list {
		networks = append(networks, netip.MustParsePrefix(s))
	}
	return networks
}

func TestClientOf(t *testing.T) {
	proxies := []string{"10.0.0.0/24", "192.0.2.7/32", "2001:db8:f::/48"}
	for name, test := range map[string]struct {
		peer, want string
		trusted    []string
		forwarded  []string
	}{
		"the peer":                          {"198.51.100.4:999", "198.51.100.4", nil, nil},
		"nobody is trusted by default":      {"198.51.100.4:999", "198.51.100.4", nil, []string{"203.0.113.9"}},
		"not even this machine":             {"127.0.0.1:999", "127.0.0.1", nil, []string{"203.0.113.9"}},
		"a peer that is no proxy":           {"198.51.100.4:999", "198.51.100.4", proxies, []string{"203.0.113.9"}},
		"next to a proxy":                   {"10.0.1.1:999", "10.0.1.1", proxies, []string{"203.0.113.9"}},
		"through a proxy":                   {"10.0.0.3:999", "203.0.113.9", proxies, []string{"203.0.113.9"}},
		"what the caller wrote":             {"10.0.0.3:999", "203.0.113.9", proxies, []string{"1.1.1.1, 10.0.0.9, 203.0.113.9"}},
		"through two proxies":               {"10.0.0.3:999", "203.0.113.9", proxies, []string{"1.1.1.1, 203.0.113.9, 192.0.2.7"}},
		"several headers are one":           {"10.0.0.3:999", "203.0.113.9", proxies, []string{"1.1.1.1", "203.0.113.9", "192.0.2.7"}},
		"only proxies":                      {"10.0.0.3:999", "10.0.0.8", proxies, []string{"10.0.0.8,10.0.0.9"}},
		"a proxy that says nothing":         {"10.0.0.3:999", "10.0.0.3", proxies, nil},
		"an empty header":                   {"10.0.0.3:999", "10.0.0.3", proxies, []string{""}},
		"no address":                        {"10.0.0.3:999", "10.0.0.3", proxies, []string{"203.0.113.9, unknown"}},
		"no address left of the client":     {"10.0.0.3:999", "203.0.113.9", proxies, []string{"<script>, 203.0.113.9"}},
		"no address behind a second proxy":  {"10.0.0.3:999", "192.0.2.7", proxies, []string{"203.0.113.9, x, 192.0.2.7"}},
		"an entry that is missing":          {"10.0.0.3:999", "10.0.0.3", proxies, []string{"203.0.113.9,"}},
		"with a port":                       {"10.0.0.3:999", "203.0.113.9", proxies, []string{"203.0.113.9:4444"}},
		"IPv6":                              {"[2001:db8:f::1]:999", "2001:db8::9", proxies, []string{"2001:db8::9"}},
		"IPv6 with a port":                  {"[2001:db8:f::1]:999", "2001:db8::9", proxies, []string{"[2001:db8::9]:4444"}},
		"IPv4 in IPv6 is IPv4":              {"[::ffff:10.0.0.3]:999", "203.0.113.9", proxies, []string{"::ffff:203.0.113.9"}},
		"a zone is the peer's own business": {"[fe80::1%eth0]:999", "fe80::1", nil, nil},
		"no peer":                           {"@", "invalid IP", proxies, []string{"203.0.113.9"}},
		"more hops than there can be":       {"10.0.0.3:999", "10.0.0.9", proxies, []string{"203.0.113.9" + strings.Repeat(",10.0.0.9", 40)}},
	} {
		r := &http.Request{RemoteAddr: test.peer, Header: http.Header{
			"X-Forwarded-For": test.forwarded, "Forwarded": {"for=9.9.9.9"}, "X-Real-Ip": {"9.9.9.9"},
		}}
		if got := clientOf(r, prefixes(test.trusted...)).String(); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}

func TestNetworkOf(t *testing.T) {
	for addr, want := range map[string]string{
		"203.0.113.9": "203.0.113.0/24", "2001:db8:1:2ff:3::4": "2001:db8:1:200::/56", "127.0.0.1": "127.0.0.0/24",
	} {
		if got := networkOf(netip.MustParseAddr(addr)).String(); got != want {
			t.Errorf("%s is in %s, want %s", addr, got, want)
		}
	}
	if got := networkOf(netip.Addr{}); got.IsValid() {
		t.Errorf("no address is in %s", got)
	}
}

// FuzzClientOf holds that nobody but a trusted peer says who the client is, and
// that what the caller wrote left of the hop before the proxies changes nothing.
func FuzzClientOf(f *testing.F) {
	f.Add("10.0.0.3:999", "203.0.113.9, 10.0.0.7")
	f.Add("[2001:db8:f::1]:1", "[2001:db8::9]:4444,unknown")
	f.Add("198.51.100.4:999", "::ffff:1.2.3.4,,")
	trusted := prefixes("10.0.0.0/24", "2001:db8:f::/48")
	f.Fuzz(func(t *testing.T, peer, forwarded string) {
		r := &http.Request{RemoteAddr: peer, Header: http.Header{"X-Forwarded-For": {forwarded}}}
		got := clientOf(r, trusted)
		if got.Is4In6() || got.Zone() != "" {
			t.Errorf("%s has two spellings", got)
		}
		direct := clientOf(r, nil)
		if got != direct && !within(direct, trusted) {
			t.Errorf("%q is taken for %s", peer, got)
		}
		r.Header["X-Forwarded-For"] = []string{"9.9.9.9, 198.51.100.1, " + forwarded}
		if again := clientOf(r, trusted); !within(got, trusted) && again != got {
			t.Errorf("got %s, and %s after the caller wrote more", got, again)
		}
	})
}
