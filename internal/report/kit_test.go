package report_test

import (
	"crypto/sha3"
	"encoding/binary"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/compliance"
	"github.com/quantaseal/quantaseal/internal/report"
)

var (
	began   = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	owner   = domain.UserID{ID: domain.ID{0xa1}}
	tenant  = domain.TenantID{ID: domain.ID{0x7e}}
	auditor = chain.NewSigningKey(&[chain.SeedSize]byte{7})
)

// told folds a chain of a tenant that has much to put in order.
func told(t testing.TB) (*compliance.State, time.Time) {
	t.Helper()
	state, now, seq := compliance.NewState(), began, uint64(0)
	happens := func(kind domain.ActorKind, who domain.ID, e domain.Event) {
		stored, err := domain.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		hash := sha3.Sum256(binary.BigEndian.AppendUint64(stored.Payload[:len(stored.Payload):len(stored.Payload)], seq))
		state.Apply(compliance.Fact{
			Ref: compliance.Ref{
				Seq: seq, EventID: domain.DerivedID(hash), Type: stored.Type.Name, Time: now.UnixMicro(), Hash: hash, Signer: domain.Digest(auditor.ID()),
			},
			ActorKind: kind, Actor: who, Request: domain.RequestID{ID: domain.ID{7}}, Outcome: domain.OutcomeOf(e), Payload: stored.Payload, Event: e,
		})
		seq, now = seq+1, now.Add(time.Minute)
	}
	happens(domain.ActorSystem, domain.ID{}, domain.ChainGenesis{PublicKey: make([]byte, chain.PublicKeySize), TenantIndex: 1})
	happens(domain.ActorAnonymous, domain.ID{}, domain.TenantRegistered{Owner: owner, Plan: "self_hosted"})
	happens(domain.ActorAnonymous, domain.ID{}, domain.UserRegistered{AccountRef: owner.ID, Role: domain.RoleOwner, UserID: owner, Verified: true})
	happens(domain.ActorAnonymous, domain.ID{}, domain.PasswordSet{KDF: "argon2id", PolicyVersion: 1, UserID: owner})
	for n := range byte(90) {
		e := domain.CredentialSealed{
			Algorithm: domain.SealAlgorithm, Classification: "password", EntryID: domain.CredentialID{ID: domain.ID{0xe5, n}}.Entry(1), Environment: domain.Live,
			Owner: owner, Suite: 1, Type: "password", Version: 1,
		}
		if n%3 > 0 {
			e.TTLDays, e.ExpiresAt = 300, now.AddDate(0, 0, 300).UnixMicro()
		}
		happens(domain.ActorUser, owner.ID, e)
	}
	for n := range byte(12) {
		happens(domain.ActorUser, owner.ID, domain.APIKeyCreated{
			Environment: domain.Live, ExpiresAt: now.AddDate(0, 0, 200).UnixMicro(), KeyID: domain.KeyID{ID: domain.ID{0xc0, n}}, Owner: owner,
			Scopes: []domain.Scope{domain.ScopeVaultList},
		})
	}
	return state, now.AddDate(0, 0, 120)
}

// reportOf returns a report about told for a framework.
func reportOf(t testing.TB, framework, name string) *report.Report {
	t.Helper()
	c, err := compliance.Load()
	if err != nil {
		t.Fatal(err)
	}
	f, err := c.Framework(framework)
	if err != nil {
		t.Fatal(err)
	}
	state, now := told(t)
	r := &report.Report{
		ID: domain.ReportID{ID: domain.ID{0x1e, 1}}, Tenant: tenant, TenantName: name, Generator: "1.2.3", Origin: "vault.example/audit", LogID: domain.Digest{3},
		Days: 30, Catalogue: c, Framework: f, Assessment: state.Assess(c, f, now.UnixMicro()),
		PublicKey: auditor.Public().Bytes(), KeyID: domain.Digest(auditor.ID()), Signature: make([]byte, chain.SignatureSize),
	}
	for back := 30; back > 0; back-- {
		at := now.AddDate(0, 0, -back).Truncate(24 * time.Hour)
		point, err := state.Assess(c, f, at.UnixMicro()).Point()
		if err != nil {
			t.Fatal(err)
		}
		point.Score += back % 7 * 3 // a line that is not flat
		r.History = append(r.History, point)
	}
	return r
}
