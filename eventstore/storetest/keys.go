package storetest

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"sync"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// Keys is a key ring whose keys follow from names: real signatures and real
// encryption under keys that everybody can know. Make one with NewKeys.
type Keys struct {
	root  *chain.SigningKey
	logID chain.Hash

	mu     sync.Mutex
	audit  map[domain.TenantID]*chain.SigningKey
	erased map[domain.UserID]struct{}
}

var _ eventstore.Keys = (*Keys)(nil)

// NewKeys returns the key ring.
func NewKeys() *Keys {
	k := &Keys{audit: map[domain.TenantID]*chain.SigningKey{}, erased: map[domain.UserID]struct{}{}}
	k.root = chain.NewSigningKey((*[chain.SeedSize]byte)(seed("root")))
	k.logID = chain.LogID("storetest", k.root.Public().Bytes(), 1, [32]byte{})
	return k
}

func seed(name string, parts ...[]byte) []byte {
	h := chain.Tagged("storetest-"+name, parts...)
	return h[:]
}

// Root returns the key that certifies the others.
func (k *Keys) Root() *chain.PublicKey { return k.root.Public() }

// SignRoot returns the root key's signature of a message under a context string.
func (k *Keys) SignRoot(context string, message []byte) ([]byte, error) {
	return k.root.Sign(context, message)
}

// LogID returns the id of the deployment that the keys are of.
func (k *Keys) LogID() chain.Hash { return k.logID }

// Genesis returns the fact that opens tenant's chain.
func (k *Keys) Genesis(tenant domain.TenantID, index uint32) (domain.ChainGenesis, error) {
	key := k.key(tenant)
	certificate := chain.Certificate{LogID: k.logID, Tenant: tenant.ID, TenantIndex: index, KeyEpoch: 1, KeyID: key.ID()}.Append(nil)
	signature, err := k.root.Sign(chain.ContextKeyCert, certificate)
	return domain.ChainGenesis{KeyCert: append(certificate, signature...), PublicKey: key.Public().Bytes(), TenantIndex: index}, err
}

func (k *Keys) key(tenant domain.TenantID) *chain.SigningKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	key, ok := k.audit[tenant]
	if !ok {
		key = chain.NewSigningKey((*[chain.SeedSize]byte)(seed("audit", tenant.ID[:])))
		k.audit[tenant] = key
	}
	return key
}

// Signer implements eventstore.Keys.
func (k *Keys) Signer(_ context.Context, tenant domain.TenantID) (*chain.SigningKey, uint64, error) {
	return k.key(tenant), 1, nil
}

// Erase forgets a person's key.
func (k *Keys) Erase(subject domain.UserID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.erased[subject] = struct{}{}
}

// ForgetSubject implements eventstore.Keys: keys are made anew for each use.
func (k *Keys) ForgetSubject(domain.TenantID, domain.UserID) {}

func subjectCipher(tenant domain.TenantID, subject domain.UserID) (cipher.AEAD, error) {
	block, err := aes.NewCipher(seed("subject", tenant.ID[:], subject.ID[:]))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Protect implements eventstore.Keys: subject, length and ciphertext.
func (k *Keys) Protect(_ context.Context, dst []byte, tenant domain.TenantID, subject domain.UserID, eventID domain.ID, data []byte) ([]byte, error) {
	aead, err := subjectCipher(tenant, subject)
	if err != nil {
		return nil, err
	}
	sealed := aead.Seal(nil, nil, data, eventID[:])
	dst = append(dst, subject.ID[:]...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(sealed)))
	return append(dst, sealed...), nil
}

// Reveal implements eventstore.Keys.
func (k *Keys) Reveal(_ context.Context, tenant domain.TenantID, eventID domain.ID, detached []byte) (sections [][]byte, err error) {
	for len(detached) > 0 {
		if len(detached) < 20 || len(detached[20:]) < int(binary.BigEndian.Uint32(detached[16:])) {
			return nil, errors.New("storetest: not a detached blob")
		}
		subject, end := domain.UserID{ID: domain.ID(detached[:16])}, 20+int(binary.BigEndian.Uint32(detached[16:]))
		sealed := detached[20:end]
		detached = detached[end:]
		k.mu.Lock()
		_, erased := k.erased[subject]
		k.mu.Unlock()
		if erased {
			continue
		}
		aead, err := subjectCipher(tenant, subject)
		if err != nil {
			return nil, err
		}
		data, err := aead.Open(nil, nil, sealed, eventID[:])
		if err != nil {
			return nil, err
		}
		sections = append(sections, data)
	}
	return sections, nil
}

// newID draws an id as the product does.
func newID() domain.ID {
	var id domain.ID
	_, _ = rand.Read(id[:]) // never fails
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}
