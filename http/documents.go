package http

import (
	"context"
	"encoding/base64"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/envelope"
)

type signRequest struct {
	Data      *secretText `json:"data"`
	Algorithm string      `json:"algorithm"`
	Encoding  string      `json:"encoding"`
}

// signatureAlgorithmAllowed reports whether name is how a caller may call the one
// algorithm that signs documents.
func signatureAlgorithmAllowed(name string) bool {
	return name == "" || name == "ML-DSA-65" || name == envelope.SignatureAlgorithm
}

// signed is a document's signatures, under the names that published clients read.
type signed struct {
	Signature     string             `json:"signature"`
	PQCSignature  string             `json:"pqc_signature"`
	HMACSignature string             `json:"hmac_signature"`
	PublicKey     string             `json:"public_key"`
	Algorithm     string             `json:"algorithm"`
	KeyID         domain.CryptoKeyID `json:"key_id"`
	Encoding      string             `json:"encoding"`
}

// sign handles POST /encryption/sign.
func (s *Server) sign(ctx context.Context, in *call, req signRequest) (reply[signed], error) {
	if !signatureAlgorithmAllowed(req.Algorithm) {
		return reply[signed]{}, errAlgorithm
	}
	if req.Data == nil {
		return reply[signed]{}, invalid("data is required")
	}
	d := dialectOf(in.http)
	data, encoding, err := spelled(*req.Data, req.Encoding, d.documentEncoding())
	if err != nil {
		return reply[signed]{}, err
	}
	made, err := s.Encryption.Sign(ctx, commands.Sign{Actor: in.by, Data: data, Spelling: commands.Spelling{Dialect: string(d), Encoding: encoding}})
	if err != nil {
		return reply[signed]{}, err
	}
	pqc := base64.StdEncoding.EncodeToString(made.Signatures.PQC)
	answer := signed{
		Signature: pqc, PQCSignature: pqc, HMACSignature: base64.StdEncoding.EncodeToString(made.Signatures.MAC),
		PublicKey: base64.StdEncoding.EncodeToString(made.Key.Public.Sign), Algorithm: envelope.SignatureAlgorithm, KeyID: made.Key.ID, Encoding: encoding,
	}
	if d.joinsSignatures() {
		answer.Signature = base64.StdEncoding.EncodeToString(made.Signatures.Join())
	}
	return reply[signed]{data: answer, receipt: made.Receipt}, nil
}

type verifyRequest struct {
	Data          *secretText `json:"data"`
	Signature     string      `json:"signature"`
	PQCSignature  string      `json:"pqc_signature"`
	HMACSignature string      `json:"hmac_signature"`
	PublicKey     string      `json:"public_key"`
	HMACSecret    secretText  `json:"hmac_secret"`
	KeyID         string      `json:"key_id"`
	Algorithm     string      `json:"algorithm"`
	Encoding      string      `json:"encoding"`
}

// verdict is what came out of a verification.
type verdict struct {
	Valid      bool     `json:"valid"`
	PQCValid   bool     `json:"pqc_valid"`
	HMACValid  bool     `json:"hmac_valid"`
	Algorithm  string   `json:"algorithm"`
	KeyTrusted bool     `json:"key_trusted"` // the key is the tenant's own
	Encoding   string   `json:"encoding"`
	Metadata   keyShown `json:"verification_metadata"`
}

type keyShown struct {
	KeyID    *domain.CryptoKeyID `json:"key_id"` // null = not one of the tenant's
	KeyTrust domain.KeyTrust     `json:"key_trust"`
}

// verify handles POST /encryption/verify.
func (s *Server) verify(ctx context.Context, in *call, req verifyRequest) (reply[verdict], error) {
	cmd, encoding, err := req.command(in)
	if err != nil {
		return reply[verdict]{}, err
	}
	defer clear(cmd.MACSecret)
	v, err := s.Encryption.Verify(ctx, cmd)
	if err != nil {
		return reply[verdict]{}, err
	}
	answer := verdict{
		Valid: v.Valid, PQCValid: v.PQC, HMACValid: v.MAC, Algorithm: envelope.SignatureAlgorithm,
		KeyTrusted: v.Key.State != "", Encoding: encoding, Metadata: keyShown{KeyTrust: v.Trust},
	}
	if answer.KeyTrusted {
		answer.Metadata.KeyID = &v.Key.ID
	}
	return reply[verdict]{data: answer, receipt: v.Receipt}, nil
}

func (r verifyRequest) command(in *call) (commands.Verify, string, error) {
	cmd := commands.Verify{Actor: in.by}
	if !signatureAlgorithmAllowed(r.Algorithm) {
		return cmd, "", errAlgorithm
	}
	if r.Data == nil {
		return cmd, "", invalid("data is required")
	}
	if r.Signature != "" && r.PQCSignature != "" && r.Signature != r.PQCSignature {
		return cmd, "", invalid("give one of signature and pqc_signature")
	}
	data, encoding, err := spelled(*r.Data, r.Encoding, dialectOf(in.http).documentEncoding())
	if err != nil {
		return cmd, "", err
	}
	cmd.Data = data
	// What is no base64 is no signature: it does not hold, and nobody learns more.
	if r.Signature == "" {
		r.Signature = r.PQCSignature
	}
	cmd.Signatures.PQC, _ = envelope.Decode(r.Signature)
	cmd.Signatures.MAC, _ = envelope.Decode(r.HMACSignature)
	if both, err := envelope.SplitSignatures(cmd.Signatures.PQC); err == nil && r.HMACSignature == "" {
		cmd.Signatures = both
	}
	if r.PublicKey != "" {
		if cmd.PublicKey, err = envelope.Decode(r.PublicKey); err != nil {
			return cmd, "", invalid("public_key must be base64")
		}
	}
	if len(r.HMACSecret) > 0 {
		if cmd.MACSecret, err = envelope.Decode(string(r.HMACSecret)); err != nil {
			return cmd, "", invalid("hmac_secret must be base64")
		}
	}
	if r.KeyID != "" {
		if cmd.Key.ID, err = domain.ParseID(r.KeyID); err != nil {
			return cmd, "", invalid("key_id must be a UUID")
		}
	}
	return cmd, encoding, nil
}
