package chain_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// A chain is opened, exported and verified. What a log keeps apart is in one place
// here: the root key would be in a key management service.
func Example() {
	root := chain.NewSigningKey(&[chain.SeedSize]byte{1})
	audit := chain.NewSigningKey(&[chain.SeedSize]byte{2})
	tenant := [16]byte{0xaa}
	created := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

	header := chain.BundleHeader{
		Origin: "vault.example.com/audit", RootPublicKey: root.Public().Bytes(), CreatedUS: uint64(created.UnixMicro()), TenantID: tenant,
	}
	header.LogID = chain.LogID(header.Origin, header.RootPublicKey, header.CreatedUS, header.Nonce)

	certificate := chain.Certificate{LogID: header.LogID, Tenant: tenant, TenantIndex: 1, KeyEpoch: 1, KeyID: audit.ID()}.Append(nil)
	certified, err := root.Sign(chain.ContextKeyCert, certificate)
	if err != nil {
		fmt.Println(err)
	}
	payload := chain.Genesis{KeyCert: append(certificate, certified...), PublicKey: audit.Public().Bytes(), TenantIndex: 1}.Payload()
	h := chain.Header{
		Flags: chain.FlagGenesis, LogID: header.LogID, Tenant: tenant, Prev: chain.GenesisPrev(header.LogID, tenant),
		EventID: [16]byte{1}, TimeUS: header.CreatedUS, AggregateKind: 1, AggregateID: tenant, SchemaVersion: 1, ContentType: chain.ContentJSON,
		PayloadLen: uint32(len(payload)), PayloadHash: chain.PayloadHash(payload),
		SignerKeyID: audit.ID(), KeyEpoch: 1, EventType: chain.TypeGenesis,
	}
	genesis := chain.Record{Header: h.Append(nil), Payload: payload}
	if genesis.Signature, err = audit.Sign(chain.ContextEvent, genesis.Header); err != nil {
		fmt.Println(err)
	}

	var file bytes.Buffer
	w, err := chain.NewBundleWriter(&file, header)
	if err != nil {
		fmt.Println(err)
	}
	if err := w.WriteEvent(0, genesis); err != nil {
		fmt.Println(err)
	}
	tampered := bytes.Replace(file.Bytes(), []byte(`"payload":"ey`), []byte(`"payload":"ez`), 1)

	for _, b := range [][]byte{file.Bytes(), tampered} {
		summary, err := chain.VerifyBundle(context.Background(), bytes.NewReader(b), chain.Options{
			LogID: &header.LogID, Now: time.Now, Report: func(f chain.Finding) { fmt.Println(f.Check, f.Detail) },
		})
		fmt.Println(summary.Events, "records,", summary.Findings, "findings,", err)
	}
	// Output:
	// 1 records, 0 findings, <nil>
	// V9 the payload is not the one that the header commits to
	// V15 the payload is not that of a genesis
	// 1 records, 2 findings, <nil>
}
