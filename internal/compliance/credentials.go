package compliance

import (
	"slices"

	"github.com/quantaseal/quantaseal/domain"
)

// vault is what the facts about credentials fold to.
type vault struct {
	sealed  bool         // a credential was sealed once
	all     []credential // in a row, because every assessment walks over them
	at      map[domain.CredentialID]int
	endings []ending               // deletions and replacements, in order
	gone    int                    // how many were before these, and are forgotten
	byEntry map[domain.EntryID]int // which one, those that are gone counted
}

// credential begins with what every assessment asks of each that lives.
type credential struct {
	ended     int64 // 0 = it lives
	expires   int64 // 0 = never
	ttlDays   int
	suite     int
	owner     domain.UserID
	class     string
	algorithm string
	setAt     int64 // when the value was
	lateAt    int64 // when it was unsealed after it had expired, the last time; 0 = never
	valueSet  *Ref  // what last set the value; what is cited never changes, so that copies share it
	sealed    *Ref
	id        domain.CredentialID
	sealedBy  domain.UserID
	retiredBy domain.UserID // if it is retired
	late      *Ref          // its last unsealing after it had expired
}

// ending is a value that nobody is to read again.
type ending struct {
	ref      *Ref
	entry    domain.EntryID
	shredded int64 // when its key was destroyed; 0 = it was not
	opened   *Ref  // that it was unsealed all the same; nil = it was not
}

func newVault() vault {
	return vault{at: map[domain.CredentialID]int{}, byEntry: map[domain.EntryID]int{}}
}

// find returns a credential, or nil. It may move with the next one that is added.
func (v *vault) find(id domain.CredentialID) *credential {
	if i, ok := v.at[id]; ok {
		return &v.all[i]
	}
	return nil
}

// ending returns what ended a value, or nil. It may move with the next one.
func (v *vault) ending(e domain.EntryID) *ending {
	if i, ok := v.byEntry[e]; ok {
		return &v.endings[i-v.gone]
	}
	return nil
}

// add adds a credential, in place of one of its id.
func (v *vault) add(c credential) {
	if had := v.find(c.id); had != nil {
		*had = c
		return
	}
	v.at[c.id] = len(v.all)
	v.all = append(v.all, c)
}

// drop forgets a credential. The last one takes its place.
func (v *vault) drop(id domain.CredentialID) {
	i := v.at[id]
	end := len(v.all) - 1
	v.all[i] = v.all[end]
	v.at[v.all[i].id] = i
	v.all[end] = credential{}
	v.all = v.all[:end]
	delete(v.at, id)
}

// apply folds a fact that by answers for.
func (v *vault) apply(f *Fact, by domain.UserID) {
	switch e := f.Event.(type) {
	case domain.CredentialSealed:
		v.sealed = true
		ref := f.Ref
		v.add(credential{
			id: e.EntryID.Credential(), sealed: &ref, valueSet: &ref, setAt: f.Time, owner: e.Owner, class: e.Classification, algorithm: e.Algorithm,
			suite: e.Suite, ttlDays: e.TTLDays, expires: e.ExpiresAt, sealedBy: by,
		})
	case domain.CredentialRotated:
		v.end(f, e.OldEntryID)
		if c := v.find(e.NewEntryID.Credential()); c != nil {
			c.suite, c.expires = e.Suite, e.ExpiresAt
			if e.ValueChanged {
				ref := f.Ref
				c.valueSet, c.setAt = &ref, f.Time
			}
		}
	case domain.CredentialUnsealed:
		if c := v.find(e.EntryID.Credential()); c != nil && c.expires != 0 && f.Time > c.expires {
			ref := f.Ref
			c.late, c.lateAt = &ref, f.Time
		}
		if over := v.ending(e.EntryID); over != nil {
			ref := f.Ref
			over.opened = &ref
		}
	case domain.CredentialRetired:
		if c := v.find(e.EntryID.Credential()); c != nil {
			c.retiredBy = by
		}
	case domain.CredentialRestored:
		if c := v.find(e.EntryID.Credential()); c != nil {
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
	if c := v.find(e.Credential()); c != nil && c.ended == 0 {
		c.ended = f.Time
	}
}

// end notes that a value is not to be read again. Those longer ago than any window
// are forgotten, with the credentials that they ended.
func (v *vault) end(f *Fact, e domain.EntryID) {
	ref := f.Ref
	v.byEntry[e] = v.gone + len(v.endings)
	v.endings = append(v.endings, ending{ref: &ref, entry: e})
	for f.Time-v.endings[0].ref.Time > horizon {
		old := v.endings[0].entry
		v.endings, v.gone = v.endings[1:], v.gone+1
		delete(v.byEntry, old)
		if c := v.find(old.Credential()); c != nil && c.ended != 0 && f.Time-c.ended > horizon {
			v.drop(c.id)
		}
	}
}

func (v *vault) shred(f *Fact, e domain.EntryID) {
	if over := v.ending(e); over != nil && over.shredded == 0 {
		over.shredded = f.Time
	}
}

// live judges every credential that lives.
func (v *vault) live(inOrder func(*credential) (bool, *Ref)) finding {
	good, of := 0, 0
	var failing newest
	for i := range v.all {
		c := &v.all[i]
		if c.ended != 0 {
			continue
		}
		of++
		if ok, ref := inOrder(c); ok {
			good++
		} else {
			failing.add(ref)
		}
	}
	return shareOf(good, of, failing)
}

// secretAge is QS-CRED-01.
func (s *State) secretAge(q question) finding {
	most, certificates := q.span("max_age_days"), q.span("certificate_max_age_days")
	return s.vault.live(func(c *credential) (bool, *Ref) {
		limit := most
		if c.class == "certificate" {
			limit = certificates
		}
		if c.ttlDays > 0 {
			limit = min(limit, int64(c.ttlDays)*day)
		}
		return q.at-c.setAt <= limit, c.valueSet
	})
}

// afterExpiry is QS-CRED-02.
func (s *State) afterExpiry(q question) finding {
	since, grace := q.since("window_days"), q.span("sweep_grace_hours")
	good, of := 0, 0
	var failing newest
	for i := range s.vault.all {
		c := &s.vault.all[i]
		ranOut := c.expires > since && c.expires <= q.at && (c.ended == 0 || c.ended >= c.expires)
		late := c.lateAt > max(since, 0)
		if !ranOut && !late {
			continue
		}
		of++
		switch {
		case late:
			failing.add(c.late)
		case c.ended == 0 && c.expires != 0 && q.at > c.expires+grace:
			failing.add(c.sealed)
		default:
			good++
		}
	}
	return shareOf(good, of, failing)
}

// boundedLife is QS-CRED-03.
func (s *State) boundedLife(q question) finding {
	most := q.count("max_ttl_days")
	return s.vault.live(func(c *credential) (bool, *Ref) {
		return c.ttlDays > 0 && int64(c.ttlDays) <= most, c.sealed
	})
}

// destruction is how soon the key of what is over has to be destroyed.
const destruction = hour

// destroyed is QS-CRED-04.
func (s *State) destroyed(q question) finding {
	good, of, keys := s.keys.retirement(q)
	var failing newest
	for i := range keys {
		failing.add(&keys[i])
	}
	since := q.since("window_days")
	for i := range s.vault.endings {
		over := &s.vault.endings[i]
		at := over.ref.Time
		if at <= since || q.at-at < destruction && over.opened == nil {
			continue
		}
		of++
		switch {
		case over.opened != nil:
			failing.add(over.opened)
		case over.shredded == 0 || over.shredded-at > destruction:
			failing.add(over.ref)
		default:
			good++
		}
	}
	return shareOf(good, of, failing)
}

// inventory is QS-CRED-05.
func (s *State) inventory(q question) finding {
	classes := q.lists["classes"]
	return s.vault.live(func(c *credential) (bool, *Ref) {
		owner := s.people.users[c.owner]
		return owner != nil && owner.active && slices.Contains(classes, c.class), c.sealed
	})
}
