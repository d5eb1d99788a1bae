package domain

import "fmt"

// Lifetime returns how many days a credential lives for which its sealer asked for
// days, where 0 says nothing: as long as the tenant's default says, and where there
// is none as long as its maximum allows, for ever at most. It refuses with Invalid
// days beyond the maximum; a default beyond it counts as the maximum.
func (s Settings) Lifetime(days int) (int, error) {
	switch {
	case days == 0:
		return s.Renewed(s.DefaultTTLDays), nil
	case s.MaxTTLDays > 0 && days > s.MaxTTLDays:
		return 0, invalid(fmt.Sprintf("ttl_days must be 1 to %d in this tenant", s.MaxTTLDays))
	}
	return days, nil
}

// Renewed returns how many days of a lifetime, 0 being for ever, a new value gets
// from now on: no more than the tenant's maximum.
func (s Settings) Renewed(days int) int {
	if s.MaxTTLDays > 0 && unlimited(days) > s.MaxTTLDays {
		return s.MaxTTLDays
	}
	return days
}
