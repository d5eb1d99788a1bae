package compliance

import "github.com/quantaseal/quantaseal/domain"

// State is what a tenant's facts fold to. The zero State has seen none; make one
// with NewState. It is not safe for several goroutines at once.
type State struct {
	next   uint64 // the sequence number of the fact to come
	began  int64  // when the first fact was recorded
	last   int64  // when the last one was
	head   domain.Digest
	gap    bool   // it does not begin with the first fact of the chain
	broken string // what is wrong with the chain; "" = nothing was found

	tenant   domain.TenantID
	platform *Platform // nil: nothing is known of it

	settings    domain.Settings
	settingRefs map[domain.SettingKey]Ref // what last set each of them
	ranges      outline

	vault    vault
	keys     keyring
	people   people
	logins   logins
	duties   duties
	log      record
	response response
}

// NewState returns the state before the first fact.
func NewState() *State {
	s := &State{settings: domain.DefaultSettings(), settingRefs: map[domain.SettingKey]Ref{}}
	s.vault, s.keys, s.people, s.logins = newVault(), newKeyring(), newPeople(), newLogins()
	s.duties, s.response = newDuties(), newResponse()
	return s
}

// Next returns the sequence number of the fact that s takes next.
func (s *State) Next() uint64 { return s.next }

// Head returns the hash of the last fact, zero before the first.
func (s *State) Head() domain.Digest { return s.head }

// Last returns when the last fact was recorded, Unix microseconds.
func (s *State) Last() int64 { return s.last }

// Began returns when the first fact was recorded, Unix microseconds; 0 before it.
func (s *State) Began() int64 { return s.began }

// Break says that the chain was found altered: every score is 0 from then on.
func (s *State) Break(what string) { s.broken = what }

// Apply folds the fact that follows those before. That somebody was given a score
// is a fact too, and moves nothing but the head: a score that depended on having
// been looked at could not be computed twice.
func (s *State) Apply(f Fact) {
	if s.next == 0 {
		s.began, s.gap = f.Time, f.Seq != 0
	}
	s.gap = s.gap || f.Seq != s.next
	s.log.order.add(f.Ref, f.Time >= s.last)
	s.next, s.last, s.head = f.Seq+1, f.Time, f.Hash
	switch e := f.Event.(type) {
	case domain.ComplianceScored:
		return
	case domain.TenantRegistered:
		s.tenant = e.TenantID
	}
	// What a fact was allowed by is what held before it.
	s.judge(&f)
	s.configure(&f)
	s.keys.apply(&f)
	s.vault.apply(&f, s.people.personOf(&f))
	s.logins.apply(&f, s)
	s.duties.apply(&f, s)
	s.log.apply(&f, s)
	s.response.apply(&f, s)
	s.people.apply(&f)
}

// configure folds a setting as its payload tells it: what could name a person or
// a network is only outlined there, and that is enough.
func (s *State) configure(f *Fact) {
	e, ok := f.Event.(domain.TenantSettingsChanged)
	if !ok {
		return
	}
	s.settingRefs[e.Key] = f.Ref
	n := number(e.New)
	switch e.Key {
	case domain.SettingMFA:
		s.settings.MFAEnforced = e.New == "true"
	case domain.SettingRetention:
		s.settings.RetentionDays = n
	case domain.SettingPasswordLength:
		s.settings.PasswordMinLength = n
		s.settings.PasswordPolicy++
	case domain.SettingLockoutAttempts:
		s.settings.LockoutAttempts = n
	case domain.SettingLockoutMinutes:
		s.settings.LockoutMinutes = n
	case domain.SettingRanges:
		s.ranges = outlineOf(e.New)
	default: // no check asks for the others
	}
}

// Broken reports whether the chain was found altered.
func (s *State) Broken() bool { return s.broken != "" }
