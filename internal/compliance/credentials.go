package compliance

import (
	"slices"

	"github.com/quantaseal/quantaseal/domain"
)

// vault is what the facts about credentials fold to.
type vault struct {
	sealed      bool // a credential was sealed once
	credentials map[domain.CredentialID]*credential
	endings     []*ending // deletions and replacements, in order
	byEntry     map[domain.EntryID]*ending
}

type credential struct {
	sealed    Ref
	valueSet  Ref // what last set the value
	owner     domain.UserID
	kind      string // its type
	class     string
	algorithm string
	suite     int
	ttlDays   int
	expires   int64 // 0 = never
	sealedBy  domain.UserID
	retiredBy domain.UserID // if it is retired
	ended     int64         // 0 = it lives
	late      Ref           // its last unsealing after it had expired
}

// ending is a value that nobody is to read again.
type ending struct {
	ref      Ref
	entry    domain.EntryID
	shredded int64 // when its key was destroyed; 0 = it was not
	opened   Ref   // that it was unsealed all the same
}

func newVault() vault {
	return vault{credentials: map[domain.CredentialID]*credential{}, byEntry: map[domain.EntryID]*ending{}}
}

// apply folds a fact that by answers for.
func (v *vault) apply(f *Fact, by domain.UserID) {
	switch e := f.Event.(type) {
	case domain.CredentialSealed:
		v.sealed = true
		v.credentials[e.EntryID.Credential()] = &credential{
			sealed: f.Ref, valueSet: f.Ref, owner: e.Owner, kind: e.Type, class: e.Classification, algorithm: e.Algorithm,
			suite: e.Suite, ttlDays: e.TTLDays, expires: e.ExpiresAt, sealedBy: by,
		}
	case domain.CredentialRotated:
		v.end(f, e.OldEntryID)
		if c := v.credentials[e.NewEntryID.Credential()]; c != nil {
			c.suite, c.expires = e.Suite, e.ExpiresAt
			if e.ValueChanged {
				c.valueSet = f.Ref
			}
		}
	case domain.CredentialUnsealed:
		if c := v.credentials[e.EntryID.Credential()]; c != nil && c.expires != 0 && f.Time > c.expires {
			c.late = f.Ref
		}
		if over := v.byEntry[e.EntryID]; over != nil {
			over.opened = f.Ref
		}
	case domain.CredentialRetired:
		if c := v.credentials[e.EntryID.Credential()]; c != nil {
			c.retiredBy = by
		}
	case domain.CredentialRestored:
		if c := v.credentials[e.EntryID.Credential()]; c != nil {
			c.retiredBy = domain.UserID{}
		}
	case domain.CredentialExpired:
		v.over(f, e.EntryID)
	case domain.CredentialDeleted:
		v.end(f, e.EntryID)
		v.over(f, e.EntryID)
	case domain.CredentialVersionShredded:
		v.shred(f, e.EntryID)
	case domain.CredentialShredded:
		v.shred(f, e.EntryID)
	}
}

func (v *vault) over(f *Fact, e domain.EntryID) {
	if c := v.credentials[e.Credential()]; c != nil && c.ended == 0 {
		c.ended = f.Time
	}
}

// end notes that a value is not to be read again. Those longer ago than any window
// are forgotten, with the credentials that they ended.
func (v *vault) end(f *Fact, e domain.EntryID) {
	over := &ending{ref: f.Ref, entry: e}
	v.endings, v.byEntry[e] = append(v.endings, over), over
	for f.Time-v.endings[0].ref.Time > horizon {
		old := v.endings[0].entry
		v.endings = v.endings[1:]
		delete(v.byEntry, old)
		if c := v.credentials[old.Credential()]; c != nil && c.ended != 0 && f.Time-c.ended > horizon {
			delete(v.credentials, old.Credential())
		}
	}
}

func (v *vault) shred(f *Fact, e domain.EntryID) {
	if over := v.byEntry[e]; over != nil && over.shredded == 0 {
		over.shredded = f.Time
	}
}

// live judges every credential that lives.
func (v *vault) live(inOrder func(*credential) (bool, Ref)) finding {
	good, of := 0, 0
	var failing []Ref
	for _, c := range v.credentials {
		if c.ended != 0 {
			continue
		}
		of++
		if ok, ref := inOrder(c); ok {
			good++
		} else {
			failing = append(failing, ref)
		}
	}
	return share(good, of, failing)
}

// secretAge is QS-CRED-01.
func (s *State) secretAge(q question) finding {
	return s.vault.live(func(c *credential) (bool, Ref) {
		limit := q.span("max_age_days")
		if c.class == "certificate" {
			limit = q.span("certificate_max_age_days")
		}
		if c.ttlDays > 0 {
			limit = min(limit, int64(c.ttlDays)*day)
		}
		return q.at-c.valueSet.Time <= limit, c.valueSet
	})
}

// afterExpiry is QS-CRED-02.
func (s *State) afterExpiry(q question) finding {
	good, of := 0, 0
	var failing []Ref
	for _, c := range s.vault.credentials {
		ranOut := c.expires > q.since("window_days") && c.expires <= q.at && (c.ended == 0 || c.ended >= c.expires)
		late := c.late.cited() && c.late.Time > q.since("window_days")
		if !ranOut && !late {
			continue
		}
		of++
		switch {
		case late:
			failing = append(failing, c.late)
		case c.ended == 0 && c.expires != 0 && q.at > c.expires+q.span("sweep_grace_hours"):
			failing = append(failing, c.sealed)
		default:
			good++
		}
	}
	return share(good, of, failing)
}

// boundedLife is QS-CRED-03.
func (s *State) boundedLife(q question) finding {
	return s.vault.live(func(c *credential) (bool, Ref) {
		return c.ttlDays > 0 && int64(c.ttlDays) <= q.count("max_ttl_days"), c.sealed
	})
}

// destruction is how soon the key of what is over has to be destroyed.
const destruction = hour

// destroyed is QS-CRED-04.
func (s *State) destroyed(q question) finding {
	good, of, failing := s.keys.retirement(q)
	for _, over := range s.vault.endings {
		at := over.ref.Time
		if at <= q.since("window_days") || q.at-at < destruction && !over.opened.cited() {
			continue
		}
		of++
		switch {
		case over.opened.cited():
			failing = append(failing, over.opened)
		case over.shredded == 0 || over.shredded-at > destruction:
			failing = append(failing, over.ref)
		default:
			good++
		}
	}
	return share(good, of, failing)
}

// inventory is QS-CRED-05.
func (s *State) inventory(q question) finding {
	return s.vault.live(func(c *credential) (bool, Ref) {
		owner := s.people.users[c.owner]
		return owner != nil && owner.active && slices.Contains(q.lists["classes"], c.class), c.sealed
	})
}
