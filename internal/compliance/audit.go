package compliance

import (
	"bytes"
	"encoding/json"
	"math/big"
	"regexp"
	"slices"

	"github.com/quantaseal/quantaseal/domain"
)

// record is what the facts say of the log itself.
type record struct {
	first    Ref
	verified verified
	order    tally // facts, in order if they are not older than the one before
	contents tally
	reviewed []Ref // readings and exports by those who are to review, in order
	exported []Ref
}

func (l *record) apply(f *Fact, s *State) {
	if f.Seq == 0 {
		l.first = f.Ref
	}
	l.verified.apply(f)
	l.contents.add(f.Ref, complete(f) && f.isMinimal())
	switch f.Event.(type) {
	case domain.ComplianceReportGenerated:
		l.exported = within(append(l.exported, f.Ref))
	case domain.AuditLogQueried:
		if s.people.reviews(f) {
			l.reviewed = within(append(l.reviewed, f.Ref))
		}
	case domain.AuditExported:
		l.exported = within(append(l.exported, f.Ref))
		if s.people.reviews(f) {
			l.reviewed = within(append(l.reviewed, f.Ref))
		}
	}
}

// within drops the facts that are too old for any window.
func within(refs []Ref) []Ref {
	newest := refs[len(refs)-1].Time
	for newest-refs[0].Time > horizon {
		refs = refs[1:]
	}
	return refs
}

// reviews reports whether somebody acts in person whose duty it is to look at the log.
func (p *people) reviews(f *Fact) bool {
	u := p.users[domain.UserID{ID: f.Actor}]
	return f.ActorKind == domain.ActorUser && u != nil && u.active && (u.role.Administers() || u.role == domain.RoleAuditor)
}

// complete reports whether a fact says what a record of it has to.
func complete(f *Fact) bool {
	acts := f.ActorKind == domain.ActorUser || f.ActorKind == domain.ActorKey
	return f.Type != "" && f.Time > 0 && !f.EventID.IsZero() && !f.Request.IsZero() &&
		f.Hash != domain.Digest{} && f.Signer != domain.Digest{} && f.Outcome <= domain.Failed && (!acts || !f.Actor.IsZero())
}

// secretLike matches what no payload may hold: an API key, a private key, a token.
var secretLike = regexp.MustCompile(`qs_(?:live|test)_[A-Za-z0-9_-]{24}|-----BEGIN|eyJ[A-Za-z0-9_-]{8,}\.eyJ`)

// secretMarks are what such a text cannot do without. To look for them costs a
// tenth of what the pattern does, and nearly no payload has one.
var secretMarks = [][]byte{[]byte("qs_live_"), []byte("qs_test_"), []byte("-----BEGIN"), []byte(".eyJ")}

// schemas are the fields of each kind of fact.
var schemas = func() map[domain.EventType]map[string]bool {
	all := map[domain.EventType]map[string]bool{}
	for _, kind := range domain.EventTypes() {
		fact, err := domain.Decode(domain.Stored{Type: kind, Payload: []byte("{}")})
		if err != nil {
			continue // of such a kind no fact could have been read
		}
		stored, err := domain.Encode(fact)
		var fields map[string]json.RawMessage
		if err == nil && json.Unmarshal(stored.Payload, &fields) == nil {
			all[kind] = map[string]bool{}
			for name := range fields {
				all[kind][name] = true
			}
		}
	}
	return all
}()

// isMinimal is minimal, which a trail that comes back to a fact asks once.
func (f *Fact) isMinimal() bool {
	if !f.judged {
		f.judged, f.minimal = true, minimal(f)
	}
	return f.minimal
}

// minimal reports whether a payload has no field that its kind of fact has not, and
// nothing that looks like a secret. An older payload may lack fields.
func minimal(f *Fact) bool {
	var fields map[string]json.RawMessage
	if json.Unmarshal(f.Payload, &fields) != nil {
		return false
	}
	schema := schemas[f.Event.EventType()]
	for name := range fields {
		if !schema[name] {
			return false
		}
	}
	marked := slices.ContainsFunc(secretMarks, func(mark []byte) bool { return bytes.Contains(f.Payload, mark) })
	return !marked || !secretLike.Match(f.Payload)
}

// retention is QS-AUD-04.
func (s *State) retention(q question) finding {
	cite := []Ref{}
	if s.log.first.cited() {
		cite = append(cite, s.log.first)
	}
	if set := s.settingRefs[domain.SettingRetention]; set.cited() {
		cite = append(cite, set)
	}
	switch days := int64(s.settings.RetentionDays); {
	case s.gap || s.next == 0:
		return rated(zero, 1, cite)
	case days == 0:
		return rated(one, 1, nil)
	default:
		return rated(big.NewRat(days, q.count("required_days")), 1, cite)
	}
}

// reviews is QS-AUD-05.
func (s *State) reviews(q question) finding { return s.slots(q, "cadence_days", s.log.reviewed) }

// contents is QS-AUD-06.
func (s *State) contents(q question) finding {
	total, bad, failing := s.log.contents.since(q.since("window_days"))
	if total == 0 { // nothing was recorded that could be wanting
		return rated(one, 0, nil)
	}
	return share(total-bad, total, failing)
}

// exports is QS-GOV-01.
func (s *State) exports(q question) finding { return s.slots(q, "slot_days", s.log.exported) }

// slots is the share of the stretches of time that end now, as many as cover the
// tenant's age but no more than a window, which a fact lies in.
func (s *State) slots(q question, length string, refs []Ref) finding {
	long := q.span(length)
	age := min(q.at-s.began, q.span("window_days"))
	n := int(max(1, (age+long-1)/long))
	hit := map[int64]bool{}
	for _, r := range refs {
		if back := (q.at - r.Time) / long; r.Time <= q.at && back < int64(n) {
			hit[back] = true
		}
	}
	return share(len(hit), n, nil)
}
