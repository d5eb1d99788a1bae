package keyring

import (
	"context"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/seal"
)

type subjectID struct {
	tenant domain.TenantID
	user   domain.UserID
}

// subjectKey is the key under which personal data about one person is encrypted,
// or why it cannot be had. It is not changed once it is in the cache.
type subjectKey struct {
	err     error
	expires time.Time
	key     [seal.KeySize]byte
	ref     [32]byte
}

// keyRef names a data key in sections: subject ‖ u32 epoch ‖ the first 12 bytes of
// T("data-key", key). The last part tells a key from one that was made after its
// destruction, and nothing else.
func keyRef(subject domain.ID, key *[seal.KeySize]byte) (ref [32]byte) {
	fingerprint := chain.Tagged("data-key", key[:])
	copy(ref[:], subject[:])
	binary.BigEndian.PutUint32(ref[16:], firstEpoch)
	copy(ref[20:], fingerprint[:])
	return ref
}

// dataKey returns the key for data about user, or about the tenant as a whole if
// user is zero. It returns ErrNoKey for a person who was erased or never known.
func (r *Ring) dataKey(ctx context.Context, tenant domain.TenantID, user domain.UserID) (*subjectKey, error) {
	id := subjectID{tenant, user}
	if s, ok := r.subjects.Get(id); ok && r.now().Before(s.expires) {
		return s, s.err
	}
	s, err := once(ctx, r, id.name(), func(ctx context.Context) (*subjectKey, error) {
		now, generation := r.now(), r.generation.Load()
		s, err := r.loadDataKey(ctx, tenant, user)
		if err != nil {
			s = &subjectKey{err: unavailable(err), expires: now.Add(failureTTL)}
		}
		if r.generation.Load() == generation {
			r.subjects.Add(id, s)
		}
		return s, nil
	})
	if err != nil {
		return nil, err
	}
	return s, s.err
}

func (r *Ring) loadDataKey(ctx context.Context, tenant domain.TenantID, user domain.UserID) (*subjectKey, error) {
	k, err := r.tenant(ctx, tenant)
	if err != nil {
		return nil, err
	}
	s := &subjectKey{expires: k.expires, key: k.data}
	if !user.IsZero() {
		secret, err := r.loadSecret(ctx, k, tenant, forSubject, user.ID)
		if err != nil {
			return nil, fmt.Errorf("loading the key of user %s: %w", user, err)
		}
		defer clear(secret)
		copy(s.key[:], secret)
	}
	s.ref = keyRef(user.ID, &s.key)
	return s, nil
}

// CreateSubject makes, durably, the key under which personal data about user is
// encrypted. Asked again it does nothing.
func (r *Ring) CreateSubject(ctx context.Context, tenant domain.TenantID, user domain.UserID) error {
	if _, err := r.dataKey(ctx, tenant, user); !errors.Is(err, ErrNoKey) {
		return err
	}
	k, err := r.tenant(ctx, tenant)
	if err != nil {
		return err
	}
	wrapped, err := r.wrapFresh(k.current(), tenant, forSubject, user.ID)
	if err != nil {
		return err
	}
	if err := r.store.StoreKeys(ctx, []WrappedKey{wrapped}); err != nil && !errors.Is(err, ErrKeyExists) {
		return fmt.Errorf("storing the key of user %s: %w", user, err)
	}
	r.forgetSubject(subjectID{tenant, user})
	return nil
}

// EraseSubject destroys the key of user, durably: what events say of that person
// is noise from then on, on other nodes once they hear of it, or after CacheTTL. Asked again it
// does nothing. It refuses the zero user, whose data is the tenant's.
func (r *Ring) EraseSubject(ctx context.Context, tenant domain.TenantID, user domain.UserID) error {
	if user.IsZero() {
		return errors.New("keyring: the tenant's own data has no subject")
	}
	if err := r.store.DestroyKey(ctx, tenant.ID, forSubject.name, user.ID, firstEpoch); err != nil {
		return fmt.Errorf("destroying the key of user %s: %w", user, err)
	}
	r.forgetSubject(subjectID{tenant, user})
	return nil
}

// ForgetSubject drops the key of user from memory, after another node destroyed it.
func (r *Ring) ForgetSubject(tenant domain.TenantID, user domain.UserID) {
	r.forgetSubject(subjectID{tenant, user})
}

// Protect encrypts data under subject's key, or under the tenant's if subject is
// zero, bound to the event, and appends it to dst as one section. It returns
// ErrNoKey for a person who was erased or never known.
func (r *Ring) Protect(ctx context.Context, dst []byte, tenant domain.TenantID, subject domain.UserID, eventID domain.ID, data []byte) ([]byte, error) {
	s, err := r.dataKey(ctx, tenant, subject)
	if err != nil {
		return nil, err
	}
	return seal.AppendSection(dst, &s.key, s.ref, r.event(tenant, eventID), data)
}

// Reveal decrypts the sections of a detached blob, in order. A section whose
// subject was erased is left out. Any other failure is one of the whole blob.
func (r *Ring) Reveal(ctx context.Context, tenant domain.TenantID, eventID domain.ID, detached []byte) ([][]byte, error) {
	sections, err := seal.ParseSections(detached)
	if err != nil {
		return nil, err
	}
	var revealed [][]byte
	for _, section := range sections {
		subject := domain.UserID{ID: domain.ID(section.KeyRef[:16])}
		s, err := r.dataKey(ctx, tenant, subject)
		if !subject.IsZero() && (errors.Is(err, ErrNoKey) ||
			err == nil && subtle.ConstantTimeCompare(s.ref[:], section.KeyRef[:]) != 1) {
			continue
		}
		if err != nil {
			return nil, err
		}
		data, err := section.Open(&s.key, r.event(tenant, eventID))
		if err != nil {
			return nil, fmt.Errorf("decrypting data about user %s: %w", subject, err)
		}
		revealed = append(revealed, data)
	}
	return revealed, nil
}

func (r *Ring) event(tenant domain.TenantID, eventID domain.ID) seal.SectionContext {
	return seal.SectionContext{LogID: r.deployment.LogID, Tenant: tenant.ID, EventID: eventID}
}
