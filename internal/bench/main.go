// Command bench measures the vault as its users meet it: a real server, real
// HTTP, every access a durable signed fact. It prints what the cryptography alone
// would cost, what the server achieves on each engine, and the ratio of the two.
//
// Its one law: it measures and asserts nothing.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quantaseal/quantaseal/internal/pgtest"
)

// settings is what one run measures.
type settings struct {
	seconds     time.Duration
	connections []int
	operations  []string // none = all
	engines     []string
	postgres    string
	jsonFile    string
	profile     string
	binary      string
	credentials int
	events      int // of a log that is verified and asked; 0 = none, and all else is measured
}

// Row is one measured line.
type Row struct {
	Engine      string  `json:"engine"`
	Operation   string  `json:"operation"`
	Connections int     `json:"connections"`
	PerSecond   float64 `json:"per_second"`
	P50         float64 `json:"p50_ms"`
	P99         float64 `json:"p99_ms"`
	Failed      int     `json:"failed"`
	ServerCPU   float64 `json:"server_cpu_us_per_operation"`
	LoadCPU     float64 `json:"load_cpu_us_per_operation"`
	PeakMB      float64 `json:"server_peak_mb"`
	Limit       float64 `json:"limit_per_second,omitempty"`
	Ratio       float64 `json:"ratio_to_limit,omitempty"`
}

// Report is a whole run.
type Report struct {
	Cores      int                `json:"cores"`
	Go         string             `json:"go"`
	Primitives map[string]float64 `json:"primitives_us"`
	Rows       []Row              `json:"rows"`
}

func main() {
	s := settings{connections: []int{16, 64}}
	flag.DurationVar(&s.seconds, "for", 5*time.Second, "how long each line is measured")
	flag.StringVar(&s.postgres, "postgres", "", "URL of an empty PostgreSQL database; without it a throw-away cluster is started")
	flag.Func("connections", "how many at a time, such as 16,64", func(v string) error {
		s.connections = nil
		for part := range strings.SplitSeq(v, ",") {
			n, err := strconv.Atoi(part)
			if err != nil || n < 1 {
				return errors.New("want numbers")
			}
			s.connections = append(s.connections, n)
		}
		return nil
	})
	flag.Func("operations", "which ones, such as seal,unseal", func(v string) error {
		s.operations = strings.Split(v, ",")
		return nil
	})
	engines := flag.String("engines", "sqlite,postgres", "what to measure")
	flag.StringVar(&s.jsonFile, "json", "", "file for the report as JSON")
	flag.StringVar(&s.profile, "profile", "", "directory for CPU profiles of the server")
	flag.StringVar(&s.binary, "binary", "", "server to measure; without it the one in this tree is built")
	flag.IntVar(&s.credentials, "credentials", 1000, "credentials sealed before reading begins")
	flag.IntVar(&s.events, "events", 0, "measure verification of, and questions to, a log of so many events, and nothing else")
	flag.Parse()
	s.engines = strings.Split(*engines, ",")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings) error {
	report := Report{Cores: runtime.NumCPU(), Go: runtime.Version(), Primitives: primitives()}
	fmt.Printf("cores %d, %s\n\nprimitive, one core            µs\n", report.Cores, report.Go)
	for _, name := range primitiveNames {
		fmt.Printf("%-26s %8.1f\n", name, report.Primitives[name])
	}
	dir, err := os.MkdirTemp("", "quantaseal-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if s.events > 0 {
		return measureLog(ctx, s, dir)
	}
	if s.binary == "" {
		s.binary = filepath.Join(dir, "quantaseal")
		if err := build(ctx, s.binary); err != nil {
			return err
		}
	}
	fmt.Printf("\n%-9s %-7s %5s %9s %8s %8s %10s %9s %8s %8s %6s\n",
		"engine", "op", "conns", "per s", "p50 ms", "p99 ms", "server µs", "load µs", "peak MB", "limit/s", "ratio")
	if slices.Contains(s.engines, "postgres") && s.postgres == "" {
		cluster, err := pgtest.NewCluster() //nolint:contextcheck // a cluster outlives whatever starts it
		if err != nil {
			return err
		}
		defer func() { _ = cluster.Close() }()
		if s.postgres, err = cluster.NewDatabase(ctx); err != nil {
			return err
		}
	}
	for _, engine := range s.engines {
		rows, err := measureEngine(ctx, s, engine, filepath.Join(dir, engine), report)
		if err != nil {
			return fmt.Errorf("measuring %s: %w", engine, err)
		}
		report.Rows = append(report.Rows, rows...)
	}
	if s.jsonFile == "" {
		return nil
	}
	data, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(s.jsonFile, append(data, '\n'), 0o600)
}

func build(ctx context.Context, binary string) error {
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, "github.com/quantaseal/quantaseal/cmd/quantaseal")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("building the server: %w\n%s", err, out)
	}
	return nil
}

func (r Row) print() {
	limit, ratio := "-", "-"
	if r.Limit > 0 {
		limit, ratio = fmt.Sprintf("%.0f", r.Limit), fmt.Sprintf("%.2f", r.Ratio)
	}
	fmt.Printf("%-9s %-7s %5d %9.0f %8.2f %8.2f %10.0f %9.0f %8.0f %8s %6s\n",
		r.Engine, r.Operation, r.Connections, r.PerSecond, r.P50, r.P99, r.ServerCPU, r.LoadCPU, r.PeakMB, limit, ratio)
	if r.Failed > 0 {
		fmt.Printf("          %d requests of this line failed\n", r.Failed)
	}
}
