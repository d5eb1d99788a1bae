package compliance

import (
	"maps"
	"slices"
)

// Clone returns a state that goes on by itself: what is applied to either is not
// seen by the other.
func (s *State) Clone() *State {
	c := *s
	c.settingRefs = maps.Clone(s.settingRefs)
	c.vault, c.keys, c.people = s.vault.clone(), s.keys.clone(), s.people.clone()
	c.logins, c.duties, c.response = s.logins.clone(), s.duties.clone(), s.response.clone()
	c.log.contents, c.log.order = s.log.contents.clone(), s.log.order.clone()
	c.log.reviewed, c.log.exported = slices.Clone(s.log.reviewed), slices.Clone(s.log.exported)
	return &c
}

// Size returns how many things the state remembers: some 200 bytes each.
func (s *State) Size() int {
	return len(s.vault.all) + len(s.vault.endings) + len(s.people.users) + len(s.people.keys) + len(s.keys.keys) +
		len(s.logins.accounts) + len(s.logins.rows) + len(s.response.revoked) + len(s.log.reviewed) + len(s.log.exported) +
		len(s.log.contents.hours) + len(s.log.order.hours)
}

// copies are what pointers are exchanged for, so that two to the same stay so.
type copies[T any] map[*T]*T

func (c copies[T]) of(p *T) *T {
	if p == nil {
		return nil
	}
	if c[p] == nil {
		v := *p
		c[p] = &v
	}
	return c[p]
}

func (c copies[T]) list(all []*T) []*T {
	next := make([]*T, len(all))
	for i, p := range all {
		next[i] = c.of(p)
	}
	return next
}

func mapped[K comparable, T any](c copies[T], all map[K]*T) map[K]*T {
	next := make(map[K]*T, len(all))
	for k, p := range all {
		next[k] = c.of(p)
	}
	return next
}

// each copies what a map's pointers lead to, none of which is led to twice.
func each[K comparable, T any](all map[K]*T, copied func(T) T) map[K]*T {
	next := make(map[K]*T, len(all))
	for k, p := range all {
		v := copied(*p)
		next[k] = &v
	}
	return next
}

func same[T any](v T) T { return v }

func (t tally) clone() tally { return tally{slices.Clone(t.hours), slices.Clone(t.bad)} }

func (v vault) clone() vault {
	v.all, v.at = slices.Clone(v.all), maps.Clone(v.at)
	v.endings, v.byEntry = slices.Clone(v.endings), maps.Clone(v.byEntry)
	return v
}

func (k keyring) clone() keyring {
	k.keys, k.made = each(k.keys, same), each(k.made, tally.clone)
	return k
}

func (p people) clone() people {
	return people{each(p.users, same), each(p.keys, func(k apiKey) apiKey {
		k.used = maps.Clone(k.used)
		return k
	})}
}

func (l logins) clone() logins {
	rows := copies[row]{}
	l.sessions, l.inRange, l.rows = each(l.sessions, tally.clone), l.inRange.clone(), rows.list(l.rows)
	l.accounts = each(l.accounts, func(a account) account {
		a.failures, a.open, a.locked = slices.Clone(a.failures), rows.of(a.open), rows.of(a.locked)
		return a
	})
	return l
}

func (d duties) clone() duties {
	return duties{d.allowed.clone(), d.pairs.clone(), maps.Clone(d.locked)}
}

func (r response) clone() response {
	revoked := copies[revocation]{}
	r.revoked = revoked.list(r.revoked)
	r.ofUser, r.ofKey, r.session = mapped(revoked, r.ofUser), mapped(revoked, r.ofKey), mapped(revoked, r.session)
	return r
}
