package http

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/anchors"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// checkpointAnswer says how far the log is anchored.
type checkpointAnswer struct {
	Checkpoint    string  `json:"checkpoint"` // a C2SP signed note
	VerifierKey   string  `json:"verifier_key"`
	LogID         string  `json:"log_id"`
	Origin        string  `json:"origin"`
	Size          uint64  `json:"size"` // anchors
	RootHash      string  `json:"root_hash"`
	AnchoredAt    instant `json:"anchored_at"`
	LagMS         int64   `json:"lag_ms"` // how long the oldest event that is not anchored has waited
	WitnessedSize uint64  `json:"witnessed_size"`
	Status        string  `json:"status"`
}

// unwitnessed is the status of a log whose checkpoints nobody else signs.
const unwitnessed = "unwitnessed"

// checkpoint handles GET /audit/checkpoint. It says nothing of any chain, and
// leaves no fact: whoever asks every second would make the log grow by asking.
func (s *Server) checkpoint(ctx context.Context, in *call, _ none) (reply[checkpointAnswer], error) {
	if err := s.Vault.Authorize(ctx, in.by, domain.ScopeAuditRead, "audit.checkpoint"); err != nil {
		return reply[checkpointAnswer]{}, err
	}
	st, err := s.Anchors.Status(ctx)
	if err != nil {
		return reply[checkpointAnswer]{}, notYet(err)
	}
	c := st.Checkpoint
	return reply[checkpointAnswer]{data: checkpointAnswer{
		Checkpoint: st.Note, VerifierKey: chain.VerifierKey(c.Origin, s.Anchors.Events.Root), LogID: s.Bundle.LogID.String(), Origin: c.Origin,
		Size: c.Size, RootHash: c.Root.String(), AnchoredAt: instant(st.Anchor.TimeUS), LagMS: st.Lag.Milliseconds(), Status: unwitnessed,
	}}, nil
}

// notYet refuses what no anchor covers yet: ask again.
func notYet(err error) error {
	if errors.Is(err, anchors.ErrNotAnchored) {
		return errNotFound
	}
	return err
}

// proofAnswer leads from a record to a checkpoint: by headers, each of which holds
// the hash of the one before it, to the anchored one, and from there through two
// trees. What it repeats of the signed note is for reading only.
type proofAnswer struct {
	Seq         uint64   `json:"seq"`
	EventHash   string   `json:"event_hash"`
	Headers     [][]byte `json:"headers"` // of the record, and of those that follow up to the anchored one
	TenantIndex uint32   `json:"tenant_index"`
	AnchoredSeq uint64   `json:"anchored_seq"`
	Record      []byte   `json:"record"` // the anchor
	HeadsPath   []string `json:"heads_path"`
	TlogIndex   uint64   `json:"tlog_index"`
	TlogPath    []string `json:"tlog_path"`
	Checkpoint  string   `json:"checkpoint"`

	ConsistencyFrom uint64   `json:"consistency_from,omitempty"`
	ConsistencyPath []string `json:"consistency_path,omitempty"`
}

// anchorPatience is how long an answer waits for an anchor of what it is about.
const anchorPatience = 5 * time.Second

// proof handles GET /audit/proof/{seq}. It shows headers, and so is a reading of
// the log.
func (s *Server) proof(ctx context.Context, in *call, _ none) (reply[proofAnswer], error) {
	p := parametersOf(in.http)
	from := p.seq("checkpoint_size")
	if p.err != nil {
		return reply[proofAnswer]{}, p.err
	}
	receipt, err := s.Vault.RecordAuditQuery(ctx, in.by, "proof "+in.param("seq"))
	if err != nil {
		return reply[proofAnswer]{}, err
	}
	seq, err := strconv.ParseUint(in.param("seq"), 10, 63)
	if err != nil {
		return reply[proofAnswer]{}, errNotFound
	}
	if err := s.anchored(ctx, in.by.Tenant, seq); err != nil {
		return reply[proofAnswer]{}, err
	}
	a, err := s.prove(ctx, in.by.Tenant, seq, from, s.Anchors.Record)
	if errors.Is(err, errGap) { // an anchor from before the loss may hold it
		a, err = s.prove(ctx, in.by.Tenant, seq, from, s.Anchors.First)
	}
	if errors.Is(err, errGap) {
		err = errNotFound
	}
	return reply[proofAnswer]{data: a, receipt: receipt}, notYet(err)
}

// errGap reports that the chain has lost a record that a proof needs.
var errGap = errors.New("the chain has lost what lies between")

// prover leads from a record to the newest checkpoint.
type prover = func(ctx context.Context, tenant domain.TenantID, seq, from uint64) (chain.Proof, chain.Leaf, error)

// prove returns the proof of a record by the anchor that one of the ledger's ways
// leads to. It returns errGap where the headers on that way are not all there.
func (s *Server) prove(ctx context.Context, tenant domain.TenantID, seq, from uint64, way prover) (proofAnswer, error) {
	proof, leaf, err := way(ctx, tenant, seq, from)
	if err != nil {
		return proofAnswer{}, err
	}
	a := proofAnswer{
		Seq: seq, TenantIndex: proof.TenantIndex, AnchoredSeq: leaf.Next - 1, Record: proof.Record, HeadsPath: encodePath(proof.HeadsPath),
		TlogIndex: proof.TlogIndex, TlogPath: encodePath(proof.TlogPath), Checkpoint: proof.Checkpoint,
		ConsistencyFrom: proof.ConsistencyFrom, ConsistencyPath: encodePath(proof.ConsistencyPath),
	}
	for r, err := range s.Events.History(ctx, tenant, seq) {
		if err != nil {
			return proofAnswer{}, err
		}
		if r.Header.Seq != seq+uint64(len(a.Headers)) {
			return proofAnswer{}, errGap
		}
		if len(a.Headers) == 0 {
			a.EventHash = r.Hash.String()
		}
		if a.Headers = append(a.Headers, r.Record.Header); r.Header.Seq+1 == leaf.Next {
			return a, nil
		}
	}
	return proofAnswer{}, fmt.Errorf("%w: the chain ends before event %d, which was anchored", eventstore.ErrTampered, leaf.Next-1)
}

// anchored waits until a record is anchored. It refuses with NotFound one that is
// not there.
func (s *Server) anchored(ctx context.Context, tenant domain.TenantID, seq uint64) error {
	head, err := s.Events.Head(ctx, tenant)
	if err != nil {
		return err
	}
	if seq >= head.Next {
		return errNotFound
	}
	waiting, cancel := context.WithTimeout(ctx, anchorPatience)
	defer cancel()
	err = s.Anchors.Await(waiting, tenant, seq)
	if err != nil && waiting.Err() != nil {
		return errUnavailable
	}
	return err
}

func encodePath(path []chain.Hash) []string {
	all := make([]string, len(path))
	for i, h := range path {
		all[i] = base64.StdEncoding.EncodeToString(h[:])
	}
	return all
}

// consistencyAnswer shows that one checkpoint goes on from another.
type consistencyAnswer struct {
	From       uint64   `json:"from"`
	To         uint64   `json:"to"`
	Path       []string `json:"path"`
	Checkpoint string   `json:"checkpoint"` // the newest, which may be larger than to
}

// consistency handles GET /audit/proof/consistency?from=&to=. To is the newest
// checkpoint's size unless it is given.
func (s *Server) consistency(ctx context.Context, in *call, _ none) (reply[consistencyAnswer], error) {
	p := parametersOf(in.http)
	from, to := p.seq("from"), p.seq("to")
	if from == 0 {
		p.wrong("from must be the size of a checkpoint")
	}
	if p.err != nil {
		return reply[consistencyAnswer]{}, p.err
	}
	if err := s.Vault.Authorize(ctx, in.by, domain.ScopeAuditRead, "audit.consistency"); err != nil {
		return reply[consistencyAnswer]{}, err
	}
	st, err := s.Anchors.Status(ctx)
	if err != nil {
		return reply[consistencyAnswer]{}, notYet(err)
	}
	if to == 0 {
		to = st.Checkpoint.Size
	}
	path, err := s.Anchors.Consistency(ctx, from, to)
	if err != nil {
		return reply[consistencyAnswer]{}, err
	}
	return reply[consistencyAnswer]{data: consistencyAnswer{From: from, To: to, Path: encodePath(path), Checkpoint: st.Note}}, nil
}

// note handles GET /checkpoint, and tile handles GET /tile/…: the log of anchors as
// C2SP tlog-tiles lays it out, without an envelope.
func (s *Server) note(c *gin.Context) {
	s.serveLog(c, "text/plain; charset=utf-8", func(ctx context.Context) ([]byte, error) {
		st, err := s.Anchors.Status(ctx)
		return []byte(st.Note), err
	})
}

func (s *Server) tile(c *gin.Context) {
	tile, ok := chain.ParseTile(strings.TrimPrefix(c.Param("path"), "/"))
	s.serveLog(c, "application/octet-stream", func(ctx context.Context) ([]byte, error) {
		if !ok {
			return nil, errNotFound
		}
		b, err := s.Anchors.Tile(ctx, tile)
		if err == nil {
			c.Writer.Header().Set("Cache-Control", "private, max-age=604800, immutable") // so much of it never changes
		}
		return b, err
	})
}

// serveLog answers with bytes of the log of anchors.
func (s *Server) serveLog(c *gin.Context, kind string, read func(context.Context) ([]byte, error)) {
	body, err := s.readLog(c, read)
	if err != nil {
		s.refuse(c, notYet(err))
		return
	}
	c.Writer.Header().Set("Content-Type", kind)
	c.Writer.WriteHeader(http.StatusOK)
	_, _ = c.Writer.Write(body) // whoever does not read it has gone
}

// readLog reads bytes of the log of anchors for whoever may.
func (s *Server) readLog(c *gin.Context, read func(context.Context) ([]byte, error)) ([]byte, error) {
	ctx := c.Request.Context()
	in, err := s.call(c, endpoint{})
	if err != nil {
		return nil, err
	}
	if err := in.read(&none{}, maxBody); err != nil {
		return nil, err
	}
	if err := s.admit(ctx, in, none{}); err != nil {
		return nil, err
	}
	if err := s.Vault.Authorize(ctx, in.by, domain.ScopeAuditRead, "audit.tiles"); err != nil {
		return nil, err
	}
	if err := s.permits(c, in.by); err != nil {
		return nil, err
	}
	return read(ctx)
}
