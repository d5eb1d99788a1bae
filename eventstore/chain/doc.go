// Package chain is the audit chain as bytes: its record format QSE1, its keys, and
// every check that an auditor makes. Its one law: what the encoder would not write
// the decoder refuses.
//
// It knows no events and no database, so a chain is verified with nothing but its
// bytes. Nothing is ever encoded again to be verified: what is stored is what was
// signed.
//
// # Records
//
// There is one chain for each tenant, and one for the system, whose tenant is the
// zero UUID. A [Record] is a header of fixed layout, an opaque payload, an optional
// detached blob and a signature. The [Header] commits to the payload and the blob
// by hash and to the record before it by [Record.Hash]; the signature covers the
// header. All integers are big-endian, and every hash is [Tagged] with its purpose.
//
// A suite byte versions the format. Suite 1 is SHA3-256 (FIPS 202) and ML-DSA-65
// (FIPS 204, pure, hedged). A log writes a record like this:
//
//	h := chain.Header{…, Seq: head.Next, Prev: head.Hash} // GenesisPrev for the first
//	r := chain.Record{Header: h.Append(nil), Payload: payload}
//	r.Signature, err = key.Sign(chain.ContextEvent, r.Header)
//
// # Keys
//
// The first record, [Genesis], introduces the chain's audit key, which the
// deployment's root key has certified ([Certificate], QSK1). A [Rotation], signed by
// the key that was active until then, introduces the next. Whoever knows the
// [LogID] can verify everything: it commits to the root key.
//
// # Checks
//
// A [Finding] names the check that failed:
//
//	V1   the header's length, magic and suite
//	V2   its fields: decoding and encoding it gives the same bytes
//	V3   log id = the trusted one
//	V4   tenant = the chain's
//	V5   seq = previous + 1
//	V6   prev = hash of the previous record, or GenesisPrev in the first
//	V7   time not before the previous record's, nor more than MaxAhead in the future
//	V8   event id not used before in the chain
//	V9   payload: length, hash, CheckPayload
//	V10  detached blob: there exactly when flagged, length, hash
//	V11  aggregate version = 0, or the aggregate's previous + 1
//	V12  signer and epoch = the active key's
//	V13  signature of the active key
//	V14  what is repeated beside a record = what its header says
//	V15  genesis: certified by the root key for this chain
//	V16  key event: signature of the old key, certificate, proof of possession
//	V17  no signature of a key after its replacement
//	V18  recovery after a loss: the root key authorised it, it follows what was
//	     anchored, and it names exactly what is missing
//	V21  anchor: its form, its place among the anchors
//	V23  no record is missing at the end: of what the bundle promised, and of what
//	     was anchored
//	V24  the checkpoint holds the anchor
//	V25  the checkpoint is the log's, signed by the root key
//	V27  the checkpoint goes on from the one that was verified before
//	V28  every receipt is honoured
//
// The numbers that are left out need every chain, or witnesses, or the vault.
//
// # Anchors
//
// A chain alone does not show that its end was cut off. So, about once a second, an
// [Anchor] (QSA1) commits to the heads of all chains: to the root of the [HeadsTree],
// in which each chain has a [Leaf] (QSH1) at its tenant index. Anchors are the leaves
// of another tree, the [AnchorsTree], whose root the root key signs as a [Checkpoint],
// a C2SP tlog-checkpoint; its tiles are those of C2SP tlog-tiles, see [Tile]. A
// [Proof] leads from the last record of a chain through both trees to a checkpoint.
//
// [VerifyRecord] checks one record, a [Verifier] one chain as it grows, and
// [VerifyBundle] an exported chain, on all cores.
package chain
