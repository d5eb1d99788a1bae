package keyring

import (
	"crypto/rand"
	"encoding/hex"
	"strconv"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/envelope"
	"github.com/quantaseal/quantaseal/internal/seal"
)

// purpose says what a key is for. Name and number are stored: a number is never
// used again, and no key has two purposes.
type purpose struct {
	name   string
	number uint8 // authenticated with every key that a tenant key wraps
	size   int   // of the key in bytes
}

var (
	forTenantKey  = purpose{"tenant-key", 1, seal.KeySize} // wrapped by the KMS
	forAudit      = purpose{"audit-sign", 2, seal.SeedSize}
	forRecordSign = purpose{"record-sign", 3, seal.SeedSize}
	forRecordMAC  = purpose{"record-hmac", 4, seal.MACKeySize}
	forTenantData = purpose{"tenant-data", 5, seal.KeySize}
	forBlinding   = purpose{"blinding", 6, 32} // never replaced: what it derived must be derived again
	forSubject    = purpose{"subject-data", 7, seal.KeySize}
	forSlot       = purpose{"slot", 8, seal.SlotSize} // kept with its record

	forEnvelopeKEM  = purpose{"envelope-kem", 9, envelope.KEMSeedSize}
	forEnvelopeSign = purpose{"envelope-sign", 10, envelope.SignSeedSize}
	forEnvelopeMAC  = purpose{"envelope-hmac", 11, envelope.MACSecretSize}
	forDocumentSign = purpose{"document-sign", 12, envelope.SignSeedSize}
	forDocumentMAC  = purpose{"document-hmac", 13, envelope.MACSecretSize}

	forRoot = purpose{name: "root-sign", size: chain.SeedSize} // wrapped by the KMS
)

// tenantSecrets are what every tenant has one of.
var tenantSecrets = []purpose{forAudit, forRecordSign, forRecordMAC, forTenantData, forBlinding}

// draw returns a fresh key for p, which the caller wipes.
func (p purpose) draw() []byte {
	key := make([]byte, p.size)
	_, _ = rand.Read(key) // ends the process rather than fail
	return key
}

// kmsContext is the encryption context of what the KMS wraps: ids only, since a
// KMS may log it.
func (r *Ring) kmsContext(tenant domain.TenantID, name string, epoch uint32) map[string]string {
	return map[string]string{
		"app":       "quantaseal",
		"log_id":    hex.EncodeToString(r.deployment.LogID[:]),
		"tenant_id": tenant.String(),
		"purpose":   name,
		"epoch":     strconv.FormatUint(uint64(epoch), 10),
	}
}

// place is where a key that a tenant key wraps belongs.
func (r *Ring) place(tenant domain.TenantID, object domain.ID, version uint64) seal.WrapContext {
	return seal.WrapContext{LogID: r.deployment.LogID, Tenant: tenant.ID, Object: object, Version: version}
}
