package compliance

import (
	"math/big"

	"github.com/quantaseal/quantaseal/domain"
)

// judgeKeys judges the API keys that may act at an instant.
func (p *people) judgeKeys(at int64, inOrder func(*apiKey) (bool, Ref)) (good, of int, failing []Ref) {
	for _, k := range p.keys {
		if !k.live(at) {
			continue
		}
		of++
		if ok, ref := inOrder(k); ok {
			good++
		} else {
			failing = append(failing, ref)
		}
	}
	return good, of, failing
}

// idle is QS-IAM-06.
func (s *State) idle(q question) finding {
	since := q.since("max_idle_days")
	good, of := 0, 0
	var failing []Ref
	judge := func(began, acted Ref) {
		if began.Time >= since {
			return
		}
		of++
		switch {
		case acted.Time > since:
			good++
		case acted.cited():
			failing = append(failing, acted)
		default:
			failing = append(failing, began)
		}
	}
	for _, u := range s.people.users {
		if u.active {
			judge(u.registered, u.lastAct)
		}
	}
	for _, k := range s.people.keys {
		if k.live(q.at) {
			judge(k.created, k.lastAct)
		}
	}
	return share(good, of, failing)
}

// keyScopes is QS-IAM-07.
func (s *State) keyScopes(q question) finding {
	return share(s.people.judgeKeys(q.at, func(k *apiKey) (bool, Ref) {
		for _, scope := range k.scopes {
			if !known[scope] {
				return false, k.created
			}
		}
		return len(k.scopes) > 0, k.created
	}))
}

// known are the scopes that there are.
var known = func() map[domain.Scope]bool {
	all := map[domain.Scope]bool{}
	for _, scope := range domain.AllScopes() {
		all[scope] = true
	}
	return all
}()

// apiKeyAge is QS-IAM-08.
func (s *State) apiKeyAge(q question) finding {
	most := q.span("max_age_days")
	return share(s.people.judgeKeys(q.at, func(k *apiKey) (bool, Ref) {
		return q.at-k.created.Time <= most && k.expires-k.created.Time <= most, k.created
	}))
}

// privilegeUse is QS-IAM-09.
func (s *State) privilegeUse(q question) finding {
	since := q.since("window_days")
	used, grants, users := 0, 0, 0
	var failing []Ref
	for _, k := range s.people.keys {
		if !k.live(q.at) || k.created.Time > since {
			continue
		}
		unused := false
		for _, scope := range k.scopes {
			if !shows(scope) {
				continue
			}
			if grants++; k.used[scope] > since {
				used++
			} else {
				unused = true
			}
		}
		if unused {
			failing = append(failing, k.created)
		}
	}
	var administrators []Ref
	for _, u := range s.people.users {
		if u.active {
			users++
		}
		if u.administers() {
			administrators = append(administrators, u.roleSet)
		}
	}
	if grants == 0 && int64(users) <= q.count("admin_floor") {
		return finding{result: NotApplicable, ratio: zero}
	}
	use := one
	if grants > 0 {
		use = big.NewRat(int64(used), int64(grants))
	}
	allowed := max(q.count("admin_floor"), (int64(users)*q.count("admin_share_percent")+99)/100)
	few := one
	if n := int64(len(administrators)); n > allowed {
		few = big.NewRat(allowed, n)
		failing = append(failing, administrators...)
	}
	return rated(mean(use, few), grants+len(administrators), failing)
}

func mean(a, b *big.Rat) *big.Rat {
	sum := new(big.Rat).Add(a, b)
	return sum.Mul(sum, half)
}
