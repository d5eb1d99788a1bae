package chain

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// BundleHeader is a bundle's first line: what the log id commits to, and which
// records of which chain follow.
type BundleHeader struct {
	Origin        string   // name of the deployment: MaxOrigin bytes of UTF-8 without controls, quotes and backslashes
	RootPublicKey []byte   // of PublicKeySize
	CreatedUS     uint64   // Unix microseconds
	Nonce         [32]byte // drawn when the deployment was made
	LogID         Hash     // of the above
	TenantID      [16]byte // whose chain; zero = the system chain
	FromSeq       uint64   // of the first record
	ToSeq         uint64   // of the last one, included; FromSeq-1 = there is none
}

// MaxOrigin is the greatest length of an origin in bytes.
const MaxOrigin = 255

// ErrBadBundle reports a bundle header that nobody may write.
var ErrBadBundle = errors.New("chain: not a bundle header")

// check returns ErrBadBundle for what a reader would refuse.
func (h BundleHeader) check() error {
	switch {
	case !validOrigin(h.Origin):
		return fmt.Errorf("%w: origin", ErrBadBundle)
	case len(h.RootPublicKey) != PublicKeySize:
		return fmt.Errorf("%w: root public key", ErrBadBundle)
	case h.ToSeq+1 < h.FromSeq || h.ToSeq+1 == 0:
		return fmt.Errorf("%w: range", ErrBadBundle)
	}
	return nil
}

func validOrigin(s string) bool {
	for _, c := range s {
		if c < ' ' || c == '"' || c == '\\' || c == 0x7f || c == utf8.RuneError {
			return false
		}
	}
	return s != "" && len(s) <= MaxOrigin
}

// append appends the header's line.
func (h BundleHeader) append(b []byte) []byte {
	b = append(b, `{"type":"bundle","version":1,"origin":"`...)
	b = append(b, h.Origin...)
	b = appendBase64(append(b, `","root_public_key":`...), h.RootPublicKey)
	b = strconv.AppendUint(append(b, `,"created_us":`...), h.CreatedUS, 10)
	b = hex.AppendEncode(append(b, `,"nonce":"`...), h.Nonce[:])
	b = hex.AppendEncode(append(b, `","log_id":"`...), h.LogID[:])
	b = append(append(b, `","tenant_id":"`...), FormatUUID(h.TenantID)...)
	b = strconv.AppendUint(append(b, `","from_seq":`...), h.FromSeq, 10)
	b = strconv.AppendUint(append(b, `,"to_seq":`...), h.ToSeq, 10)
	return append(b, "}\n"...)
}

// BundleWriter writes a chain in the form that VerifyBundle reads: NDJSON, one
// line for the header and one for each record, with fixed keys in a fixed order
// and no spaces.
type BundleWriter struct {
	to   io.Writer
	line []byte // reused
}

// NewBundleWriter writes h to w and returns what writes the records. It refuses
// with ErrBadBundle a header that no reader would take. The caller buffers w.
func NewBundleWriter(w io.Writer, h BundleHeader) (*BundleWriter, error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	b := &BundleWriter{to: w, line: h.append(nil)}
	return b, b.write()
}

// WriteEvent writes the record with a sequence number. The caller writes all
// records that the header names, in order.
func (b *BundleWriter) WriteEvent(seq uint64, r Record) error {
	b.line = appendEvent(b.line[:0], seq, r)
	return b.write()
}

func (b *BundleWriter) write() error {
	if _, err := b.to.Write(b.line); err != nil {
		return fmt.Errorf("writing a bundle: %w", err)
	}
	return nil
}

func appendEvent(b []byte, seq uint64, r Record) []byte {
	b = strconv.AppendUint(append(b, `{"type":"event","seq":`...), seq, 10)
	b = appendBase64(append(b, `,"header":`...), r.Header)
	b = appendBase64(append(b, `,"payload":`...), r.Payload)
	b = append(b, `,"detached":`...)
	if r.Detached == nil {
		b = append(b, "null"...)
	} else {
		b = appendBase64(b, r.Detached)
	}
	b = appendBase64(append(b, `,"signature":`...), r.Signature)
	return append(b, "}\n"...)
}
