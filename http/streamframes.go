package http

import (
	"bufio"
	"encoding/json"
	"strconv"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// opening is the first frame of a stream: what its reader needs to verify all others.
type opening struct {
	Type          string        `json:"type"`
	Version       int           `json:"version"`
	Origin        string        `json:"origin"`
	RootPublicKey []byte        `json:"root_public_key"`
	CreatedUS     uint64        `json:"created_us"`
	Nonce         domain.Digest `json:"nonce"`
	LogID         domain.Digest `json:"log_id"`
	TenantID      string        `json:"tenant_id"`
	FromSeq       uint64        `json:"from_seq"`
	Genesis       signedRecord  `json:"genesis"` // of the chain: it introduces the key that signs
}

// signedRecord is a record as it was signed.
type signedRecord struct {
	Header    []byte `json:"header"`
	Payload   []byte `json:"payload"`
	Detached  []byte `json:"detached"`
	Signature []byte `json:"signature"`
}

// streamedFact is a fact with all that its record consists of.
type streamedFact struct {
	Type string `json:"type"`
	auditProof
	Detached []byte `json:"detached"` // the encrypted personal part, or null
}

// streamed tells about the stream itself.
type streamed struct {
	Type   string  `json:"type"`
	Seq    *uint64 `json:"seq,omitempty"`    // everything up to it was looked at
	Reason string  `json:"reason,omitempty"` // why there is no more
}

// frames writes a stream in one of its two forms: a line of JSON for each frame, or
// server-sent events, where facts are messages and the rest has names. The id of
// each is the sequence number to go on after.
type frames struct {
	to     *bufio.Writer
	events bool // server-sent events
}

func (f *frames) contentType() string {
	if f.events {
		return "text/event-stream"
	}
	return "application/x-ndjson"
}

func (f *frames) open(o opening) error {
	if f.events {
		if _, err := f.to.WriteString("retry: 1000\n"); err != nil {
			return err
		}
	}
	return f.frame(o.Type, nil, o)
}

func (f *frames) fact(r eventstore.Recorded) error {
	return f.frame("", &r.Header.Seq, streamedFact{"event", auditProofOf(r), r.Record.Detached})
}

// progress says that everything before next was looked at.
func (f *frames) progress(next uint64) error {
	if next == 0 {
		return f.frame("progress", nil, streamed{Type: "progress"})
	}
	next--
	return f.frame("progress", &next, streamed{Type: "progress", Seq: &next})
}

func (f *frames) end(reason string) error {
	return f.frame("end", nil, streamed{Type: "end", Reason: reason})
}

// frame writes one frame. A write error is kept by to and returned by its Flush.
func (f *frames) frame(event string, id *uint64, data any) error {
	line, err := json.Marshal(data)
	if err != nil {
		return err
	}
	if !f.events {
		_, _ = f.to.Write(line)
		return f.to.WriteByte('\n')
	}
	if event != "" {
		_, _ = f.to.WriteString("event: " + event + "\n")
	}
	if id != nil {
		_, _ = f.to.WriteString("id: " + strconv.FormatUint(*id, 10) + "\n")
	}
	_, _ = f.to.WriteString("data: ")
	_, _ = f.to.Write(line)
	_, err = f.to.WriteString("\n\n")
	return err
}
