package compliance_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/compliance"
)

// drawStory draws a chain in which everything happens that a state remembers.
func drawStory(t *rapid.T, tb testing.TB) *story {
	s := tell(tb).joins(bob, domain.RoleEditor)
	entry := func(n byte) domain.EntryID { return domain.CredentialID{ID: domain.ID{0xe5, n}}.Entry(1) }
	for range rapid.IntRange(1, 60).Draw(t, "facts") {
		who := rapid.SampledFrom([]by{user(ada), user(bob), key(robot), nobody, system}).Draw(t, "who")
		n := rapid.ByteRange(0, 3).Draw(t, "n")
		s.later(time.Duration(rapid.Int64Range(0, int64(20*day)).Draw(t, "pause")))
		switch rapid.IntRange(0, 15).Draw(t, "what") {
		case 0, 1:
			s.seals(n, who, rapid.IntRange(0, 30).Draw(t, "ttl"))
		case 2:
			s.happens(who, rotated(entry(n), n > 1))
		case 3:
			s.happens(who, domain.CredentialDeleted{EntryID: entry(n)}, domain.CredentialShredded{EntryID: entry(n)})
		case 4:
			s.happens(who, domain.CredentialUnsealed{EntryID: entry(n), ScopeUsed: domain.ScopeVaultUnseal})
		case 5:
			s.happens(who, domain.CredentialRetired{EntryID: entry(n)})
		case 6:
			s.creates(robot, 30, domain.ScopeVaultSeal, domain.ScopeVaultUnseal)
		case 7:
			s.happens(who, domain.APIKeyRevoked{KeyID: robot}, domain.SessionRevoked{SessionID: session}, domain.SessionRefreshed{SessionID: session})
		case 8:
			fails(s, 3)
		case 9:
			fails(s, 5).happens(nobody, locked(s))
		case 10:
			s.happens(user(bob), domain.LoginSucceeded{UserID: bob, MFA: n > 1}, issued(1800, 604800, 900*int(n)))
		case 11:
			s.happens(user(bob), domain.MFAEnabled{UserID: bob})
		case 12:
			s.happens(who, lockdown)
		case 13:
			s.happens(who, lifted)
		case 14:
			s.happens(who, generated, domain.DataSigned{KeyID: cryptoKey, Suite: int(n)}, domain.AuditLogQueried{}, domain.AuditExported{})
		case 15:
			s.sets(domain.SettingMFA, "true").happens(who, domain.UserDeactivated{UserID: bob})
		}
	}
	return s
}

func folded(facts []compliance.Fact) *compliance.State {
	state := compliance.NewState()
	for _, f := range facts {
		state.Apply(f)
	}
	return state
}

// A clone and what it was taken from go on by themselves, and each comes to what a
// fold of all its facts comes to.
func TestClonesGoOn(t *testing.T) {
	c := load(t)
	f, err := c.Framework("iso27001") // it rests on every check
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		facts := drawStory(rt, t).facts
		cut := rapid.IntRange(0, len(facts)-1).Draw(rt, "cut")
		original := folded(facts[:cut])
		clone := original.Clone()
		same := func(what string, got *compliance.State, n int) {
			at := max(got.Last(), began.UnixMicro()) + int64(time.Hour/time.Microsecond)
			want, err := folded(facts[:n]).Assess(c, f, at).Digest()
			if err != nil {
				rt.Fatal(err)
			}
			if digest, err := got.Assess(c, f, at).Digest(); err != nil || digest != want {
				rt.Fatalf("%s of %d facts, cloned after %d, differs from their fold: %v", what, n, cut, err)
			}
		}
		for _, fact := range facts[cut:] {
			original.Apply(fact)
		}
		same("the clone", clone, cut)
		same("the original", original, len(facts))
		for _, fact := range facts[cut:] {
			clone.Apply(fact)
		}
		same("the clone, going on,", clone, len(facts))
	})
}

// A chain that lacks a fact scores no more than the whole one: it scores 0.
func TestHidingAFactRaisesNothing(t *testing.T) {
	c := load(t)
	rapid.Check(t, func(rt *rapid.T) {
		facts := drawStory(rt, t).facts
		hidden := rapid.IntRange(0, len(facts)-2).Draw(rt, "hidden") // the last one is what anchors are for
		state := folded(append(append([]compliance.Fact{}, facts[:hidden]...), facts[hidden+1:]...))
		f := &c.Frameworks[rapid.IntRange(0, len(c.Frameworks)-1).Draw(rt, "framework")]
		if a := state.Assess(c, f, state.Last()); a.Score != 0 || a.Status != compliance.NonCompliant {
			rt.Fatalf("%s without fact %d of %d is %d", a.Framework, hidden, len(facts), a.Score)
		}
	})
}

// trail leads the state before facts[from:] over them.
func trail(t testing.TB, c *compliance.Catalogue, facts []compliance.Fact, from int, at, to int64) compliance.Change {
	t.Helper()
	f, err := c.Framework("iso27001")
	if err != nil {
		t.Fatal(err)
	}
	led := folded(facts[:from]).Trail(c, f, at, to, uint64(len(facts)-from))
	for _, fact := range facts[from:] {
		led.Apply(fact)
	}
	change, err := led.Change()
	if err != nil {
		t.Fatal(err)
	}
	return change
}

// What moves a check is named: the fact, or that time went by.
func TestTrail(t *testing.T) {
	s := tell(t).creates(robot, 30, domain.ScopeVaultSeal)
	s.seals(1, user(ada), 30)
	from, at := len(s.facts), s.now.UnixMicro()
	for range 100 {
		s.seals(1, key(robot), 10) // moves a thing at first, and then nothing
	}
	s.happens(user(ada), domain.MFAEnabled{UserID: ada})
	factor := len(s.facts) - 1
	for range 100 {
		s.seals(1, key(robot), 10)
	}
	s.happens(user(ada), domain.AuditExported{})
	s.later(35 * day)
	change := trail(t, load(t), s.facts, from, at, s.now.UnixMicro())
	got := map[string]compliance.MovedCheck{}
	for _, m := range change.Checks {
		got[m.ID] = m
	}
	mfa := got["QS-IAM-01"]
	if len(mfa.Moves) != 1 || mfa.ByTime || mfa.Moves[0].Facts != 1 || mfa.Moves[0].First.Seq != uint64(factor) || mfa.Moves[0].Last.Type != "MFA_ENABLED" ||
		mfa.From.Result != compliance.Fail || mfa.To.Result != compliance.Pass {
		t.Errorf("QS-IAM-01 moved by %+v, want the one fact %d", mfa, factor)
	}
	if key := got["QS-IAM-07"]; len(key.Moves) != 0 || !key.ByTime || key.From.Result != compliance.Pass || key.To.Result != compliance.NotApplicable {
		t.Errorf("QS-IAM-07 moved by %+v, want time alone: the key ran out", key)
	}
	if _, moved := got["QS-IAM-02"]; !moved || len(got) == 0 || change.Change != change.To.Score-change.From.Score {
		t.Errorf("got %+v", change)
	}
	if _, moved := got["QS-CRYP-01"]; moved {
		t.Error("QS-CRYP-01 moved, though it passed all the time")
	}
}

// A trail ends where a fold ends, and names a move for each check that facts moved.
func TestTrailsEndAtTheFold(t *testing.T) {
	c := load(t)
	f, err := c.Framework("iso27001")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		s := drawStory(rt, t)
		cut := rapid.IntRange(1, len(s.facts)).Draw(rt, "cut")
		to := s.now.UnixMicro()
		change := trail(t, c, s.facts, cut, s.facts[cut-1].Time, to)
		want, err := folded(s.facts).Assess(c, f, to).Point()
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(want, change.To); diff != "" {
			rt.Fatalf("(-fold +trail):\n%s", diff)
		}
		for _, m := range change.Checks {
			last := m.From.Ratio
			for i, move := range m.Moves {
				if move.Facts < 1 || move.First.Seq < uint64(cut) || i > 0 && move.First.Seq <= m.Moves[i-1].Last.Seq {
					rt.Fatalf("%s moves by %+v", m.ID, m.Moves)
				}
				last = move.To.Ratio
			}
			if len(m.Moves) > 0 && last != m.To.Ratio || len(m.Moves) == 0 && !m.ByTime {
				rt.Fatalf("%s comes to %v by %+v", m.ID, m.To, m)
			}
		}
	})
}
