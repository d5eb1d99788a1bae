package commands

import (
	"context"
	"crypto/sha3"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/internal/envelope"
)

// Sign asks for a document to be signed.
type Sign struct {
	Actor    domain.Actor
	Data     []byte // at most envelope.MaxPlaintext bytes
	Spelling Spelling
}

// Signed is a document's signatures, with the key that made them.
type Signed struct {
	Signatures envelope.Signatures
	Key        domain.CryptoKey
	Receipt    eventstore.Receipt
}

// Sign signs cmd.Data, whatever it is, with the tenant's active key for documents,
// which signs nothing else. The act is on the record before the signatures are
// returned. A repeat is another fact. Access requirement: encryption:sign. It
// refuses with TooLarge, with Unavailable if the keys cannot be had, and with
// ErrDenied.
func (c *Encryption) Sign(ctx context.Context, cmd Sign) (Signed, error) {
	by := cmd.Actor
	if len(cmd.Data) > envelope.MaxPlaintext {
		return Signed{}, errPlaintextTooLong
	}
	if err := c.Crypto.Ready(ctx, by.Tenant); err != nil {
		return Signed{}, err
	}
	if err := authorize(ctx, c.Log, by, domain.ScopeSign, "encryption.sign"); err != nil {
		return Signed{}, err
	}
	if err := c.ensure(ctx, by, domain.PurposeDocument); err != nil {
		return Signed{}, err
	}
	var made Signed
	_, receipt, err := transact(ctx, c.Log, by, domain.CryptoKeysID(by.Tenant, by.Environment), terms[domain.CryptoKeys]{},
		func(keys domain.CryptoKeys) (_ []domain.CryptoEvent, err error) {
			if made.Key, err = active(keys, domain.PurposeDocument); err != nil {
				return nil, err
			}
			if made.Signatures, err = c.Crypto.Sign(ctx, by.Tenant, made.Key, cmd.Data); err != nil {
				return nil, err
			}
			return []domain.CryptoEvent{domain.DataSigned{
				Dialect: cmd.Spelling.Dialect, Encoding: cmd.Spelling.Encoding, KeyID: made.Key.ID,
				SignatureHash: sha3.Sum256(made.Signatures.PQC), Suite: domain.EnvelopeSuite,
			}}, nil
		})
	if err != nil {
		return Signed{}, err
	}
	made.Receipt = receipt
	return made, nil
}
