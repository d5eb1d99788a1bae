package eventstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// errRestores refuses what only Restore may append.
var errRestores = errors.New("eventstore: a chain is restored in no other way than by Restore")

// Restore goes on, for the operator, with a chain that has lost records which were
// anchored: it appends the fact that says so, and what is lost is lost from then on.
// The loss must be signed by the root key, and begin where the chain of by.Tenant
// ends: else it returns ErrConflict, and after any other error the caller must find
// out. It is for a process that appends nothing else to the chain meanwhile.
func (l *Log) Restore(ctx context.Context, by domain.Actor, signed chain.SignedLoss) (Receipt, error) {
	loss, err := signed.Verify(l.Root)
	if err != nil {
		return Receipt{}, err
	}
	e, err := l.encode(ctx, by, Fact{
		Event:     domain.ChainRestored{KeyCert: signed, MissingFromSeq: loss.From, MissingToSeq: loss.To},
		Aggregate: domain.AggregateID{Kind: domain.KindTenant, ID: by.Tenant.ID},
	}, "")
	if err != nil {
		return Receipt{}, err
	}
	head, err := l.Store.Head(ctx, by.Tenant)
	if err != nil {
		return Receipt{}, err
	}
	key, epoch, err := l.Keys.Signer(ctx, by.Tenant)
	if err != nil {
		return Receipt{}, fmt.Errorf("loading a chain's signing key: %w", err)
	}
	h := e.header
	h.Flags |= chain.FlagRecovery
	h.Seq, h.Prev, h.TimeUS = loss.To+1, loss.Lost, max(uint64(l.Now().UnixMicro()), head.TimeUS)
	h.SignerKeyID, h.KeyEpoch = key.ID(), epoch
	r := chain.Record{Header: h.Append(nil), Payload: e.payload, Detached: e.blob}
	if r.Signature, err = key.Sign(chain.ContextEvent, r.Header); err != nil {
		return Receipt{}, fmt.Errorf("signing an event: %w", err)
	}
	if _, err := l.verify(ctx, by.Tenant, r); err != nil {
		return Receipt{}, fmt.Errorf("a recovery that no verifier would accept: %w", err)
	}
	position, err := l.Store.Append(ctx, by.Tenant, []chain.Record{r})
	if err != nil {
		return Receipt{}, fmt.Errorf("appending a recovery: %w", err)
	}
	return e.recorded(position, h, r.Hash(), r).Receipt(), nil
}
