package compliance

import "github.com/quantaseal/quantaseal/domain"

// response is what the facts say of lockdowns and revocations.
type response struct {
	lockdown lockdown // the latest
	revoked  []*revocation
	ofUser   map[domain.UserID]*revocation
	ofKey    map[domain.KeyID]*revocation
	session  map[domain.SessionID]*revocation
}

type lockdown struct {
	began    Ref
	id       domain.ID
	lifted   Ref
	released Ref // a value that was released while it lasted
}

type revocation struct {
	ref  Ref
	late Ref // the last success under what was revoked
}

func newResponse() response {
	return response{
		ofUser: map[domain.UserID]*revocation{}, ofKey: map[domain.KeyID]*revocation{}, session: map[domain.SessionID]*revocation{},
	}
}

func (r *response) apply(f *Fact, s *State) {
	if f.Outcome == domain.Success {
		r.succeed(f, s)
	}
	switch e := f.Event.(type) {
	case domain.LockdownActivated:
		r.lockdown = lockdown{began: f.Ref, id: e.ActivationEventID}
	case domain.LockdownLifted:
		if e.ActivationEventID == r.lockdown.id {
			r.lockdown.lifted = f.Ref
		}
	case domain.CredentialUnsealed, domain.DataDecrypted, domain.EscrowExported:
		if r.lockdown.began.cited() && !r.lockdown.lifted.cited() {
			r.lockdown.released = f.Ref
		}
	case domain.APIKeyRevoked:
		r.ofKey[e.KeyID] = r.revoke(f)
	case domain.UserDeactivated:
		r.ofUser[e.UserID] = r.revoke(f)
	case domain.SessionRevoked:
		r.session[e.SessionID] = r.revoke(f)
	}
}

func (r *response) revoke(f *Fact) *revocation {
	last := &revocation{ref: f.Ref}
	for r.revoked = append(r.revoked, last); f.Time-r.revoked[0].ref.Time > horizon; {
		r.revoked = r.revoked[1:]
	}
	return last
}

// succeed notes a success under what was revoked before. A user's deactivation
// covers their API keys.
func (r *response) succeed(f *Fact, s *State) {
	late := func(before *revocation) {
		if before != nil {
			before.late = f.Ref
		}
	}
	switch f.ActorKind {
	case domain.ActorKey:
		late(r.ofKey[domain.KeyID{ID: f.Actor}])
		late(r.ofUser[s.people.personOf(f)])
	case domain.ActorUser:
		late(r.ofUser[domain.UserID{ID: f.Actor}])
	default: // what nobody proven did is under nothing
	}
	switch e := f.Event.(type) {
	case domain.SessionRefreshed:
		late(r.session[e.SessionID])
	case domain.SessionSteppedUp:
		late(r.session[e.SessionID])
	case domain.LoginSucceeded:
		late(r.ofUser[e.UserID])
	}
}

// lockdownHeld is QS-RSP-01.
func (s *State) lockdownHeld(q question) finding {
	l := s.response.lockdown
	switch {
	case !l.began.cited() || l.began.Time < q.since("cadence_days"):
		return absent()
	case l.released.cited():
		return rated(zero, 1, []Ref{l.began, l.released})
	case !l.lifted.cited():
		return rated(half, 1, []Ref{l.began})
	}
	return rated(one, 1, nil)
}

// revocations is QS-RSP-02.
func (s *State) revocations(q question) finding {
	good, of := 0, 0
	var failing []Ref
	for _, r := range s.response.revoked {
		if r.ref.Time <= q.since("window_days") {
			continue
		}
		if of++; r.late.cited() && r.late.Time > r.ref.Time+q.span("propagation_s") {
			failing = append(failing, r.late)
		} else {
			good++
		}
	}
	return share(good, of, failing)
}
