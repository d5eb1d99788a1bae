package chain

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The bits of a header's flags.
const (
	FlagDetached uint8 = 1 << 0 // there is a detached blob
	FlagKeyEvent uint8 = 1 << 1 // the record changes the chain's audit key
	FlagGenesis  uint8 = 1 << 2 // the record is the chain's first
	FlagRecovery uint8 = 1 << 3 // the record continues a chain after a loss

	knownFlags = FlagDetached | FlagKeyEvent | FlagGenesis | FlagRecovery
)

// What a payload can be.
const (
	ContentJSON uint16 = 1 // an object of I-JSON, see CheckPayload
	ContentCBOR uint16 = 2 // reserved for dCBOR
)

const (
	magic        = "QSE1"
	suite        = 1
	maxActorKind = 4
	maxOutcome   = 2
)

// Header is a record's header, decoded.
type Header struct {
	Flags            uint8
	LogID            Hash     // of the deployment
	Tenant           [16]byte // whose chain; zero = the system chain
	Seq              uint64   // from 0
	Prev             Hash     // of the record before, or GenesisPrev
	EventID          [16]byte // unique in the chain; its 122 random bits also blind the hash
	TimeUS           uint64   // Unix microseconds, never before the predecessor's
	AggregateKind    uint8    // 1 to 255
	ActorKind        uint8    // 0 to 4
	Outcome          uint8    // 0 success, 1 denied, 2 failed
	AggregateID      [16]byte
	AggregateVersion uint64 // 1, 2, 3 … on records that change an aggregate, else 0
	ActorID          [16]byte
	RequestID        [16]byte
	SchemaVersion    uint16 // of the payload
	ContentType      uint16 // 1 = I-JSON; 2 is reserved for dCBOR
	PayloadLen       uint32 // at most MaxPayload
	PayloadHash      Hash
	DetachedLen      uint32 // 0 without FlagDetached
	DetachedHash     Hash   // zero without FlagDetached
	SignerKeyID      Hash
	KeyEpoch         uint64 // from 1; one more after each key event
	EventType        string // [A-Z][A-Z0-9_]*, 1 to MaxTypeLength bytes
}

// Append appends the header's bytes, 297 + len(EventType) of them, to b. It does
// not check h; ParseHeader refuses what is wrong with it.
func (h Header) Append(b []byte) []byte {
	be := binary.BigEndian
	b = append(b, magic...)
	b = append(b, suite, h.Flags)
	b = be.AppendUint16(b, uint16(fixedHeader+len(h.EventType)))
	b = append(b, h.LogID[:]...)
	b = append(b, h.Tenant[:]...)
	b = be.AppendUint64(b, h.Seq)
	b = append(b, h.Prev[:]...)
	b = append(b, h.EventID[:]...)
	b = be.AppendUint64(b, h.TimeUS)
	b = append(b, h.AggregateKind, h.ActorKind, h.Outcome, 0)
	b = append(b, h.AggregateID[:]...)
	b = be.AppendUint64(b, h.AggregateVersion)
	b = append(b, h.ActorID[:]...)
	b = append(b, h.RequestID[:]...)
	b = be.AppendUint16(b, h.SchemaVersion)
	b = be.AppendUint16(b, h.ContentType)
	b = be.AppendUint32(b, h.PayloadLen)
	b = append(b, h.PayloadHash[:]...)
	b = be.AppendUint32(b, h.DetachedLen)
	b = append(b, h.DetachedHash[:]...)
	b = append(b, h.SignerKeyID[:]...)
	b = be.AppendUint64(b, h.KeyEpoch)
	b = append(b, uint8(len(h.EventType)))
	return append(b, h.EventType...)
}

// Errors of ParseHeader. Both mean that the bytes are no header of ours.
var (
	ErrNotHeader = errors.New("chain: not a QSE1 header of a known suite")   // V1
	ErrMalformed = errors.New("chain: a header that no encoder would write") // V2
)

// ParseHeader reads a header. It refuses with ErrNotHeader what has not the
// length, magic and suite (check V1), and with ErrMalformed every field that the
// encoder would not have written (check V2): what it accepts Append writes again,
// byte for byte.
func ParseHeader(b []byte) (Header, error) {
	if !isHeader(b) {
		return Header{}, ErrNotHeader
	}
	be := binary.BigEndian
	h := Header{
		Flags:            b[5],
		LogID:            Hash(b[8:40]),
		Tenant:           [16]byte(b[40:56]),
		Seq:              be.Uint64(b[56:64]),
		Prev:             Hash(b[64:96]),
		EventID:          [16]byte(b[96:112]),
		TimeUS:           be.Uint64(b[112:120]),
		AggregateKind:    b[120],
		ActorKind:        b[121],
		Outcome:          b[122],
		AggregateID:      [16]byte(b[124:140]),
		AggregateVersion: be.Uint64(b[140:148]),
		ActorID:          [16]byte(b[148:164]),
		RequestID:        [16]byte(b[164:180]),
		SchemaVersion:    be.Uint16(b[180:182]),
		ContentType:      be.Uint16(b[182:184]),
		PayloadLen:       be.Uint32(b[184:188]),
		PayloadHash:      Hash(b[188:220]),
		DetachedLen:      be.Uint32(b[220:224]),
		DetachedHash:     Hash(b[224:256]),
		SignerKeyID:      Hash(b[256:288]),
		KeyEpoch:         be.Uint64(b[288:296]),
		EventType:        string(b[fixedHeader:]),
	}
	if int(be.Uint16(b[6:8])) != len(b) || int(b[296]) != len(b)-fixedHeader || b[123] != 0 {
		return Header{}, ErrMalformed
	}
	if wrong := h.wrong(); wrong != "" {
		return Header{}, fmt.Errorf("%w: %s", ErrMalformed, wrong)
	}
	return h, nil
}

// wrong names the first field that no encoder would have written, or returns "".
func (h *Header) wrong() string {
	switch {
	case h.Flags&^knownFlags != 0:
		return "flags"
	case h.Flags&FlagGenesis != 0 != (h.Seq == 0):
		return "genesis flag"
	case h.AggregateKind == 0:
		return "aggregate kind"
	case h.ActorKind > maxActorKind:
		return "actor kind"
	case h.Outcome > maxOutcome:
		return "outcome"
	case h.ContentType != ContentJSON && h.ContentType != ContentCBOR:
		return "content type"
	case h.PayloadLen > MaxPayload:
		return "payload length"
	case h.Flags&FlagDetached == 0 && (h.DetachedLen != 0 || !h.DetachedHash.IsZero()):
		return "detached blob without its flag"
	case h.Flags&FlagDetached != 0 && h.DetachedLen == 0:
		return "empty detached blob"
	case h.KeyEpoch == 0:
		return "key epoch"
	case !validType(h.EventType):
		return "event type"
	}
	return ""
}

// isHeader is check V1.
func isHeader(b []byte) bool {
	return len(b) >= MinHeader && len(b) <= MaxHeader && string(b[:4]) == magic && b[4] == suite
}

func validType(s string) bool {
	if s == "" || s[0] < 'A' || s[0] > 'Z' {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}
