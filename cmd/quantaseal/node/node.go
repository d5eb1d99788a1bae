// Package node is one running server: every part of the product, put together
// from a Config. The command and the tests both start it this way.
package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/anchors"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	vaulthttp "github.com/quantaseal/quantaseal/http"
	"github.com/quantaseal/quantaseal/internal/auth"
	"github.com/quantaseal/quantaseal/internal/envelope"
	"github.com/quantaseal/quantaseal/internal/keyring"
	"github.com/quantaseal/quantaseal/internal/listen"
	"github.com/quantaseal/quantaseal/internal/localkms"
	"github.com/quantaseal/quantaseal/internal/mail"
	"github.com/quantaseal/quantaseal/internal/metrics"
	"github.com/quantaseal/quantaseal/internal/reactors"
	"github.com/quantaseal/quantaseal/internal/sealedstore"
	"github.com/quantaseal/quantaseal/internal/verify"
	"github.com/quantaseal/quantaseal/projections"
	"github.com/quantaseal/quantaseal/queries"
)

// Node is one server with everything it stands on. Open makes it, Run keeps it
// going, Close ends it.
type Node struct {
	Log        *eventstore.Log
	Anchors    *anchors.Ledger
	Vault      *commands.Vault
	Identity   *commands.Identity
	Encryption *commands.Encryption
	Failures   *commands.Failures
	Reconciler *commands.Reconciler
	Queries    *queries.Queries
	Reports    *commands.Reports
	Views      *projections.Runner
	Ring       *keyring.Ring
	Verifier   *verify.Verifier
	Server     *vaulthttp.Server

	config Config
	sealed *sealedstore.Store
	limits *limits
	logger *slog.Logger
	now    func() time.Time
	pause  time.Duration // between two passes of the reconciler
	kms    keyring.KMS

	jobsPause time.Duration // between two looks for jobs
	version   string
	starting  sync.Mutex
	started   bool // that this node runs is on the record

	closes []func() error // in the order of opening
	blobs  vaulthttp.Blobs

	certificate *listen.Certificate // nil = no TLS
	keyFile     *localkms.KMS       // nil = there is none
	listener    atomic.Pointer[listen.Listener]
	outbox      *mail.Outbox // nil where letters leave this machine
	resend      *mail.Resend // nil, with the post, where they do not
	post        *mail.Post
	letters     *reactors.Reactor
	spans       *spans                  // nil, with the next, while nobody traces
	trace       func(*vaulthttp.Server) // makes the server's requests spans
	writing     sync.Mutex              // of the outbox: a person is erased before a letter or after it
	meter       *metrics.Meter          // nil = nobody asked for metrics
	metered     net.Listener
}

// Open puts a node together and brings its databases up to date. It serves
// nothing yet.
func Open(ctx context.Context, config Config, options Options) (n *Node, err error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMisconfigured, err)
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Random == nil {
		options.Random = rand.Reader
	}
	if options.Pause == 0 {
		options.Pause = reconcileEvery
	}
	if options.Jobs == 0 {
		options.Jobs = jobsEvery
	}
	if options.Argon == (auth.Argon{}) {
		options.Argon = auth.ProductionArgon
	}
	if options.Hold == 0 {
		options.Hold = hold
	}
	if options.ResendURL == "" {
		options.ResendURL = mail.ResendURL
	}
	n = &Node{config: config, logger: options.Logger, now: options.Now, pause: options.Pause, jobsPause: options.Jobs, version: options.Version}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
			n = nil
		}
	}()
	s, err := n.openStores(ctx, options)
	if err != nil {
		return n, err
	}
	n.sealed = s.sealed
	if err := n.openTraces(ctx, options.Version); err != nil {
		return n, err
	}
	if n.spans != nil {
		s.events = tracedStore{s.events, *n.spans}
	}
	if err := n.openMeter(ctx, options.Version); err != nil {
		return n, err
	}
	keys, err := n.openCustody(ctx)
	if err != nil {
		return n, err
	}
	n.kms = keys.kms
	n.Ring, err = keyring.Open(ctx, keyring.Config{
		KMS: keys.kms, Former: keys.former, Roots: keys.roots, Store: keyStore{s.sealed}, Now: options.Now, Origin: config.origin(),
	})
	if err != nil {
		return n, fmt.Errorf("opening the key ring: %w", err)
	}
	n.Log, err = (&eventstore.Log{
		Store: s.events, Keys: n.Ring, LogID: n.Ring.LogID(), Root: n.Ring.Root(),
		Now: options.Now, NewID: newID, Logger: options.Logger,
	}).Open()
	if err != nil {
		return n, err
	}
	if err := n.openLedger(ctx, s.anchors, options); err != nil {
		return n, err
	}
	return n, n.assemble(ctx, s, options)
}

// assemble makes commands, queries, read models and the HTTP server.
func (n *Node) assemble(ctx context.Context, s *stores, options Options) error {
	n.Queries = &queries.Queries{DB: s.viewsRead, Log: n.Log}
	scores, err := (&queries.Scores{Log: n.Log, Now: options.Now}).Open()
	if err != nil {
		return err
	}
	if err := n.openReports(ctx, scores, options.Version, options.Now); err != nil {
		return err
	}
	views, err := (&projections.Runner{DB: s.viewsWrite, Embedded: s.embedded, Log: n.Log, Logger: options.Logger}).Open(ctx)
	if err != nil {
		return err
	}
	n.Views = views
	n.openVerifier(s.viewsRead)
	n.Vault = &commands.Vault{
		Log: n.Log, Sealer: n.Ring, Records: s.sealed, Keys: n.Ring, Now: options.Now, Logger: options.Logger,
	}
	if n.spans != nil {
		n.Log.Span = n.spans.span
		n.Vault.Records = tracedRecords{s.sealed, *n.spans}
	}
	n.Encryption = &commands.Encryption{Log: n.Log, Crypto: n.Ring, Keys: n.Ring, Now: options.Now, Logger: options.Logger}
	head, err := n.Log.Head(ctx, domain.TenantID{})
	if err != nil {
		return err
	}
	if head.Next == 0 && n.Log.Halted() == nil { // later, missing secrets were lost, and new ones would lock everybody out
		if err := n.Ring.CreateInstance(ctx); err != nil {
			return fmt.Errorf("creating the instance's secrets: %w", err)
		}
	}
	secrets, err := n.Ring.Instance(ctx)
	if err != nil {
		return fmt.Errorf("loading the instance's secrets: %w", err)
	}
	access, err := (&auth.AccessTokens{Issuer: n.Ring.Deployment().Origin, KeyID: "1", Key: secrets.AccessKey, Rand: options.Random}).Open()
	if err != nil {
		return err
	}
	hasher, err := (&auth.Passwords{Pepper: secrets.PasswordPepper, Cost: options.Argon, InFlight: runtime.NumCPU()}).Open()
	if err != nil {
		return err
	}
	letters, err := n.openMail(options)
	if err != nil {
		return err
	}
	if err := n.openLetters(ctx, s, options); err != nil {
		return err
	}
	n.Log.Erased = n.forgetLetters(letters) //nolint:contextcheck // outlives the start
	n.Failures = &commands.Failures{Log: n.Log, Now: options.Now}
	if n.limits, err = n.openLimits(ctx, s, secrets, options); err != nil {
		return err
	}
	n.Identity, err = (&commands.Identity{
		Log: n.Log, Keys: n.Ring, Passwords: passwords{hasher}, Tokens: &tokens{secrets, access, options.Random},
		Lookups: n.Queries, Views: n.Views, Attempts: n.limits,
		Factors: &factors{secrets, options.Random}, Mail: letters, Hold: options.Hold, Trial: n.config.trial(), Now: options.Now, Logger: options.Logger,
	}).Open()
	if err != nil {
		return err
	}
	n.Reconciler = &commands.Reconciler{Vault: n.Vault, Identity: n.Identity, Lookups: n.Queries}
	if n.Log.Halted() == nil {
		if err := n.Identity.Begin(ctx, requestID()); err != nil {
			return err
		}
	}
	proxies, err := n.config.proxies()
	if err != nil {
		return err
	}
	environment := "production"
	if n.Ring.Development() {
		environment = "development"
	}
	d := n.Ring.Deployment()
	n.Server = &vaulthttp.Server{
		Vault: n.Vault, Identity: n.Identity, Encryption: n.Encryption, Queries: n.Queries, Scores: scores, Reports: n.Reports, Blobs: n.blobs, PublicURL: strings.TrimSuffix(n.config.PublicURL, "/"), Past: &queries.Past{Queries: n.Queries, Log: n.Log}, Events: n.Log, Anchors: n.Anchors, Views: n.Views,
		Verifier: asked{n}, Limits: n.limits, TrustedProxies: proxies,
		Bundle: chain.BundleHeader{
			Origin: d.Origin, RootPublicKey: d.RootPublicKey, CreatedUS: d.CreatedUS, Nonce: d.Nonce, LogID: d.LogID,
		},
		Health: vaulthttp.Health{
			Version: options.Version, Region: n.config.Region, Environment: environment,
			Database: func(ctx context.Context) error {
				_, err := n.Log.Head(ctx, domain.TenantID{})
				return errors.Join(err, n.Log.Halted()) // what a halted log loses is not the database's fault, and stops the work as well
			},
			KMS:    func(ctx context.Context) error { return n.Ring.Ready(ctx, domain.TenantID{}) },
			Crypto: func(context.Context) error { return envelope.Healthy() },
			Views:  n.Views.Err,
			Pool: func() vaulthttp.Pool {
				hashing, places := hasher.Busy()
				return vaulthttp.Pool{Hashing: hashing, Hashers: places, Appending: n.Log.Figures().Waiting}
			},
		},
		Log: options.Logger, Now: options.Now, Rand: options.Random,
	}
	if n.meter != nil {
		n.Server.Meter = n.meter
	}
	if n.config.TLSCert != "" {
		if n.certificate, err = listen.OpenCertificate(n.config.TLSCert, n.config.TLSKey, time.Now, n.logger); err != nil {
			return fmt.Errorf("%w: QUANTASEAL_TLS_CERT: %w", ErrMisconfigured, err)
		}
	}
	if n.trace != nil {
		n.trace(n.Server)
	}
	return nil
}

// Close releases what Open took, the latest first.
func (n *Node) Close() error {
	var errs []error
	for i := len(n.closes) - 1; i >= 0; i-- {
		errs = append(errs, n.closes[i]())
	}
	n.closes = nil
	return errors.Join(errs...)
}

// newID draws a UUIDv7, whose time keeps neighbours in time neighbours in every
// index. Its 62 random bits make it one of its kind; nothing rests on their secrecy.
func newID() domain.ID { return domain.ID(uuid.Must(uuid.NewV7())) }

// requestID draws a UUIDv4. It stands in every header, so that nobody who has an
// event's hash alone can guess the event.
func requestID() domain.RequestID { return domain.RequestID{ID: domain.ID(uuid.New())} }
