package envelope

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
)

// Wire is an envelope as JSON has it: binary fields in base64 with padding, tenant
// and key as UUIDs. Of the signature's fields the first four are the published
// ones; the others are ours, and readers that do not know them lose nothing but
// the binding.
type Wire struct {
	Version   string         `json:"version,omitempty"` // "1.1" with a context; absent means 1.0
	Encrypted WireEncrypted  `json:"encrypted"`
	Signature WireSignatures `json:"signature"`
}

// WireEncrypted is what an envelope keeps secret, and for whom.
type WireEncrypted struct {
	KEMCiphertext string          `json:"ciphertext_kem"`
	Data          string          `json:"ciphertext_data"`
	Tenant        string          `json:"tenant_id"`
	Algorithm     string          `json:"algorithm"`
	Context       json.RawMessage `json:"context,omitempty"`
}

// WireSignatures is what makes an envelope authentic.
type WireSignatures struct {
	PQC              string `json:"pqc_signature"`
	MAC              string `json:"hmac_signature"`
	Tenant           string `json:"tenant_id"`
	Algorithm        string `json:"algorithm"`
	KeyID            string `json:"key_id,omitempty"`
	BindingMAC       string `json:"binding_hmac,omitempty"`
	BindingSignature string `json:"binding_signature,omitempty"`
}

// Wire returns e as JSON has it.
func (e *Envelope) Wire() Wire {
	w := Wire{
		Encrypted: WireEncrypted{
			KEMCiphertext: encode(e.KEMCiphertext), Data: encode(e.Data),
			Tenant: formatID(e.Tenant), Algorithm: KEMAlgorithm, Context: e.Context,
		},
		Signature: WireSignatures{
			PQC: encode(e.Signature), MAC: encode(e.MAC), Tenant: formatID(e.Tenant), Algorithm: SignatureAlgorithm,
			BindingMAC: encode(e.BindingMAC), BindingSignature: encode(e.BindingSignature),
		},
	}
	if e.KeyID != ([16]byte{}) {
		w.Signature.KeyID = formatID(e.KeyID)
	}
	if e.Context != nil {
		w.Version = Version11
	}
	return w
}

// AppendJSON appends e as JSON to b.
func (e *Envelope) AppendJSON(b []byte) []byte {
	field := func(name string, value []byte) {
		b = append(append(append(b, '"'), name...), `":"`...)
		b = base64.StdEncoding.AppendEncode(b, value)
		b = append(b, `",`...)
	}
	text := func(name, value string) { b = append(append(append(append(b, '"'), name...), `":"`...), value+`"`...) }
	b = append(b, '{')
	if e.Context != nil {
		text("version", Version11)
		b = append(b, ',')
	}
	b = append(b, `"encrypted":{`...)
	field("ciphertext_kem", e.KEMCiphertext)
	field("ciphertext_data", e.Data)
	text("tenant_id", formatID(e.Tenant))
	b = append(b, ',')
	text("algorithm", KEMAlgorithm)
	if e.Context != nil {
		b = append(append(b, `,"context":`...), e.Context...)
	}
	b = append(b, `},"signature":{`...)
	field("pqc_signature", e.Signature)
	field("hmac_signature", e.MAC)
	text("tenant_id", formatID(e.Tenant))
	b = append(b, ',')
	text("algorithm", SignatureAlgorithm)
	b = append(b, ',')
	if e.BindingSignature != nil {
		field("binding_signature", e.BindingSignature)
	}
	field("binding_hmac", e.BindingMAC)
	text("key_id", formatID(e.KeyID))
	return append(b, `}}`...)
}

// Envelope reads w. It returns ErrMalformed unless every field is spelled as this
// package spells it: canonical base64, lower-case UUIDs, the one algorithm, a
// context exactly in wire 1.1, and the sizes of FIPS 203 and 204. Absent
// signatures are no error; they are refused where the envelope is opened.
func (w Wire) Envelope() (Envelope, error) {
	r := reader{}
	e := Envelope{
		Tenant: r.id(w.Encrypted.Tenant), KEMCiphertext: r.bytes(w.Encrypted.KEMCiphertext), Data: r.bytes(w.Encrypted.Data),
		Signature: r.bytes(w.Signature.PQC), MAC: r.bytes(w.Signature.MAC),
		BindingMAC: r.bytes(w.Signature.BindingMAC), BindingSignature: r.bytes(w.Signature.BindingSignature),
	}
	if w.Signature.KeyID != "" {
		e.KeyID = r.id(w.Signature.KeyID)
	}
	r.must(w.Encrypted.Algorithm == KEMAlgorithm && w.Signature.Algorithm == SignatureAlgorithm && w.Signature.Tenant == w.Encrypted.Tenant)
	switch w.Version {
	case "", Version10:
		r.must(w.Encrypted.Context == nil)
	case Version11:
		context, err := CanonicalContext(w.Encrypted.Context)
		e.Context = context
		r.must(err == nil)
	default:
		r.wrong = true
	}
	if r.must(e.sound()); r.wrong {
		return Envelope{}, ErrMalformed
	}
	return e, nil
}

// reader decodes fields and remembers whether one was wrong.
type reader struct{ wrong bool }

func (r *reader) must(ok bool) { r.wrong = r.wrong || !ok }

func (r *reader) bytes(s string) []byte {
	if s == "" {
		return nil
	}
	b, err := Decode(s)
	r.must(err == nil)
	return b
}

func (r *reader) id(s string) (id [16]byte) {
	id, ok := parseID(s)
	r.must(ok)
	return id
}

func encode(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// Decode reads base64 as this package writes it: standard alphabet, padded, no
// white space, no stray bits (RFC 4648 §3.5). It returns ErrMalformed for any other
// spelling.
func Decode(s string) ([]byte, error) { return decodeWith(base64.StdEncoding, []byte(s)) }

// decodeWith decodes strictly: the package of the standard library skips line ends.
func decodeWith(encoding *base64.Encoding, s []byte) ([]byte, error) {
	if bytes.ContainsAny(s, "\r\n") {
		return nil, ErrMalformed
	}
	b := make([]byte, encoding.DecodedLen(len(s)))
	n, err := encoding.Strict().Decode(b, s)
	if err != nil {
		return nil, ErrMalformed
	}
	return b[:n:n], nil
}

// formatID writes a UUID (RFC 9562 §4).
func formatID(id [16]byte) string {
	var b [36]byte
	hex.Encode(b[:8], id[:4])
	hex.Encode(b[9:13], id[4:6])
	hex.Encode(b[14:18], id[6:8])
	hex.Encode(b[19:23], id[8:10])
	hex.Encode(b[24:], id[10:])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// parseID reads what formatID writes.
func parseID(s string) (id [16]byte, ok bool) {
	if len(s) != 36 {
		return id, false
	}
	_, err := hex.Decode(id[:], []byte(s[:8]+s[9:13]+s[14:18]+s[19:23]+s[24:]))
	return id, err == nil && formatID(id) == s
}
