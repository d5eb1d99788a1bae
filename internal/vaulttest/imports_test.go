package vaulttest_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/quantaseal/quantaseal/"

// rule says what a package may import: of ours, and by short name what is
// confined to few packages. everything stands for all of ours but what is for
// tests only.
type rule struct{ ours, confined string }

const everything = "*"

// rules has a line for each package. One that is not listed may not exist.
var rules = map[string]rule{
	"domain": {},

	"eventstore/chain":     {confined: "circl"},
	"eventstore":           {"domain eventstore/chain internal/batch", "lru"},
	"eventstore/anchors":   {"domain eventstore eventstore/chain", ""},
	"eventstore/table":     {"domain eventstore eventstore/chain internal/batch", ""},
	"eventstore/sqlite":    {"domain eventstore eventstore/chain eventstore/table internal/multirow migrations", "sqlite sql lru os"},
	"eventstore/postgres":  {"domain eventstore eventstore/chain eventstore/table migrations", "pgx lru"},
	"eventstore/kurrent":   {"domain eventstore eventstore/chain", "esdb"},
	"eventstore/feed":      {"domain eventstore", "watermill"},
	"eventstore/storetest": {"domain eventstore eventstore/chain", "test"},
	"migrations":           {"", "goose sql"},

	"commands":    {"domain eventstore internal/envelope", "lru"},
	"queries":     {"domain eventstore internal/compliance", "sql lru"},
	"projections": {"domain eventstore internal/batch internal/multirow", "sql"},
	"http":        {"domain commands queries eventstore eventstore/anchors eventstore/chain internal/compliance internal/envelope internal/openapi", "gin net/http x/net x/text"},
	"client":      {"", "net/http"},

	"internal/anchorstore": {"eventstore eventstore/anchors eventstore/chain", "sql"},
	"internal/batch":       {},
	"internal/compliance":  {"domain", ""},
	"internal/listen":      {"", "net/http os"},
	"internal/openapi":     {},
	"internal/metrics":     {"eventstore internal/listen", "prometheus net/http"},
	"internal/multirow":    {"", "sql"},
	"internal/envelope":    {"", "circl"},
	"internal/seal":        {"", "circl"},
	"internal/auth":        {"domain", "jwt argon2id otp x/text x/net"},
	"internal/keyring":     {"domain commands eventstore eventstore/chain internal/envelope internal/seal", "circl lru"},
	"internal/localkms":    {"internal/seal", "circl x/crypto x/sys os"},
	"internal/awskms":      {"internal/seal", "aws gobreaker net/http"},
	"internal/backup":      {"eventstore/chain", "sio os"},
	"internal/sealedstore": {"domain internal/batch internal/multirow", "sql"},
	"internal/ratelimit":   {"internal/batch", "throttled sql lru"},
	"internal/verify":      {"domain eventstore eventstore/chain internal/sealedstore projections", "sql"},
	"internal/mail":        {"domain", "resend net/http os"},
	"internal/report":      {"domain eventstore/chain internal/compliance", "barcode fpdf x/image uuid"},
	"internal/blobs":       {"internal/awskms", "aws net/http os"},
	"internal/reactors":    {"domain eventstore eventstore/feed", "sql watermill cloudevents webhooks net/http"},

	"cmd/quantaseal":      {everything, "kong os x/sys x/term"},
	"cmd/quantaseal/node": {everything, "pgx sqlite sql goose otel watermill uuid x/sys net/http os"},
	"cmd/qsverify":        {"eventstore/chain", "kong os"},

	"internal/apitest":   {"http", "net/http"},
	"internal/kmstest":   {"internal/keyring", "test net/http os"},
	"internal/nodetest":  {"", "test os"},
	"internal/pgtest":    {"", "test pgx os"},
	"internal/s3test":    {"", "test aws net/http os"},
	"internal/vaulttest": {everything + " internal/apitest internal/kmstest internal/nodetest internal/pgtest eventstore/storetest", "test otp pgx sqlite sql net/http os"},
	"internal/timing":    {everything, "net/http os"},
	"internal/bench":     {everything + " internal/pgtest internal/vaulttest", "test circl pgx sqlite sql net/http os"},
}

// confined gives what may be imported only where a rule says so its short name.
// A path covers what is below it. Other modules may be imported nowhere, and the
// rest of the standard library everywhere but in the domain.
var confined = map[string]string{
	"argon2id":    "github.com/alexedwards/argon2id",
	"aws":         "github.com/aws",
	"barcode":     "github.com/boombuler/barcode",
	"circl":       "github.com/cloudflare/circl",
	"cloudevents": "github.com/cloudevents/sdk-go/v2/event",
	"esdb":        "github.com/EventStore/EventStore-Client-Go/v4",
	"fpdf":        "codeberg.org/go-pdf/fpdf",
	"gobreaker":   "github.com/sony/gobreaker/v2",
	"gin":         "github.com/gin-gonic/gin",
	"goose":       "github.com/pressly/goose/v3",
	"jwt":         "github.com/golang-jwt/jwt/v5",
	"kong":        "github.com/alecthomas/kong",
	"lru":         "github.com/hashicorp/golang-lru/v2",
	"net/http":    "net/http",
	"os":          "os",
	"otel":        "go.opentelemetry.io",
	"otp":         "github.com/pquerna/otp",
	"pgx":         "github.com/jackc/pgx/v5",
	"prometheus":  "github.com/prometheus/client_golang",
	"resend":      "github.com/resend/resend-go/v3",
	"sio":         "github.com/minio/sio",
	"sql":         "database/sql",
	"sqlite":      "modernc.org/sqlite",
	"test":        "testing",
	"throttled":   "github.com/throttled/throttled/v2",
	"uuid":        "github.com/google/uuid",
	"watermill":   "github.com/ThreeDotsLabs/watermill",
	"webhooks":    "github.com/standard-webhooks/standard-webhooks/libraries",
	"x/crypto":    "golang.org/x/crypto",
	"x/image":     "golang.org/x/image",
	"x/net":       "golang.org/x/net",
	"x/sync":      "golang.org/x/sync",
	"x/sys":       "golang.org/x/sys",
	"x/term":      "golang.org/x/term",
	"x/text":      "golang.org/x/text",
}

// anywhere is confined to nothing.
const anywhere = "x/sync"

// What tests may import beside their package and what that may: all of ours, for
// a test may hold both ends of what meets in the log; drivers to look underneath;
// and the modules that only tests and their support use.
var (
	testDrivers = []string{"pgx", "sqlite", "gin"}
	testModules = []string{
		"filippo.io/mldsa", "github.com/getkin/kin-openapi", "github.com/google/go-cmp", "github.com/rogpeppe/go-internal",
		"github.com/santhosh-tekuri/jsonschema/v6", "pgregory.net/rapid",
	}
)

// testSupport is imported by tests, by each other and by internal/bench alone.
var testSupport = []string{
	"eventstore/storetest", "internal/apitest", "internal/bench", "internal/kmstest", "internal/nodetest", "internal/pgtest", "internal/s3test", "internal/timing",
	"internal/vaulttest",
}

// impure names the parts of the standard library that wait, read or vary, which
// the domain does without.
var impure = []string{
	"context", "crypto/rand", "database", "embed", "io", "log", "math/rand", "net", "os", "runtime", "sync", "syscall", "unsafe",
}

// pureNet is the one part of them that only holds values.
const pureNet = "net/netip"

// pkg is a package as go list shows it.
type pkg struct {
	ImportPath, Dir                    string
	GoFiles                            []string
	Imports, TestImports, XTestImports []string
}

func (p pkg) name() string { return strings.TrimPrefix(p.ImportPath, module) }

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Dir,GoFiles,Imports,TestImports,XTestImports", module+"...")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for dec := json.NewDecoder(out); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if err := cmd.Wait(); err != nil || len(all) == 0 {
		t.Fatalf("listed %d packages: %v", len(all), err)
	}
	return all
}

// TestImports holds the tree to its rules.
func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		r, ok := rules[p.name()]
		if !ok {
			t.Errorf("%s has no import rule", p.name())
			continue
		}
		for _, path := range p.Imports {
			supports := slices.Contains(testSupport, p.name()) && within(path, testModules...)
			if !r.permits(path) && !supports || p.name() == "domain" && within(path, impure...) && path != pureNet {
				t.Errorf("%s may not import %s", p.name(), path)
			}
		}
		for _, path := range slices.Concat(p.TestImports, p.XTestImports) {
			if !r.permits(path) && !testsMayImport(path) {
				t.Errorf("tests of %s may not import %s", p.name(), path)
			}
		}
	}
}

// TestRulesBite tries the table on imports that would break the architecture, and
// finds words in it that mean nothing.
func TestRulesBite(t *testing.T) {
	for _, bad := range []struct{ from, to string }{
		{"commands", module + "projections"},
		{"queries", module + "commands"},
		{"commands", module + "internal/sealedstore"},
		{"commands", "database/sql"},
		{"commands", "net/http"},
		{"eventstore", "github.com/prometheus/client_golang/prometheus"},
		{"http", "go.opentelemetry.io/otel"},
		{"http", module + "eventstore/sqlite"},
		{"http", "github.com/jackc/pgx/v5/pgxpool"},
		{"eventstore/chain", module + "domain"},
		{"internal/seal", module + "domain"},
		{"cmd/qsverify", module + "eventstore"},
		{"cmd/quantaseal", module + "internal/vaulttest"},
		{"client", module + "domain"},
		{"domain", "github.com/google/uuid"},
		{"domain", "os/exec"},
		{"eventstore", "example.com/unheard/of"},
	} {
		if rules[bad.from].permits(bad.to) {
			t.Errorf("%s may import %s", bad.from, bad.to)
		}
	}
	for name, r := range rules {
		for _, own := range strings.Fields(r.ours) {
			if _, ok := rules[own]; !ok && own != everything {
				t.Errorf("%s may import %s, which has no rule", name, own)
			}
		}
		for _, word := range strings.Fields(r.confined) {
			if confined[word] == "" {
				t.Errorf("%s may import %s, which is no short name", name, word)
			}
		}
	}
}

// permits reports whether a package with rule r may import path.
func (r rule) permits(path string) bool {
	own, isOwn := strings.CutPrefix(path, module)
	if isOwn {
		listed := strings.Fields(r.ours)
		return slices.Contains(listed, own) || slices.Contains(listed, everything) && !slices.Contains(testSupport, own)
	}
	name, isConfined := shortName(path)
	if !isConfined {
		return isStandard(path)
	}
	return name == anywhere || slices.Contains(strings.Fields(r.confined), name)
}

// testsMayImport reports whether every test may import path.
func testsMayImport(path string) bool {
	driver, _ := shortName(path)
	return strings.HasPrefix(path, module) || isStandard(path) || slices.Contains(testDrivers, driver) || within(path, testModules...)
}

// shortName returns the name under which path is confined, if it is.
func shortName(path string) (string, bool) {
	for name, root := range confined {
		if within(path, root) {
			return name, true
		}
	}
	return "", false
}

func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// within reports whether path is one of roots or below it.
func within(path string, roots ...string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { return path == root || strings.HasPrefix(path, root+"/") })
}
