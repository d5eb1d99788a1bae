package chain

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
)

// What can be wrong with a line of a bundle.
var (
	errDamaged = errors.New("the line is not a record as a bundle holds it")
	errUnknown = errors.New("the line is of a kind that this version does not know")
)

// line reads a line from left to right. A part that is not there fails it for good.
type line struct {
	rest   []byte
	failed bool
}

// literal reads s.
func (l *line) literal(s string) {
	if len(l.rest) < len(s) || string(l.rest[:len(s)]) != s {
		l.failed = true
		return
	}
	l.rest = l.rest[len(s):]
}

// until reads what stands before the next end, and end.
func (l *line) until(end string) []byte {
	before, after, ok := bytes.Cut(l.rest, []byte(end))
	if !ok {
		l.failed = true
		return nil
	}
	l.rest = after
	return before
}

// number reads a whole number in its only form, and the end behind it.
func (l *line) number(end string) uint64 {
	digits := l.until(end)
	n, err := strconv.ParseUint(string(digits), 10, 64)
	if err != nil || digits[0] == '0' && len(digits) > 1 {
		l.failed = true
	}
	return n
}

// parseBundleHeader reads a bundle's first line, without its newline. It refuses
// with ErrUnreadable what append would not have written.
func parseBundleHeader(b []byte) (BundleHeader, error) {
	l := line{rest: b}
	if l.literal(`{"type":"bundle","version":`); l.failed {
		return BundleHeader{}, fmt.Errorf("%w: it does not begin as a bundle", ErrUnreadable)
	}
	if l.literal(`1,`); l.failed {
		return BundleHeader{}, fmt.Errorf("%w: a version that this program does not know", ErrUnreadable)
	}
	var h BundleHeader
	ok := true
	l.literal(`"origin":"`)
	h.Origin = string(l.until(`"`))
	l.literal(`,"root_public_key":"`)
	h.RootPublicKey, _ = decodeBase64(nil, l.until(`"`))
	l.literal(`,"created_us":`)
	h.CreatedUS = l.number(`,`)
	l.literal(`"nonce":"`)
	ok = decodeHex(h.Nonce[:], l.until(`"`)) && ok
	l.literal(`,"log_id":"`)
	ok = decodeHex(h.LogID[:], l.until(`"`)) && ok
	l.literal(`,"tenant_id":"`)
	tenant, known := ParseUUID(string(l.until(`"`)))
	h.TenantID = tenant
	l.literal(`,"from_seq":`)
	h.FromSeq = l.number(`,`)
	l.literal(`"to_seq":`)
	h.ToSeq = l.number(`}`)
	if l.failed || !ok || !known || len(l.rest) > 0 || h.check() != nil {
		return BundleHeader{}, fmt.Errorf("%w: a damaged header", ErrUnreadable)
	}
	return h, nil
}

// event is a line that holds a record.
type event struct {
	seq    uint64
	record Record
	broken bool // a part of the record is not base64 and stands in it as something that fails its check
}

// parseEvent reads a record's line, without its newline. The record's bytes are
// written to room, which it may outgrow.
func parseEvent(b, room []byte) (event, error) {
	l := line{rest: b}
	var e event
	part := func(begin string) []byte {
		l.literal(begin)
		dst, ok := decodeBase64(room, l.until(`"`))
		room = dst[len(dst):]
		if !ok {
			e.broken = true
			return dst[:0]
		}
		return dst
	}
	l.literal(`{"type":"event","seq":`)
	e.seq = l.number(`,`)
	e.record.Header = part(`"header":"`)
	e.record.Payload = part(`,"payload":"`)
	if l.literal(`,"detached":`); bytes.HasPrefix(l.rest, []byte("null")) {
		l.literal("null")
	} else if e.record.Detached = part(`"`); e.record.Detached == nil {
		e.record.Detached = []byte{} // there, and empty
	}
	e.record.Signature = part(`,"signature":"`)
	if l.literal(`}`); !l.failed && len(l.rest) == 0 {
		return e, nil
	}
	if unknownKind(b) {
		return event{}, errUnknown
	}
	return event{}, errDamaged
}

// unknownKind reports whether b is a line of another kind, and not what one
// changed byte makes of a record's or an anchor's line.
func unknownKind(b []byte) bool {
	l := line{rest: b}
	l.literal(`{"type":"`)
	kind := l.until(`","`)
	for _, c := range kind {
		if c < 'a' || c > 'z' {
			return false
		}
	}
	return !l.failed && len(kind) > 0 && string(kind) != "event" && string(kind) != "anchor" &&
		!bytes.HasPrefix(l.rest, []byte(`seq":`)) && !bytes.HasPrefix(l.rest, []byte(`record":`))
}

var strict = base64.StdEncoding.Strict()

// decodeBase64 appends what src says to room, in memory of its own if that is too
// small, and returns what it appended. It takes nothing that the encoder does not
// write.
func decodeBase64(room, src []byte) ([]byte, bool) {
	size := base64.StdEncoding.DecodedLen(len(src))
	if cap(room) < size {
		room = make([]byte, 0, size)
	}
	dst := room[:size]
	n, err := strict.Decode(dst, src)
	if err != nil || base64.StdEncoding.EncodedLen(n) != len(src) { // it skips line breaks
		return room[:0], false
	}
	return dst[:n], true
}

func decodeHex(dst, src []byte) bool {
	if len(src) != hex.EncodedLen(len(dst)) {
		return false
	}
	_, err := hex.Decode(dst, src)
	return err == nil && string(hex.AppendEncode(nil, dst)) == string(src)
}
