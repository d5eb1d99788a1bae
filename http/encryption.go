package http

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"unicode/utf8"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/envelope"
)

var errAlgorithm = &refusal{http.StatusUnprocessableEntity, "algorithm_not_allowed", "algorithm is not allowed"}

// spelled returns data as bytes, and how it was spelled: as asked, else as the
// dialect does. Text aliases the request.
func spelled(data secretText, asked, usual string) ([]byte, string, error) {
	encoding := usual
	switch asked {
	case "":
	case base64Encoding, textEncoding:
		encoding = asked
	default:
		return nil, "", invalid("encoding must be base64 or utf8")
	}
	if encoding == textEncoding {
		return data, encoding, nil
	}
	b, err := envelope.Decode(string(data))
	if err != nil {
		return nil, "", invalid("data must be base64")
	}
	return b, encoding, nil
}

type encryptRequest struct {
	Plaintext *secretText     `json:"plaintext"`
	Data      *secretText     `json:"data"`
	Algorithm string          `json:"algorithm"`
	Encoding  string          `json:"encoding"`
	Context   json.RawMessage `json:"encryption_context"`
}

// encrypt handles POST /encryption/encrypt.
func (s *Server) encrypt(ctx context.Context, in *call, req encryptRequest) (reply[newEnvelope], error) {
	cmd, shows, err := req.command(in)
	if err != nil {
		return reply[newEnvelope]{}, err
	}
	defer clear(cmd.Plaintext)
	made, err := s.Encryption.Encrypt(ctx, cmd)
	if err != nil {
		return reply[newEnvelope]{}, err
	}
	return reply[newEnvelope]{data: newEnvelope{made, cmd.Spelling.Encoding, shows}, receipt: made.Receipt}, nil
}

func (r encryptRequest) command(in *call) (commands.Encrypt, representations, error) {
	none := representations{}
	if r.Algorithm != "" && r.Algorithm != envelope.KEMAlgorithm {
		return commands.Encrypt{}, none, errAlgorithm
	}
	shows, err := in.representations()
	if err != nil {
		return commands.Encrypt{}, none, err
	}
	d := dialectOf(in.http)
	given, usual := r.Data, textEncoding
	switch {
	case r.Data != nil && r.Plaintext != nil:
		return commands.Encrypt{}, none, invalid("give one of data and plaintext")
	case r.Plaintext != nil:
		given, usual = r.Plaintext, d.plaintextEncoding()
	case r.Data == nil:
		return commands.Encrypt{}, none, invalid("data is required")
	}
	plaintext, encoding, err := spelled(*given, r.Encoding, usual)
	if err != nil {
		return commands.Encrypt{}, none, err
	}
	var bound []byte
	if len(r.Context) > 0 {
		if bound, err = envelope.CanonicalContext(r.Context); err != nil {
			return commands.Encrypt{}, none, invalid("encryption_context must be an object of at most 64 texts and 4096 bytes")
		}
	}
	return commands.Encrypt{Actor: in.by, Plaintext: plaintext, Context: bound, Spelling: commands.Spelling{Dialect: string(d), Encoding: encoding}}, shows, nil
}

// decryptRequest has the fields of ciphertext, and its own.
type decryptRequest struct {
	Envelope      json.RawMessage `json:"envelope"`
	Ciphertext    secretText      `json:"ciphertext"`
	KEMCiphertext string          `json:"ciphertext_kem"`
	Data          string          `json:"ciphertext_data"`
	Nonce         string          `json:"nonce"`
	Context       json.RawMessage `json:"encryption_context"`

	Algorithm string `json:"algorithm"`
	Encoding  string `json:"encoding"`
	Verify    *bool  `json:"verify_signature"` // what is not verified is not opened, whatever it says
}

func (r decryptRequest) presented() (commands.Presented, error) {
	c := ciphertext{r.Envelope, r.Ciphertext, r.KEMCiphertext, r.Data, r.Nonce, r.Context}
	return c.present()
}

// decrypt handles POST /encryption/decrypt.
func (s *Server) decrypt(ctx context.Context, in *call, req decryptRequest) (reply[plaintext], error) {
	d := dialectOf(in.http)
	encoding := d.plaintextEncoding()
	if _, as, err := spelled(nil, req.Encoding, encoding); err != nil {
		return reply[plaintext]{}, err
	} else if encoding = as; req.Algorithm != "" && req.Algorithm != envelope.KEMAlgorithm {
		return reply[plaintext]{}, errAlgorithm
	}
	presented, err := req.presented()
	if err != nil {
		return reply[plaintext]{}, err
	}
	got, err := s.Encryption.Decrypt(ctx, commands.Decrypt{
		Actor: in.by, Presented: presented, Spelling: commands.Spelling{Dialect: string(d), Encoding: encoding},
		Unverified: req.Verify != nil && !*req.Verify,
	})
	if err != nil {
		return reply[plaintext]{}, err
	}
	if !utf8.Valid(got.Plaintext) {
		encoding = base64Encoding
	}
	return reply[plaintext]{data: plaintext{got, encoding, presented.Envelope.Version()}, receipt: got.Receipt}, nil
}

// rewrap handles POST /encryption/rewrap.
func (s *Server) rewrap(ctx context.Context, in *call, req ciphertext) (reply[newEnvelope], error) {
	shows, err := in.representations()
	if err != nil {
		return reply[newEnvelope]{}, err
	}
	presented, err := req.present()
	if err != nil {
		return reply[newEnvelope]{}, err
	}
	made, err := s.Encryption.Rewrap(ctx, commands.Rewrap{Actor: in.by, Presented: presented})
	if err != nil {
		return reply[newEnvelope]{}, err
	}
	return reply[newEnvelope]{data: newEnvelope{made, "", shows}, receipt: made.Receipt}, nil
}

// plaintext is what an envelope held, spelled as its reader wants.
type plaintext struct {
	commands.Decrypted
	encoding string
	version  string
}

// Every byte of a text may become six characters, and it stands there once.
func (a plaintext) room() int { return roomForRest + 6*len(a.Plaintext) }

func (a plaintext) appendJSON(b []byte) ([]byte, error) {
	defer clear(a.Plaintext)
	key := a.Key.ID.String()
	b = append(b, `{"signature_valid":true,"algorithm":"`+envelope.KEMAlgorithm+`","key_id":"`+key+`","encoding":"`+a.encoding...)
	b = append(b, `","encryption_metadata":{"algorithm":"`+envelope.KEMAlgorithm+`","key_id":"`+key+`","version":"`+a.version+`"},"plaintext":"`...)
	if a.encoding == base64Encoding {
		b = base64.StdEncoding.AppendEncode(b, a.Plaintext)
	} else {
		b = appendEscaped(b, a.Plaintext)
	}
	return append(b, `"}`...), nil
}

// appendEscaped writes valid UTF-8 as the inside of a JSON string.
func appendEscaped(b, text []byte) []byte {
	const digits = "0123456789abcdef"
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		default:
			b = append(b, c)
		}
	}
	return b
}

// selfCheck is one line of a self-test.
type selfCheck struct {
	Name     string `json:"name"`
	Passed   bool   `json:"passed"`
	Expected int    `json:"expected"`
	Actual   int    `json:"actual"`
	Standard string `json:"standard"`
}

type selfTested struct {
	Passed bool        `json:"passed"`
	Checks []selfCheck `json:"checks"`
}

// selfTest handles POST /encryption/selftest.
func (s *Server) selfTest(ctx context.Context, in *call, _ none) (reply[selfTested], error) {
	if err := s.Vault.Authorize(ctx, in.by, domain.ScopeVerify, "encryption.selftest"); err != nil {
		return reply[selfTested]{}, err
	}
	checks, err := envelope.SelfTest()
	if err != nil {
		return reply[selfTested]{}, err
	}
	tested := selfTested{Passed: true}
	for _, c := range checks {
		tested.Passed = tested.Passed && c.Passed()
		tested.Checks = append(tested.Checks, selfCheck{c.Name, c.Passed(), c.Want, c.Got, c.Standard})
	}
	return reply[selfTested]{data: tested}, nil
}
