package domain

import (
	"net/netip"
	"slices"
)

// What in_declared_range says. The words are stored.
const (
	InRange      = "yes"
	OutOfRange   = "no"
	NoneDeclared = "none_declared" // the tenant declares no ranges
)

// MaxRanges is how many address ranges a tenant or a key can declare.
const MaxRanges = 100

var errRange = invalid("an address range must be an IP address or a CIDR range")

// ParseRanges reads IP addresses and CIDR ranges (RFC 4632, RFC 4291) into a
// sorted list without repeats, bits beyond the prefix cleared; nil if there are
// none. It refuses with Invalid what is neither, a zone, and more than MaxRanges.
func ParseRanges(texts []string) ([]netip.Prefix, error) {
	if len(texts) > MaxRanges {
		return nil, invalid("too many address ranges")
	}
	var ranges []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if addr, addrErr := netip.ParseAddr(text); err != nil && addrErr == nil && addr.Zone() == "" {
			p, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return nil, errRange
		}
		if p.Addr().Is4In6() {
			if p.Bits() < 96 {
				return nil, errRange
			}
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		ranges = append(ranges, p.Masked())
	}
	slices.SortFunc(ranges, netip.Prefix.Compare)
	return slices.Compact(ranges), nil
}

func rangeTexts(ranges []netip.Prefix) (texts []string) {
	for _, p := range ranges {
		texts = append(texts, p.String())
	}
	return texts
}

// within reports whether one of the ranges holds addr.
func within(ranges []netip.Prefix, addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(ranges, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// wider reports whether next allows an address that last, one by one, does not.
// No ranges at all allow every address.
func wider(last, next []netip.Prefix) bool {
	switch {
	case len(last) == 0:
		return false
	case len(next) == 0:
		return true
	}
	covered := func(p netip.Prefix) bool {
		return slices.ContainsFunc(last, func(l netip.Prefix) bool { return l.Bits() <= p.Bits() && l.Contains(p.Addr()) })
	}
	return slices.ContainsFunc(next, func(p netip.Prefix) bool { return !covered(p) })
}

// Declared returns what in_declared_range says of an address: InRange,
// OutOfRange, or NoneDeclared where the settings declare no ranges. An address
// that is none is out of every range, and so is each where ranges were declared
// and cannot be read.
func (s Settings) Declared(addr netip.Addr) string {
	switch {
	case !s.Restricted:
		return NoneDeclared
	case within(s.AllowedRanges, addr):
		return InRange
	}
	return OutOfRange
}
