package domain_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
)

type cryptoDecision = decision[domain.CryptoKeys, domain.CryptoEvent]

var (
	generated = domain.KeyGenerated{
		ActivatedAt: now.UnixMicro(), Algorithm: domain.EnvelopeAlgorithms, Environment: domain.Test, KEMPublicKey: []byte("ek"),
		KeyID: cryptoKey, Purpose: domain.PurposeEnvelope, SignPublicKey: []byte("pk"), SignsBindings: true,
	}
	rotatedKey = domain.KeyRotated{
		ActivatedAt: now.UnixMicro(), Algorithm: domain.EnvelopeAlgorithms, Environment: domain.Test, KEMPublicKey: []byte("ek"),
		NewKeyID: nextKey, OldKeyID: cryptoKey, Purpose: domain.PurposeEnvelope, SignPublicKey: []byte("pk"),
	}
	retiredKey   = domain.KeyRetirement{KeyID: cryptoKey, Mode: domain.RetiredForGood}
	destroyedKey = domain.KeyDestruction{KeyID: cryptoKey, Method: domain.ShredMethod}
)

func TestCryptoKeyRules(t *testing.T) {
	public := domain.PublicKeys{KEM: []byte("ek"), Sign: []byte("pk")}
	begin := func(signs bool) func(domain.CryptoKeys) ([]domain.CryptoEvent, error) {
		return func(c domain.CryptoKeys) ([]domain.CryptoEvent, error) {
			return c.Begin(c.Next(tenantID, domain.Test, domain.PurposeEnvelope), domain.PurposeEnvelope, domain.Test, public, signs, now), nil
		}
	}
	retire := func(c domain.CryptoKeys) ([]domain.CryptoEvent, error) { return c.Retire(cryptoKey) }
	destroy := func(c domain.CryptoKeys) ([]domain.CryptoEvent, error) { return c.Destroy(cryptoKey) }
	export := func(c domain.CryptoKeys) ([]domain.CryptoEvent, error) { return c.Export(cryptoKey) }
	one := []domain.CryptoEvent{generated}
	two := []domain.CryptoEvent{generated, rotatedKey}
	retired := []domain.CryptoEvent{generated, rotatedKey, retiredKey}
	gone := []domain.CryptoEvent{generated, rotatedKey, retiredKey, destroyedKey}
	exported := []domain.CryptoEvent{domain.EscrowExported{KeyID: cryptoKey, Purpose: domain.PurposeEnvelope}}
	testDecisions(t, map[string]cryptoDecision{
		"the first generation": {nil, begin(true), []domain.CryptoEvent{generated}, nil},
		"the second":           {one, begin(false), []domain.CryptoEvent{rotatedKey}, nil},
		"retire nothing":       {nil, retire, nil, domain.ErrCryptoKeyNotFound},
		"retire the active":    {one, retire, nil, domain.ErrCryptoKeyActive},
		"retire":               {two, retire, []domain.CryptoEvent{retiredKey}, nil},
		"retire twice":         {retired, retire, nil, nil},
		"retire the destroyed": {gone, retire, nil, nil},
		"destroy nothing":      {nil, destroy, nil, domain.ErrCryptoKeyNotFound},
		"destroy the active":   {one, destroy, nil, domain.ErrCryptoKeyInUse},
		"destroy the old":      {two, destroy, nil, domain.ErrCryptoKeyInUse},
		"destroy":              {retired, destroy, []domain.CryptoEvent{destroyedKey}, nil},
		"destroy twice":        {gone, destroy, nil, nil},
		"export nothing":       {nil, export, nil, domain.ErrCryptoKeyNotFound},
		"export the active":    {one, export, exported, nil},
		"export the retired":   {retired, export, exported, nil},
		"export the destroyed": {gone, export, nil, domain.ErrCryptoKeyGone},
	})
}

// Whatever happens, a purpose has at most one active key, no id comes twice, what
// is over stays over, and earlier states are left as they were.
func TestCryptoKeyProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var keys domain.CryptoKeys
		at := now
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			at = at.Add(time.Hour)
			before := cmp.Diff(keys, domain.CryptoKeys{})
			purpose := rapid.SampledFrom([]domain.KeyPurpose{domain.PurposeEnvelope, domain.PurposeDocument}).Draw(t, "purpose")
			id := nextKey
			if len(keys.Keys) > 0 {
				id = rapid.SampledFrom(keys.Keys).Draw(t, "key").ID
			}
			var facts []domain.CryptoEvent
			switch rapid.IntRange(0, 2).Draw(t, "act") {
			case 0:
				facts = keys.Begin(keys.Next(tenantID, domain.Live, purpose), purpose, domain.Live, domain.PublicKeys{}, false, at)
			case 1:
				facts, _ = keys.Retire(id)
			case 2:
				facts, _ = keys.Destroy(id)
			}
			next := keys
			for _, e := range facts {
				next = next.Evolve(e)
			}
			if cmp.Diff(keys, domain.CryptoKeys{}) != before {
				t.Fatal("an earlier state changed")
			}
			seen, active := map[domain.CryptoKeyID]bool{}, map[domain.KeyPurpose]int{}
			for i, k := range next.Keys {
				if seen[k.ID] {
					t.Fatalf("%s comes twice", k.ID)
				}
				seen[k.ID] = true
				if k.State == domain.KeyActive {
					active[k.Purpose]++
				}
				if i < len(keys.Keys) && (keys.Keys[i].State == domain.KeyDestroyed || keys.Keys[i].State == domain.KeyRetired && k.Reads()) && k.State != keys.Keys[i].State {
					t.Fatalf("%s was %s and is %s", k.ID, keys.Keys[i].State, k.State)
				}
			}
			for p, n := range active {
				if a := next.Active(p); n > 1 || a.Purpose != p || next.Reading(p)[0].ID != a.ID {
					t.Fatalf("%d active keys for %s, %+v", n, p, a)
				}
			}
			keys = next
		}
	})
}

// Keys have their time.
func TestCryptoKeyTimes(t *testing.T) {
	var keys domain.CryptoKeys
	if !keys.Due(domain.PurposeEnvelope, now) {
		t.Error("no key is enough")
	}
	keys = keys.Evolve(generated)
	if keys.Due(domain.PurposeEnvelope, now.Add(domain.CryptoPeriod-time.Microsecond)) || !keys.Due(domain.PurposeEnvelope, now.Add(domain.CryptoPeriod)) {
		t.Error("a key does not last exactly its period")
	}
	k := keys.Key(cryptoKey)
	if k.MakesUntil() != now.Add(domain.CryptoPeriod).UnixMicro() || k.VerifiesMACUntil() != 0 {
		t.Errorf("%+v", k)
	}
	k.ReplacedAt = now.Add(time.Hour).UnixMicro()
	if k.MakesUntil() != k.ReplacedAt || k.VerifiesMACUntil() != 0 {
		t.Errorf("an envelope is verified for ever; %+v", k)
	}
	if k.Purpose = domain.PurposeDocument; k.VerifiesMACUntil() != now.Add(25*time.Hour).UnixMicro() {
		t.Errorf("%+v", k)
	}
	live, test := domain.CryptoKeysID(tenantID, domain.Live), domain.CryptoKeysID(tenantID, domain.Test)
	if live == test || live == domain.CryptoKeysID(domain.TenantID{}, domain.Live) {
		t.Error("two environments or tenants have the same keys")
	}
	if _, err := domain.ParseKeyPurpose("audit"); err == nil {
		t.Error("the audit key is an encryption key")
	}
}
