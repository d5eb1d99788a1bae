package compliance

import (
	"slices"
	"strings"

	"github.com/quantaseal/quantaseal/domain"
)

// keyring is what the facts say of the tenant's keys and what is made with them.
type keyring struct {
	audit Ref // what certified the key that signs the chain
	keys  map[domain.CryptoKeyID]*cryptoKey
	made  map[int]*tally // envelopes and signatures, by suite; there are few
}

// cryptoKey is a generation of encryption keys.
type cryptoKey struct {
	began      Ref
	purpose    domain.KeyPurpose
	algorithms []string
	active     bool
	retired    Ref
	destroyed  bool
	used       Ref // what it made after it was retired
}

func newKeyring() keyring {
	return keyring{keys: map[domain.CryptoKeyID]*cryptoKey{}, made: map[int]*tally{}}
}

func (k *keyring) apply(f *Fact) {
	switch e := f.Event.(type) {
	case domain.ChainGenesis:
		k.audit = f.Ref
	case domain.KeyGenerated:
		k.begin(f, e.KeyID, e.Purpose, e.Algorithm)
	case domain.KeyRotated:
		if old := k.keys[e.OldKeyID]; old != nil {
			old.active = false
		}
		k.begin(f, e.NewKeyID, e.Purpose, e.Algorithm)
	case domain.KeyRetirement:
		if key := k.keys[e.KeyID]; key != nil {
			key.active, key.retired = false, f.Ref
		}
	case domain.KeyDestruction:
		if key := k.keys[e.KeyID]; key != nil {
			key.active, key.destroyed = false, true
		}
	case domain.DataEncrypted:
		k.makes(f, e.KeyID, e.Suite)
	case domain.DataRewrapped:
		k.makes(f, e.KeyID, e.Suite)
	case domain.DataSigned:
		k.makes(f, e.KeyID, e.Suite)
	}
}

func (k *keyring) begin(f *Fact, id domain.CryptoKeyID, purpose domain.KeyPurpose, algorithms string) {
	k.keys[id] = &cryptoKey{began: f.Ref, purpose: purpose, algorithms: strings.Split(algorithms, "+"), active: true}
}

func (k *keyring) makes(f *Fact, id domain.CryptoKeyID, suite int) {
	if k.made[suite] == nil {
		k.made[suite] = &tally{}
	}
	k.made[suite].add(f.Ref, false) // whether it is in order depends on what is allowed
	if key := k.keys[id]; key != nil && key.retired.cited() {
		key.used = f.Ref
	}
}

// What protects the chain itself: the algorithm of its signatures, and that of its
// links.
var chainAlgorithms = []string{"ML-DSA-65", "SHA3-256"}

// What sealed records, and envelopes and documents, of a suite are made with.
var (
	recordSuites   = map[int][]string{1: {"ML-KEM-768", "HKDF-SHA-512", "AES-256-GCM", "ML-DSA-65", "HMAC-SHA-512"}}
	envelopeSuites = map[int][]string{domain.EnvelopeSuite: {"ML-KEM-768", "AES-256-GCM", "ML-DSA-65", "HMAC-SHA-512"}}
)

// algorithms is QS-CRYP-01.
func (s *State) algorithms(q question) finding {
	allowed := func(names ...string) bool {
		return len(names) > 0 && !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(q.lists["allow"], name) })
	}
	good, of := 0, 0
	var failing newest
	judge := func(ok bool, n int, refs ...Ref) {
		if of += n; ok {
			good += n
			return
		}
		for _, r := range refs {
			if r.cited() {
				failing.add(&r)
			}
		}
	}
	audit := s.keys.audit
	judge(audit.cited() && allowed(chainAlgorithms[0]), 1, audit)
	for _, name := range chainAlgorithms {
		judge(allowed(name), 1, audit)
	}
	type made struct {
		suite     int
		algorithm string
	}
	fine := map[made]bool{} // there are few
	for i := range s.vault.all {
		c := &s.vault.all[i]
		if c.ended != 0 {
			continue
		}
		as := made{c.suite, c.algorithm}
		ok, judged := fine[as]
		if !judged {
			ok = allowed(recordSuites[c.suite]...) && allowed(c.algorithm)
			fine[as] = ok
		}
		if of++; ok {
			good++
		} else {
			failing.add(c.sealed)
		}
	}
	for _, key := range s.keys.keys {
		if key.active {
			judge(allowed(key.algorithms...), 1, key.began)
		}
	}
	for suite, made := range s.keys.made {
		n, _, refs := made.since(q.since("window_days"))
		judge(allowed(envelopeSuites[suite]...), n, refs...)
	}
	return shareOf(good, of, failing)
}

// keyAge is QS-CRYP-02. A generation holds a key for each purpose that begins with
// its own; of several that are active, the youngest fills these, and each other
// one counts by itself.
func (s *State) keyAge(q question) finding {
	good, of := 0, 0
	var failing []Ref
	judge := func(began Ref) {
		switch of++; {
		case began.cited() && began.Time >= q.since("max_age_days"):
			good++
		case began.cited():
			failing = append(failing, began)
		}
	}
	youngest := map[string]Ref{"audit": s.keys.audit}
	for _, key := range s.keys.keys {
		last := youngest[string(key.purpose)]
		switch {
		case !key.active:
		case !last.cited() || key.began.Seq > last.Seq:
			youngest[string(key.purpose)] = key.began
			if last.cited() {
				judge(last)
			}
		default:
			judge(key.began)
		}
	}
	for _, purpose := range q.lists["purposes"] {
		group, _, _ := strings.Cut(purpose, "-")
		judge(youngest[group])
	}
	return share(good, of, failing)
}

// retirement judges the keys that were retired, for QS-CRED-04.
func (k *keyring) retirement(q question) (good, of int, failing []Ref) {
	for _, key := range k.keys {
		at := key.retired.Time
		if !key.retired.cited() || at <= q.since("window_days") || at > q.since("key_grace_days") && !key.used.cited() {
			continue
		}
		of++
		switch {
		case key.used.cited():
			failing = append(failing, key.used)
		case !key.destroyed:
			failing = append(failing, key.retired)
		default:
			good++
		}
	}
	return good, of, failing
}
