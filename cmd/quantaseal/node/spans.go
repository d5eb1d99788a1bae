package node

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// factsKey is how many facts a span appends: the one thing that a span below a request
// tells beside its name, its time and whether it failed.
const factsKey = attribute.Key("quantaseal.facts")

// spans makes spans below requests. Nobody has one who does not trace.
type spans struct{ trace.Tracer }

// span begins one, and returns what ends it.
func (s spans) span(ctx context.Context, name string) (context.Context, func()) {
	ctx, span := s.Start(ctx, name)
	return ctx, func() { span.End() }
}

// end ends a span, and says whether it failed but not why: an error may quote anything.
func end(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

// tracedStore is a store whose work shows as spans. What several requests appended
// together is a span of its own, below none of them.
type tracedStore struct {
	eventstore.Store
	spans
}

// Append implements eventstore.Store.
func (s tracedStore) Append(ctx context.Context, tenant domain.TenantID, records []chain.Record) (eventstore.Position, error) {
	ctx, span := s.Start(ctx, "store.append", trace.WithAttributes(factsKey.Int(len(records))))
	at, err := s.Store.Append(ctx, tenant, records)
	end(span, err)
	return at, err
}

// Head implements eventstore.Store.
func (s tracedStore) Head(ctx context.Context, tenant domain.TenantID) (chain.Head, error) {
	ctx, span := s.Start(ctx, "store.head")
	head, err := s.Store.Head(ctx, tenant)
	end(span, err)
	return head, err
}

// Latest implements eventstore.Store.
func (s tracedStore) Latest(ctx context.Context, tenant domain.TenantID, id domain.AggregateID) (chain.Record, error) {
	ctx, span := s.Start(ctx, "store.latest")
	r, err := s.Store.Latest(ctx, tenant, id)
	end(span, err)
	return r, err
}

// Find implements eventstore.Store.
func (s tracedStore) Find(ctx context.Context, tenant domain.TenantID, eventID domain.ID) (eventstore.Positioned, error) {
	ctx, span := s.Start(ctx, "store.find")
	p, err := s.Store.Find(ctx, tenant, eventID)
	end(span, err)
	return p, err
}

// tracedRecords are sealed records whose databases show as spans.
type tracedRecords struct {
	commands.Records
	spans
}

// Put implements commands.Records.
func (r tracedRecords) Put(ctx context.Context, tenant domain.TenantID, credential domain.CredentialID, sealed domain.SealedRecord) error {
	ctx, span := r.Start(ctx, "records.put")
	err := r.Records.Put(ctx, tenant, credential, sealed)
	end(span, err)
	return err
}

// Get implements commands.Records.
func (r tracedRecords) Get(ctx context.Context, tenant domain.TenantID, hash domain.Digest) (domain.SealedRecord, error) {
	ctx, span := r.Start(ctx, "records.get")
	sealed, err := r.Records.Get(ctx, tenant, hash)
	end(span, err)
	return sealed, err
}

// Destroy implements commands.Records.
func (r tracedRecords) Destroy(ctx context.Context, tenant domain.TenantID, hashes ...domain.Digest) error {
	ctx, span := r.Start(ctx, "records.destroy")
	err := r.Records.Destroy(ctx, tenant, hashes...)
	end(span, err)
	return err
}
