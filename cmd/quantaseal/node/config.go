package node

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quantaseal/quantaseal/internal/listen"
	"github.com/quantaseal/quantaseal/internal/ratelimit"
)

// ErrMisconfigured reports a configuration that this node cannot run with.
var ErrMisconfigured = errors.New("wrong configuration")

// Config is how a node runs. The tags make each field a flag with an equal
// environment variable.
type Config struct {
	Addr           string   `env:"QUANTASEAL_ADDR" default:"127.0.0.1:8080" help:"Address to serve on."`
	Data           string   `env:"QUANTASEAL_DATA" default:"./data" help:"Directory of the embedded databases and of the local key file."`
	DatabaseURL    string   `name:"database-url" env:"QUANTASEAL_DATABASE_URL" help:"postgres://… for PostgreSQL; empty for SQLite in the data directory."`
	KMS            string   `name:"kms" env:"QUANTASEAL_KMS" default:"local" help:"What wraps all keys: local, local:DIR or aws:ARN of a symmetric key."`
	FormerKMS      string   `name:"former-kms" env:"QUANTASEAL_FORMER_KMS" help:"What unwraps the keys that QUANTASEAL_KMS does not hold yet, while a deployment moves."`
	RootKey        string   `name:"root-key" env:"QUANTASEAL_ROOT_KEY" help:"aws:ARN of an ML_DSA_65 key that signs for the deployment; empty for one that QUANTASEAL_KMS keeps."`
	AWSEndpoint    string   `name:"aws-endpoint" env:"QUANTASEAL_AWS_ENDPOINT" help:"URL of AWS KMS and S3; empty for the region's own."`
	PassphraseFile string   `name:"kms-passphrase-file" env:"QUANTASEAL_KMS_PASSPHRASE_FILE" help:"File with the passphrase that protects a local key file."`
	TrialDays      int      `name:"trial-days" env:"QUANTASEAL_TRIAL_DAYS" default:"14" help:"Days of a new tenant's trial; 0 for no trial clock."`
	PublicURL      string   `name:"public-url" env:"QUANTASEAL_PUBLIC_URL" help:"URL under which clients reach the API; names the deployment in its audit chain."`
	RateLimit      int      `name:"rate-limit" env:"QUANTASEAL_RATE_LIMIT" default:"5000" help:"Requests of one tenant in a minute; 0 for no limit."`
	UserRateLimit  int      `name:"user-rate-limit" env:"QUANTASEAL_USER_RATE_LIMIT" default:"0" help:"Requests of one user in a minute, of the tenant's; 0 for all of them."`
	KeyRateLimit   int      `name:"key-rate-limit" env:"QUANTASEAL_KEY_RATE_LIMIT" default:"0" help:"Requests of one API key in a minute, of the tenant's; 0 for all of them."`
	AuthRateLimit  int      `name:"auth-rate-limit" env:"QUANTASEAL_AUTH_RATE_LIMIT" default:"20" help:"Requests of one network in a minute to the public routes under /auth; 0 for no limit."`
	TrustedProxies []string `name:"trusted-proxies" env:"QUANTASEAL_TRUSTED_PROXIES" help:"Networks of proxies whose X-Forwarded-For is believed, such as 10.0.0.0/24; default none."`
	Mail           string   `env:"QUANTASEAL_MAIL" default:"outbox" help:"How letters leave: outbox (files in the data directory) or resend."`
	MailFrom       string   `name:"mail-from" env:"QUANTASEAL_MAIL_FROM" help:"Sender of letters: NAME <ADDRESS>."`
	ResendKey      Secret   `name:"resend-key" env:"RESEND_API_KEY" hidden:"" help:"API key of Resend."`
	Anchors        string   `env:"QUANTASEAL_ANCHORS" help:"Where anchors are kept, apart from the log: a directory, or postgres://…; by default DATA/anchors, or the schema anchors of the database."`
	Blobs          string   `env:"QUANTASEAL_BLOBS" default:"local" help:"Where reports are kept: local, local:DIR or s3://BUCKET/PREFIX."`
	Region         string   `env:"QUANTASEAL_REGION" default:"local" help:"Shown by /health."`

	TLSCert    string `name:"tls-cert" env:"QUANTASEAL_TLS_CERT" help:"PEM file of a certificate chain: serve TLS 1.3. Read again when it changes."`
	TLSKey     string `name:"tls-key" env:"QUANTASEAL_TLS_KEY" help:"PEM file of the certificate's private key."`
	TLSClassic bool   `name:"tls-classic" env:"QUANTASEAL_TLS_CLASSIC" help:"Let clients in that cannot agree on keys by X25519MLKEM768."`

	MaxConnections       int    `name:"max-connections" env:"QUANTASEAL_MAX_CONNECTIONS" default:"10000" help:"Connections at the same time."`
	MaxClientConnections int    `name:"max-client-connections" env:"QUANTASEAL_MAX_CLIENT_CONNECTIONS" default:"1000" help:"Connections of one client address at the same time."`
	MetricsAddr          string `name:"metrics-addr" env:"QUANTASEAL_METRICS_ADDR" help:"Loopback address that serves /metrics to Prometheus; empty for none."`
	TraceEndpoint        string `name:"otlp-endpoint" env:"OTEL_EXPORTER_OTLP_ENDPOINT" help:"URL of an OpenTelemetry collector that takes traces over HTTP; empty for none."`
}

// Validate returns everything that is wrong, in one error.
func (c *Config) Validate() error {
	var errs []error
	wrong := func(name, value, want string) {
		errs = append(errs, fmt.Errorf("%s=%q: %s", name, value, want))
	}
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		wrong("QUANTASEAL_ADDR", c.Addr, "want host:port")
	}
	if c.Data == "" {
		wrong("QUANTASEAL_DATA", c.Data, "want a directory")
	}
	if c.DatabaseURL != "" && !isPostgres(c.DatabaseURL) {
		errs = append(errs, errors.New("QUANTASEAL_DATABASE_URL: want postgres://… or nothing")) // it may hold a password
	}
	c.checkKMS(wrong)
	c.checkBlobs(wrong)
	if c.TrialDays < 0 || c.TrialDays > 3650 {
		wrong("QUANTASEAL_TRIAL_DAYS", fmt.Sprint(c.TrialDays), "want 0 to 3650")
	}
	for name, limit := range map[string]int{
		"QUANTASEAL_RATE_LIMIT": c.RateLimit, "QUANTASEAL_USER_RATE_LIMIT": c.UserRateLimit,
		"QUANTASEAL_KEY_RATE_LIMIT": c.KeyRateLimit, "QUANTASEAL_AUTH_RATE_LIMIT": c.AuthRateLimit,
	} {
		if limit < 0 || limit > ratelimit.MaxLimit {
			wrong(name, strconv.Itoa(limit), "want 0 to "+strconv.Itoa(ratelimit.MaxLimit))
		}
	}
	c.checkMail(wrong)
	if _, err := c.proxies(); err != nil {
		wrong("QUANTASEAL_TRUSTED_PROXIES", strings.Join(c.TrustedProxies, ","), err.Error())
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		errs = append(errs, errors.New("QUANTASEAL_TLS_CERT and QUANTASEAL_TLS_KEY: want both or neither"))
	}
	connections := func(name string, n int) {
		if n < 0 || n > 1_000_000 {
			wrong(name, fmt.Sprint(n), "want 1 to 1000000, or 0 for the default")
		}
	}
	connections("QUANTASEAL_MAX_CONNECTIONS", c.MaxConnections)
	connections("QUANTASEAL_MAX_CLIENT_CONNECTIONS", c.MaxClientConnections)
	if u, err := url.Parse(c.TraceEndpoint); err != nil || c.TraceEndpoint != "" && (u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		errs = append(errs, errors.New("OTEL_EXPORTER_OTLP_ENDPOINT: want http://… or https://…")) // it may hold a password
	}
	if c.MetricsAddr != "" && !isLoopback(c.MetricsAddr) {
		wrong("QUANTASEAL_METRICS_ADDR", c.MetricsAddr, "want 127.0.0.1:port or [::1]:port")
	}
	if u, err := url.Parse(c.PublicURL); err != nil || c.PublicURL != "" && (u.Host == "" || u.User != nil || len(u.Host) > 200) {
		shown := "…"
		if err == nil {
			shown = u.Redacted()
		}
		wrong("QUANTASEAL_PUBLIC_URL", shown, "want https://host")
	}
	return errors.Join(errs...)
}

// proxies returns the trusted networks. Each must be written exactly: an address
// that is none of a network's first, or a network of everybody, is a mistake.
func (c *Config) proxies() ([]netip.Prefix, error) {
	networks := make([]netip.Prefix, 0, len(c.TrustedProxies))
	for _, s := range c.TrustedProxies {
		p, err := netip.ParsePrefix(s)
		if err != nil || p.Bits() == 0 || p != p.Masked() || p.Addr().Is4In6() {
			return nil, errors.New("want networks like 10.0.0.0/24,2001:db8::/64")
		}
		networks = append(networks, p)
	}
	return networks, nil
}

func isPostgres(s string) bool {
	return strings.HasPrefix(s, "postgres://") || strings.HasPrefix(s, "postgresql://")
}

func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	ip, parsed := netip.ParseAddr(host)
	return err == nil && parsed == nil && ip.IsLoopback()
}

// connections returns how many connections may be open; 0 stands for the default,
// for whoever makes a Config by hand. A trusted proxy speaks for many clients and
// has no limit of its own.
func (c *Config) connections() listen.Limits {
	proxies, _ := c.proxies() // valid, as Validate says
	return listen.Limits{
		Total: cmp.Or(c.MaxConnections, 10_000), PerAddress: cmp.Or(c.MaxClientConnections, 1000),
		Exempt: func(a netip.Addr) bool {
			return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(a) })
		},
	}
}

func (c *Config) trial() time.Duration { return time.Duration(c.TrialDays) * 24 * time.Hour }

// passphrase reads the file that protects the key file, without the line break
// at its end. The caller wipes it.
func (c *Config) passphrase() ([]byte, error) {
	return readPassphrase("QUANTASEAL_KMS_PASSPHRASE_FILE", c.PassphraseFile)
}

// readPassphrase reads a passphrase from the file that a setting names; from
// none, none.
func readPassphrase(setting, file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrMisconfigured, setting, err)
	}
	if data = bytes.TrimRight(data, "\r\n"); len(data) == 0 {
		return nil, fmt.Errorf("%w: %s: the file is empty", ErrMisconfigured, setting)
	}
	return data, nil
}

// origin names the deployment in its log id, for good: the first start decides.
func (c *Config) origin() string {
	if u, err := url.Parse(c.PublicURL); err == nil && u.Host != "" {
		return u.Host + "/audit"
	}
	return "quantaseal.local/audit"
}
