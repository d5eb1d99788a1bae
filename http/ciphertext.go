package http

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/internal/envelope"
)

// ciphertext is an envelope in a request, in every form that published clients
// send: as an object, as a token, or in pieces.
type ciphertext struct {
	Envelope      json.RawMessage `json:"envelope"`
	Ciphertext    secretText      `json:"ciphertext"`
	KEMCiphertext string          `json:"ciphertext_kem"`
	Data          string          `json:"ciphertext_data"`
	Nonce         string          `json:"nonce"`
	Context       json.RawMessage `json:"encryption_context"` // beside pieces; of the others it has to be the one they carry
}

// anyEnvelope is an envelope object as it is emitted, as one client's tests spell
// it, and flat.
type anyEnvelope struct {
	Version   string                  `json:"version"`
	Encrypted *envelope.WireEncrypted `json:"encrypted"`
	Signature json.RawMessage         `json:"signature"`

	EncryptedPayload *envelope.WireEncrypted  `json:"encrypted_payload"`
	SignedPayload    *envelope.WireSignatures `json:"signed_payload"`

	Algorithm       string `json:"algorithm"`
	EncapsulatedKey string `json:"encapsulated_key"`
	Ciphertext      string `json:"ciphertext"`
	Nonce           string `json:"nonce"`
}

// present reads the one envelope that c holds. It refuses with Invalid a request
// that holds none or several; one that cannot be read is presented as it is, to be
// refused like one that does not verify.
func (c *ciphertext) present() (commands.Presented, error) {
	forms := 0
	for _, given := range []bool{len(c.Envelope) > 0, len(c.Ciphertext) > 0, c.KEMCiphertext != "" || c.Data != ""} {
		if given {
			forms++
		}
	}
	if forms != 1 {
		return commands.Presented{}, invalid("give one of envelope, ciphertext, and ciphertext_kem with ciphertext_data")
	}
	var p commands.Presented
	var err error
	switch {
	case len(c.Ciphertext) > 0:
		p.Form = commands.FormToken
		p.Envelope, err = readToken(c.Ciphertext)
	case len(c.Envelope) > 0 && c.Envelope[0] == '"':
		p.Form = commands.FormToken
		p.Envelope, err = readToken(unescape(c.Envelope))
	case len(c.Envelope) > 0:
		p.Form, p.Envelope, err = readEnvelope(c.Envelope)
	default:
		p.Form = commands.FormPieces
		p.Envelope, err = joinPieces(c.KEMCiphertext, c.Data, c.Nonce)
	}
	if err == nil && len(c.Context) > 0 {
		var said []byte
		if said, err = envelope.CanonicalContext(c.Context); p.Form == commands.FormPieces {
			p.Envelope.Context = said
		} else if string(said) != string(p.Envelope.Context) {
			err = envelope.ErrMalformed
		}
	}
	if err != nil {
		p.Envelope = envelope.Envelope{}
	}
	return p, nil
}

// readToken reads a token, or an envelope object in base64.
func readToken(text []byte) (envelope.Envelope, error) {
	if strings.HasPrefix(string(text[:min(len(text), len(envelope.TokenPrefix))]), envelope.TokenPrefix) {
		return envelope.ParseToken(text)
	}
	object, err := envelope.Decode(string(text))
	if err != nil {
		return envelope.Envelope{}, err
	}
	_, e, err := readEnvelope(object)
	return e, err
}

// readEnvelope reads an envelope object of any shape.
func readEnvelope(text []byte) (form string, e envelope.Envelope, err error) {
	var a anyEnvelope
	if err := decodeStrict(text, &a); err != nil {
		return commands.FormEnvelope, e, err
	}
	w := envelope.Wire{Version: a.Version}
	switch {
	case a.Encrypted != nil && len(a.Signature) > 0:
		w.Encrypted = *a.Encrypted
		err = decodeStrict(a.Signature, &w.Signature)
	case a.EncryptedPayload != nil && a.SignedPayload != nil:
		w.Encrypted, w.Signature = *a.EncryptedPayload, *a.SignedPayload
	case a.EncapsulatedKey != "":
		e, err = joinPieces(a.EncapsulatedKey, a.Ciphertext, a.Nonce)
		return commands.FormPieces, e, err
	default:
		err = envelope.ErrMalformed
	}
	if err != nil {
		return commands.FormEnvelope, e, err
	}
	e, err = w.Envelope()
	return commands.FormEnvelope, e, err
}

// joinPieces makes an envelope without signatures, which the log has to vouch for.
// A nonce that does not begin the data already belongs before it.
func joinPieces(kemCiphertext, data, nonce string) (e envelope.Envelope, err error) {
	if e.KEMCiphertext, err = envelope.Decode(kemCiphertext); err != nil {
		return e, err
	}
	if e.Data, err = envelope.Decode(data); err != nil {
		return e, err
	}
	first, err := envelope.Decode(nonce)
	if err != nil {
		return e, err
	}
	if !strings.HasPrefix(string(e.Data), string(first)) {
		e.Data = append(first, e.Data...)
	}
	return e, nil
}

// representations says which forms of an envelope an answer holds.
type representations struct{ token, envelope, signature, pieces bool }

// representationsOf returns what the query asks for, else what the dialect reads.
func (c *call) representations() (representations, error) {
	switch c.http.URL.Query().Get("representation") {
	case "":
		return dialectOf(c.http).representations(), nil
	case "all":
		return rest.representations(), nil
	case "envelope":
		return representations{envelope: true}, nil
	case "token":
		return representations{token: true}, nil
	case "pieces":
		return representations{pieces: true}, nil
	}
	return representations{}, invalid("representation must be all, envelope, token or pieces")
}

// newEnvelope is an envelope in an answer.
type newEnvelope struct {
	commands.Encrypted
	encoding string // "" = it was not encrypted from anything that the caller sent
	shows    representations
}

func (a newEnvelope) room() int {
	e, room := &a.Envelope, roomForRest
	text := base64.StdEncoding.EncodedLen
	whole := text(len(e.KEMCiphertext)) + text(len(e.Data)) + text(len(e.Signature)) + text(len(e.BindingSignature)) +
		2*text(envelope.MACSize) + text(len(e.Context)) + roomForRest
	for _, shown := range []struct {
		is   bool
		size int
	}{
		{a.shows.token, whole},
		{a.shows.envelope, whole},
		{a.shows.signature, text(len(e.Signature))},
		{a.shows.pieces, text(len(e.KEMCiphertext)) + text(len(e.Data))},
	} {
		if shown.is {
			room += shown.size
		}
	}
	return room
}

func (a newEnvelope) appendJSON(b []byte) ([]byte, error) { //nolint:unparam // a secretAnswer's
	e := &a.Envelope
	key := a.Key.ID.String()
	b = append(b, `{"algorithm":"`+envelope.KEMAlgorithm+`","key_id":"`...)
	b = append(append(b, key...), `","encryption_metadata":{"algorithm":"`+envelope.KEMAlgorithm+`","key_id":"`...)
	b = append(append(b, key...), `","signature_algorithm":"`+envelope.SignatureAlgorithm+`","version":"`+e.Version()+`"`...)
	if a.encoding != "" {
		b = append(b, `,"encoding":"`+a.encoding+`"`...)
	}
	b = append(b, '}')
	if a.encoding != "" {
		b = append(b, `,"encoding":"`+a.encoding+`"`...)
	}
	field := func(name string, value []byte) {
		b = append(b, `,"`+name+`":"`...)
		b = append(base64.StdEncoding.AppendEncode(b, value), '"')
	}
	if a.shows.token {
		b = append(e.AppendToken(append(b, `,"ciphertext":"`...)), '"')
	}
	if a.shows.envelope {
		b = e.AppendJSON(append(b, `,"envelope":`...))
	}
	if a.shows.signature {
		field("signature", e.Signature)
	}
	if a.shows.pieces {
		field("ciphertext_kem", e.KEMCiphertext)
		field("ciphertext_data", e.Data)
		field("nonce", e.Data[:12])
	}
	return append(b, '}'), nil
}
