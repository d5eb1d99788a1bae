package http

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// none is the body of a request that has no fields, and the data of an answer
// that has nothing to say.
type none struct{}

// call is one request to a handler: who asks, and what of it is not in the body.
type call struct {
	by     domain.Actor
	access access // of the route
	endpoint
	*exchange
	http   *http.Request
	param  func(name string) string
	header http.Header // of the answer
	body   []byte      // as it was sent; cleared once the request is done
	wrong  error       // what is to be refused once the body is known to be JSON
}

// idempotency returns what makes a repeat of the request the same request.
func (c *call) idempotency() commands.Idempotency {
	return commands.Idempotency{Key: c.http.Header.Get("Idempotency-Key"), Body: c.body}
}

// reply is what a handler answers with. A receipt makes the answer wait until
// this node's read models show the fact.
type reply[Res any] struct {
	data    Res
	receipt eventstore.Receipt
	next    string // cursor of the page that follows; "" = there is none
	file    *file  // is answered with in place of data; nil = data is
}

// file is an answer that is no JSON of ours.
type file struct {
	name, kind string
	data       []byte
}

// give answers with a file.
func (f *file) give(c *gin.Context, status int) {
	c.Writer.Header().Set("Content-Disposition", `attachment; filename="`+f.name+`"`)
	c.Data(status, f.kind, f.data)
}

// endpoint says how a route is served beside its handler.
type endpoint struct {
	status int    // of success; 0 = 200
	limit  int64  // of the body; 0 = maxBody
	cost   int    // of a request, in requests; 0 = 1
	folds  string // the parameter that makes a request cost foldCost; "" = there is none
	secret bool   // the answer holds a secret: refuse requests that a browser sends on a guess
}

// projectionPatience bounds how long an answer waits for its own read models. The
// fact is durable; a read model that is behind must not turn it into an error.
const projectionPatience = 5 * time.Second

// serve makes a route of a typed handler: authenticate, read, call, answer. The
// checks come in the one order that tells a caller nothing about what it may not see.
func serve[Req, Res any](s *Server, e endpoint, handle func(context.Context, *call, Req) (reply[Res], error)) gin.HandlerFunc {
	status, limit := e.status, e.limit
	if status == 0 {
		status = http.StatusOK
	}
	if limit == 0 {
		limit = maxBody
	}
	return func(c *gin.Context) {
		in, err := s.call(c, e)
		if err != nil {
			s.refuse(c, err)
			return
		}
		var req Req
		err = in.read(&req, limit)
		defer clear(in.body)
		ctx := c.Request.Context()
		if err == nil {
			err = s.admit(ctx, in, req)
		}
		if err != nil {
			s.refuse(c, err)
			return
		}
		res, err := spanned(ctx, s, in, req, handle)
		if err == nil {
			err = s.permits(c, in.by)
		}
		if err != nil {
			s.refuse(c, err)
			return
		}
		s.catchUp(ctx, res.receipt)
		if res.file != nil {
			res.file.give(c, status)
			return
		}
		s.answer(c, status, res.data, receiptOf(res.receipt), res.next)
	}
}

// spanned calls a handler within a span that is named after the route's action.
func spanned[Req, Res any](ctx context.Context, s *Server, in *call, req Req, handle func(context.Context, *call, Req) (reply[Res], error)) (reply[Res], error) {
	if s.Span == nil {
		return handle(ctx, in, req)
	}
	name := "command"
	if in.access.action != "" {
		name += " " + in.access.action
	}
	ctx, end := s.Span(ctx, name)
	defer end()
	return handle(ctx, in, req)
}

// read reads the body into req and refuses what is wrong with the form of the request.
func (c *call) read(req any, limit int64) (err error) {
	if c.body, err = readBody(c.http, limit); err != nil {
		return err
	}
	refusal := decodeStrict(c.body, req)
	if c.wrong != nil && refusalFor(refusal) != errMalformed {
		return c.wrong
	}
	return refusal
}

// call authenticates a request, has it judged, and gathers what its handler needs
// beside the body.
func (s *Server) call(c *gin.Context, e endpoint) (*call, error) {
	x := exchangeOf(c)
	in := &call{
		access: matrix[patternOf(c)], endpoint: e, exchange: x,
		http: c.Request, param: c.Param, header: c.Writer.Header(),
	}
	var st commands.Standing
	if in.access.public {
		in.by = domain.Actor{Kind: domain.ActorAnonymous, Environment: domain.Live}
	} else {
		var err error
		if in.by, st, err = s.authenticate(c.Request, x); err != nil {
			return nil, err
		}
		x.tenant = in.by.Tenant
		if in.by.Kind == domain.ActorUser {
			in.by.Environment, in.wrong = environmentOf(c.Request)
		}
	}
	in.by.Request, in.by.Origin = x.id, originOf(c.Request, x.client)
	tooMany := s.limit(c.Request.Context(), in, st)
	for _, name := range []string{"X-Vault-Enable-MPC", "X-Vault-Custody-Key"} {
		if c.Request.Header.Get(name) != "" {
			return nil, errNotImplemented
		}
	}
	if tooMany != nil {
		return nil, tooMany
	}
	if err := s.Events.Halted(); err != nil && !matrix[patternOf(c)].factless {
		return nil, err
	}
	if e.secret {
		if err := checkPrefetch(c.Request); err != nil {
			return nil, err
		}
	}
	s.judge(&in.by, in.access, st, in)
	return in, nil
}

// authenticate returns who presents the request's one credential, and how they
// stand. What keeps it from finding out is errUnavailable: nothing was looked up yet.
func (s *Server) authenticate(r *http.Request, x *exchange) (domain.Actor, commands.Standing, error) {
	by, st, err := s.identify(r, x)
	if err != nil && refusalFor(err) == errInternal {
		err = fmt.Errorf("%w: authenticating: %w", errUnavailable, err)
	}
	return by, st, err
}

func (s *Server) identify(r *http.Request, x *exchange) (domain.Actor, commands.Standing, error) {
	presented, err := credentialOf(r)
	if err != nil {
		return domain.Actor{}, commands.Standing{}, err
	}
	defer clear(presented.value)
	switch presented.kind {
	case apiKeyCredential:
		if err := s.strange(x, presented.value); err != nil {
			return domain.Actor{}, commands.Standing{}, err
		}
		return s.Identity.AuthenticateKey(r.Context(), presented.value)
	case accessTokenCredential:
		if presented.fromCookie {
			if err := checkOrigin(r); err != nil {
				return domain.Actor{}, commands.Standing{}, err
			}
		}
		return s.Identity.AuthenticateAccess(r.Context(), presented.value)
	default:
		return domain.Actor{}, commands.Standing{}, errUnauthenticated
	}
}

// environmentOf returns the environment that the caller of an access token
// chooses. An API key has its own.
func environmentOf(r *http.Request) (domain.Environment, error) {
	switch env := domain.Environment(r.Header.Get("X-QuantaSeal-Environment")); env {
	case "", domain.Live:
		return domain.Live, nil
	case domain.Test:
		return env, nil
	}
	return "", &domain.Error{Kind: domain.Invalid, Message: "X-QuantaSeal-Environment must be live or test"}
}

// maxUserAgent is how much of a User-Agent is kept, in bytes.
const maxUserAgent = 256

func originOf(r *http.Request, client netip.Addr) domain.Origin {
	agent := r.UserAgent()
	agent = strings.Clone(agent[:min(len(agent), maxUserAgent)]) // facts stay in memory for a while, headers need not
	o := domain.Origin{UserAgent: strings.ToValidUTF8(agent, "")}
	if client.IsValid() {
		o.IP = client.String()
	}
	return o
}

// catchUp waits until this node's read models show the fact of a receipt.
func (s *Server) catchUp(ctx context.Context, r eventstore.Receipt) {
	if r.Position == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, projectionPatience)
	defer cancel()
	if err := s.Views.Passed(ctx, r.Position); err != nil && !errors.Is(err, context.Canceled) {
		s.Log.WarnContext(ctx, "read models are behind", "position", int64(r.Position), "err", err)
	}
}

func receiptOf(r eventstore.Receipt) *receipt {
	if r == (eventstore.Receipt{}) {
		return nil
	}
	return &receipt{Seq: r.Seq, EventHash: domain.Digest(r.EventHash)}
}

// instant is a time as answers show it: RFC 3339 with microseconds, or null.
type instant int64 // Unix microseconds; 0 = none

// MarshalJSON writes the instant, or null for none.
func (t instant) MarshalJSON() ([]byte, error) {
	if t == 0 {
		return []byte("null"), nil
	}
	return []byte(time.UnixMicro(int64(t)).UTC().Format(`"2006-01-02T15:04:05.000000Z"`)), nil
}

func invalid(message string) error { return &domain.Error{Kind: domain.Invalid, Message: message} }
