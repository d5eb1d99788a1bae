package chain

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// MaxNote is the greatest length of a signed note in bytes: ours is 4.5 kB, and
// some witnesses may have signed it too.
const MaxNote = 1 << 16

const (
	// noteType is the C2SP signature type of ML-DSA-65, which has no byte of its own.
	noteType = "\xffquantaseal/ml-dsa-65/v1"
	noteLine = "— " // begins each signature of a note
)

// ErrBadCheckpoint reports a note that is no checkpoint of the log, or that the
// root key did not sign.
var ErrBadCheckpoint = errors.New("chain: not a checkpoint of this log")

// Checkpoint says how far the log of anchors goes. It is signed by the root key,
// as a C2SP tlog-checkpoint without extension lines.
type Checkpoint struct {
	Origin string // names the log and its key
	Size   uint64 // anchors
	Root   Hash   // of the AnchorsTree over them
}

// Text returns what the root key signs under ContextCheckpoint.
func (c Checkpoint) Text() []byte {
	b := append([]byte(c.Origin), '\n')
	b = append(strconv.AppendUint(b, c.Size, 10), '\n')
	return append(base64.StdEncoding.AppendEncode(b, c.Root[:]), '\n')
}

// Note returns the signed note (C2SP signed-note): the text, an empty line, and
// the root key's signature of it.
func (c Checkpoint) Note(root *PublicKey, signature []byte) string {
	b := append(c.Text(), "\n"+noteLine...)
	b = append(append(b, c.Origin...), ' ')
	id := noteKeyID(c.Origin, root)
	b = base64.StdEncoding.AppendEncode(b, append(id[:], signature...))
	return string(append(b, '\n'))
}

// noteKeyID returns the four bytes by which a note's signature names its key.
func noteKeyID(name string, key *PublicKey) [4]byte {
	h := sha256.Sum256(append([]byte(name+"\n"+noteType), key.Bytes()...))
	return [4]byte(h[:4])
}

// VerifierKey returns root as C2SP tools read it: NAME+ID+KEY.
func VerifierKey(origin string, root *PublicKey) string {
	id := noteKeyID(origin, root)
	return fmt.Sprintf("%s+%x+%s", origin, id, base64.StdEncoding.EncodeToString(append([]byte(noteType), root.Bytes()...)))
}

// OpenCheckpoint returns what a note says if it is of the log named origin, and
// root signed it; else ErrBadCheckpoint. Signatures of others are not looked at,
// but for their form.
func OpenCheckpoint(note, origin string, root *PublicKey) (Checkpoint, error) {
	text, signatures, ok := strings.Cut(note, "\n\n")
	if !ok || len(note) > MaxNote || !strings.HasSuffix(signatures, "\n") {
		return Checkpoint{}, fmt.Errorf("%w: not a signed note", ErrBadCheckpoint)
	}
	c, err := parseCheckpoint(text + "\n")
	if err != nil {
		return Checkpoint{}, err
	}
	if c.Origin != origin {
		return Checkpoint{}, fmt.Errorf("%w: of another origin", ErrBadCheckpoint)
	}
	signed := false
	id := noteKeyID(origin, root)
	for line := range strings.Lines(signatures) {
		name, signature, err := parseSignature(line)
		if err != nil {
			return Checkpoint{}, err
		}
		if name != origin || !bytes.HasPrefix(signature, id[:]) {
			continue
		}
		if signed || !root.Verify(ContextCheckpoint, c.Text(), signature[len(id):]) {
			return Checkpoint{}, fmt.Errorf("%w: wrong signature", ErrBadCheckpoint)
		}
		signed = true
	}
	if !signed {
		return Checkpoint{}, fmt.Errorf("%w: not signed by the root key", ErrBadCheckpoint)
	}
	return c, nil
}

// parseCheckpoint reads what Text writes, and nothing else.
func parseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || !validOrigin(lines[0]) {
		return Checkpoint{}, fmt.Errorf("%w: not three lines", ErrBadCheckpoint)
	}
	size, err := strconv.ParseUint(lines[1], 10, 64)
	root, ok := decodeBase64(nil, []byte(lines[2]))
	if err != nil || !ok || len(root) != HashSize {
		return Checkpoint{}, fmt.Errorf("%w: size or root", ErrBadCheckpoint)
	}
	c := Checkpoint{Origin: lines[0], Size: size, Root: Hash(root)}
	if string(c.Text()) != text {
		return Checkpoint{}, fmt.Errorf("%w: not in its only form", ErrBadCheckpoint)
	}
	return c, nil
}

// parseSignature reads a signature's line.
func parseSignature(line string) (name string, signature []byte, err error) {
	rest, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), noteLine)
	at := strings.LastIndexByte(rest, ' ')
	if !ok || at < 1 {
		return "", nil, fmt.Errorf("%w: a damaged signature", ErrBadCheckpoint)
	}
	signature, ok = decodeBase64(nil, []byte(rest[at+1:]))
	if !ok || len(signature) < 5 {
		return "", nil, fmt.Errorf("%w: a damaged signature", ErrBadCheckpoint)
	}
	return rest[:at], signature, nil
}
