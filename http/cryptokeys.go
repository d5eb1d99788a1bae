package http

import (
	"context"
	"encoding/base64"
	"time"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/envelope"
)

// publicKey is one public key in every form that somebody reads.
type publicKey struct {
	Algorithm string `json:"algorithm"`
	Key       string `json:"public_key"` // base64 of its encoding in FIPS 203 or 204
	JWK       jwk    `json:"jwk"`
	PEM       string `json:"pem"`
}

// jwk is a key of RFC 9964's type AKP.
type jwk struct {
	Type      string `json:"kty"`
	Algorithm string `json:"alg"`
	ID        string `json:"kid"`
	Use       string `json:"use"`
	Public    string `json:"pub"` // base64url without padding
}

// keyAnswer is a generation of keys, with all that the world may know of it.
type keyAnswer struct {
	ID               domain.CryptoKeyID `json:"key_id"`
	Purpose          domain.KeyPurpose  `json:"purpose"`
	Algorithm        string             `json:"algorithm"`
	State            domain.KeyState    `json:"state"`
	SignsBindings    bool               `json:"binding_signature"`
	ActivatedAt      instant            `json:"activated_at"`
	UsedUntil        instant            `json:"originator_use_until"`
	ReplacedAt       instant            `json:"replaced_at"`
	HMACVerifiesTill instant            `json:"hmac_verifies_until"` // null = as long as the key is read
	PublicKeys       []publicKey        `json:"public_keys"`
}

func answerKey(k domain.CryptoKey) (keyAnswer, error) {
	a := keyAnswer{
		ID: k.ID, Purpose: k.Purpose, Algorithm: k.Purpose.Algorithms(), State: k.State, SignsBindings: k.SignsBindings,
		ActivatedAt: instant(k.ActivatedAt), UsedUntil: instant(k.MakesUntil()), ReplacedAt: instant(k.ReplacedAt),
		HMACVerifiesTill: instant(k.VerifiesMACUntil()), PublicKeys: []publicKey{},
	}
	for _, p := range []struct {
		algorithm, use string
		key            []byte
	}{{envelope.KEMAlgorithm, "enc", k.Public.KEM}, {"ML-DSA-65", "sig", k.Public.Sign}} {
		if len(p.key) == 0 {
			continue
		}
		text, err := envelope.PEM(p.key)
		if err != nil {
			return a, err
		}
		a.PublicKeys = append(a.PublicKeys, publicKey{
			Algorithm: p.algorithm, Key: base64.StdEncoding.EncodeToString(p.key), PEM: string(text),
			JWK: jwk{"AKP", p.algorithm, k.ID.String(), p.use, base64.RawURLEncoding.EncodeToString(p.key)},
		})
	}
	return a, nil
}

// cryptoKeys handles GET /encryption/keys, the newest first.
func (s *Server) cryptoKeys(ctx context.Context, in *call, _ none) (reply[[]keyAnswer], error) {
	keys, err := s.Encryption.CryptoKeys(ctx, in.by)
	if err != nil {
		return reply[[]keyAnswer]{}, err
	}
	answer := make([]keyAnswer, len(keys.Keys))
	for i, k := range keys.Keys {
		if answer[len(answer)-1-i], err = answerKey(k); err != nil {
			return reply[[]keyAnswer]{}, err
		}
	}
	return reply[[]keyAnswer]{data: answer}, nil
}

type rotateKeyRequest struct {
	Purpose       string `json:"purpose"`
	SignsBindings *bool  `json:"binding_signature"`
}

// rotatedKey is a key after a command, and which one it replaced.
type rotatedKey struct {
	keyAnswer
	Old *domain.CryptoKeyID `json:"old_key_id"` // null = there was none
}

// rotateCryptoKey handles POST /encryption/keys/rotate.
func (s *Server) rotateCryptoKey(ctx context.Context, in *call, req rotateKeyRequest) (reply[rotatedKey], error) {
	purpose, err := domain.ParseKeyPurpose(req.Purpose)
	if err != nil {
		return reply[rotatedKey]{}, err
	}
	if req.SignsBindings != nil && purpose != domain.PurposeEnvelope {
		return reply[rotatedKey]{}, invalid("binding_signature is for envelopes")
	}
	got, err := s.Encryption.RotateCryptoKey(ctx, commands.RotateCryptoKey{
		Actor: in.by, Purpose: purpose, SignsBindings: req.SignsBindings, Idempotency: in.idempotency(),
	})
	if err != nil {
		return reply[rotatedKey]{}, err
	}
	return replyKey(got)
}

func replyKey(got commands.RotatedKey) (reply[rotatedKey], error) {
	key, err := answerKey(got.Key)
	answer := rotatedKey{keyAnswer: key}
	if got.Old.State != "" {
		answer.Old = &got.Old.ID
	}
	return reply[rotatedKey]{data: answer, receipt: got.Receipt}, err
}

// signingKeyRotated is the same for clients that read nothing but text.
type signingKeyRotated struct {
	SigningKey map[string]string `json:"signing_key"`
	New        string            `json:"new_key_id"`
	Old        string            `json:"old_key_id"`
	GraceEnds  string            `json:"grace_period_ends_at"` // until when HMACs of the old key verify
}

// rotateSigningKey handles POST /settings/rotate-signing-key: the key for documents.
func (s *Server) rotateSigningKey(ctx context.Context, in *call, _ none) (reply[signingKeyRotated], error) {
	got, err := s.Encryption.RotateCryptoKey(ctx, commands.RotateCryptoKey{
		Actor: in.by, Purpose: domain.PurposeDocument, Idempotency: in.idempotency(),
	})
	if err != nil {
		return reply[signingKeyRotated]{}, err
	}
	a := signingKeyRotated{New: got.Key.ID.String(), SigningKey: map[string]string{
		"key_id": got.Key.ID.String(), "algorithm": envelope.SignatureAlgorithm,
		"public_key":   base64.StdEncoding.EncodeToString(got.Key.Public.Sign),
		"activated_at": timeText(got.Key.ActivatedAt),
	}}
	if got.Old.State != "" {
		a.Old, a.GraceEnds = got.Old.ID.String(), timeText(got.Old.VerifiesMACUntil())
	}
	return reply[signingKeyRotated]{data: a, receipt: got.Receipt}, nil
}

func timeText(us int64) string { return time.UnixMicro(us).UTC().Format(time.RFC3339) }

// keyNamed returns what ends the key of the path. A malformed id is an unknown one.
func keyNamed(in *call) (commands.EndCryptoKey, error) {
	id, err := domain.ParseID(in.param("id"))
	if err != nil {
		return commands.EndCryptoKey{}, errNotFound
	}
	return commands.EndCryptoKey{Actor: in.by, Key: domain.CryptoKeyID{ID: id}}, nil
}

// retireCryptoKey handles POST /encryption/keys/{id}/retire.
func (s *Server) retireCryptoKey(ctx context.Context, in *call, _ none) (reply[rotatedKey], error) {
	cmd, err := keyNamed(in)
	if err != nil {
		return reply[rotatedKey]{}, err
	}
	got, err := s.Encryption.RetireCryptoKey(ctx, cmd)
	if err != nil {
		return reply[rotatedKey]{}, err
	}
	return replyKey(got)
}

// destroyCryptoKey handles DELETE /encryption/keys/{id}.
func (s *Server) destroyCryptoKey(ctx context.Context, in *call, _ none) (reply[rotatedKey], error) {
	cmd, err := keyNamed(in)
	if err != nil {
		return reply[rotatedKey]{}, err
	}
	got, err := s.Encryption.DestroyCryptoKey(ctx, cmd)
	if err != nil {
		return reply[rotatedKey]{}, err
	}
	return replyKey(got)
}

// escrow handles POST /encryption/keys/{id}/escrow.
func (s *Server) escrow(ctx context.Context, in *call, _ none) (reply[escrowed], error) {
	cmd, err := keyNamed(in)
	if err != nil {
		return reply[escrowed]{}, err
	}
	got, err := s.Encryption.ExportCryptoKey(ctx, cmd)
	if err != nil {
		return reply[escrowed]{}, err
	}
	return reply[escrowed]{data: escrowed{&got}, receipt: got.Receipt}, nil
}

// escrowed is a key's secrets on their way to an owner.
type escrowed struct{ *commands.Escrow }

func (a escrowed) room() int {
	return roomForRest + 2*(len(a.Key.Public.Sign)+len(a.Key.Public.KEM)+envelope.KEMPrivateKeySize)
}

func (a escrowed) appendJSON(b []byte) ([]byte, error) {
	defer a.Secrets.Wipe()
	b = append(b, `{"key_id":"`+a.Key.ID.String()+`","purpose":"`+string(a.Key.Purpose)+`","algorithm":"`+a.Key.Purpose.Algorithms()+`"`...)
	field := func(name string, value []byte) {
		b = append(b, `,"`+name+`":"`...)
		b = append(base64.StdEncoding.AppendEncode(b, value), '"')
	}
	if a.Key.Purpose == domain.PurposeEnvelope {
		expanded := envelope.ExpandKEM(&a.Secrets.KEM)
		field("kem_seed", a.Secrets.KEM[:])
		field("kem_private_key", expanded)
		clear(expanded)
		field("kem_public_key", a.Key.Public.KEM)
	}
	field("hmac_secret", a.Secrets.MAC[:])
	field("sign_public_key", a.Key.Public.Sign)
	return append(b, '}'), nil
}
