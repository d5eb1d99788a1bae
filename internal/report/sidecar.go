package report

import (
	"bytes"
	"crypto/sha3"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/compliance"
)

// Sidecar holds what a report's files digest to, and is signed.
type Sidecar struct {
	Format       string            `json:"format"`
	Version      int               `json:"version"`
	ReportID     domain.ReportID   `json:"report_id"`
	TenantID     domain.TenantID   `json:"tenant_id"`
	Framework    string            `json:"framework"`
	LogID        domain.Digest     `json:"log_id"`
	AsOf         int64             `json:"as_of_us"` // Unix microseconds
	AsOfSeq      uint64            `json:"as_of_seq"`
	HeadHash     domain.Digest     `json:"head_hash"`
	Catalogue    domain.Digest     `json:"catalogue_sha3_256"`
	ResultDigest domain.Digest     `json:"result_sha3_256"`
	Files        map[string]Digest `json:"files"` // by name
	Algorithm    string            `json:"alg"`
	KeyID        domain.Digest     `json:"key_id"`
	PublicKey    []byte            `json:"public_key"`
	Signature    []byte            `json:"signature,omitempty"`
}

// Digest is what is known of a file.
type Digest struct {
	Hash domain.Digest `json:"sha3_256"`
	Size int           `json:"size"` // in bytes
}

const sidecarFormat = "quantaseal/report-signature"

// Sidecar returns the sidecar of the report and its files, yet to be signed.
func (r *Report) Sidecar(files []File) (Sidecar, error) {
	digest, err := r.Assessment.Digest()
	if err != nil {
		return Sidecar{}, err
	}
	s := Sidecar{
		Format: sidecarFormat, Version: 1, ReportID: r.ID, TenantID: r.Tenant, Framework: r.Framework.ID, LogID: r.LogID,
		AsOf: int64(r.Assessment.AsOf), AsOfSeq: r.Assessment.AsOfSeq, HeadHash: r.Assessment.HeadHash, Catalogue: r.Catalogue.Digest(),
		ResultDigest: digest, Files: map[string]Digest{}, Algorithm: Algorithm, KeyID: r.KeyID, PublicKey: r.PublicKey,
	}
	for _, f := range files {
		s.Files[f.Name] = Digest{sha3.Sum256(f.Data), len(f.Data)}
	}
	return s, nil
}

// Message returns what is signed under chain.ContextReport: the canonical JSON of
// the sidecar without its signature.
func (s Sidecar) Message() ([]byte, error) {
	s.Signature = nil
	return compliance.Canonical(s)
}

// File renders a sidecar that was signed.
func (s Sidecar) File() (File, error) {
	data, err := compliance.Canonical(s)
	return File{SidecarFile, "application/json", data}, err
}

// ErrSidecar reports what is no sidecar whose own signature holds.
var ErrSidecar = errors.New("report: not a signed sidecar")

// ReadSidecar reads a sidecar and verifies its signature under the key that it
// holds. Whose key that is, only a chain tells. It returns ErrSidecar.
func ReadSidecar(data []byte) (Sidecar, error) {
	var s Sidecar
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return s, fmt.Errorf("%w: %w", ErrSidecar, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) || s.Format != sidecarFormat || s.Version != 1 || s.Algorithm != Algorithm {
		return s, ErrSidecar
	}
	key, err := chain.ParsePublicKey(s.PublicKey)
	if err != nil || domain.Digest(key.ID()) != s.KeyID {
		return s, ErrSidecar
	}
	message, err := s.Message()
	if err != nil || !key.Verify(chain.ContextReport, message, s.Signature) {
		return s, ErrSidecar
	}
	return s, nil
}
