package node

import (
	"io"
	"time"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/auth"
	"github.com/quantaseal/quantaseal/internal/keyring"
)

// issuer is what authenticator apps show beside the address.
const issuer = "QuantaSeal"

// factors implements commands.Factors: the checks of package auth, with the
// instance's secrets.
type factors struct {
	secrets *keyring.Instance
	random  io.Reader
}

var _ commands.Factors = (*factors)(nil)

func (f *factors) New(user domain.UserID, address string) (commands.Enrolment, domain.MFASecrets, error) {
	seed, err := auth.NewTOTPSecret(f.random)
	if err != nil {
		return commands.Enrolment{}, domain.MFASecrets{}, err
	}
	e, err := auth.NewEnrolment(seed, issuer, address)
	if err != nil {
		return commands.Enrolment{}, domain.MFASecrets{}, err
	}
	enrolment := commands.Enrolment{Secret: e.Secret, URI: e.URI, QR: e.QR, Codes: f.Codes(user, seed)}
	secrets := domain.MFASecrets{Seed: seed}
	for _, code := range enrolment.Codes {
		digest, err := f.DigestCode(user, code)
		if err != nil {
			return commands.Enrolment{}, domain.MFASecrets{}, err
		}
		secrets.BackupCodes = append(secrets.BackupCodes, digest)
	}
	return enrolment, secrets, nil
}

func (f *factors) Codes(user domain.UserID, seed []byte) []commands.Secret {
	codes := auth.NewBackupCodes(f.secrets.TokenPepper, user.ID, seed)
	secret := make([]commands.Secret, len(codes))
	for i, code := range codes {
		secret[i] = code
	}
	return secret
}

func (f *factors) Match(seed, code []byte, now time.Time, after uint64) uint64 {
	step, _ := auth.VerifyTOTP(seed, code, now, after)
	return step
}

func (f *factors) DigestCode(user domain.UserID, code []byte) (domain.Digest, error) {
	digest, err := auth.DigestBackupCode(f.secrets.TokenPepper, user.ID, code)
	if err != nil {
		return domain.Digest{}, domain.ErrCodeRefused
	}
	return digest, nil
}
