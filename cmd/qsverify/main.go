// Command qsverify verifies an exported audit chain. It needs the export (a
// bundle) and nothing else: no database, no network, no key.
//
// Its one law: it says verified only of what it has verified, and says what it has
// not.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

const usage = `Usage: qsverify BUNDLE [--log-id HEX] [--receipt SEQ:HASH]... [--state FILE] [--fast] [--json]
       qsverify --all ARCHIVE [--log-id HEX] [--fast] [--json]

Verifies the audit chain in BUNDLE, a file or - for standard input. Prints one
line for each finding, with tenant, sequence number and check, and a summary.

  --log-id HEX        the deployment's log id, from a source other than the server;
                      without it nobody but the bundle vouches for the root key
  --receipt SEQ:HASH  a receipt that the chain must honour; may be repeated
  --state FILE        go on where the run ended that wrote FILE, and write it anew
                      if everything is verified
  --fast              leave out the signatures of records (V13)
  --all               verify an archive, as quantaseal audit export --all writes it: all
                      chains of a log, and every anchor there was against them (V19 to V24)
  --json              print findings and summary as JSON, one object a line

Exit status: 0 verified, 1 tampered with, 2 unreadable or misused.
`

// What the process exits with.
const (
	exitVerified   = 0
	exitTampered   = 1
	exitUnreadable = 2
)

func main() {
	p := program{in: os.Stdin, out: os.Stdout, err: os.Stderr, now: time.Now}
	os.Exit(p.run(context.Background(), os.Args[1:]))
}

// program is one run and what it has of the world.
type program struct {
	in       io.Reader
	out, err io.Writer
	now      func() time.Time
}

// arguments are the command line.
type arguments struct {
	bundle   string
	logID    *chain.Hash
	receipts []chain.Receipt
	state    string
	fast     bool
	all      bool
	json     bool
}

// run returns the exit status.
func (p program) run(ctx context.Context, args []string) int {
	a, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = io.WriteString(p.out, usage)
		return exitVerified
	case err != nil:
		return p.fail(fmt.Errorf("%w; qsverify --help tells more", err))
	}
	from, err := loadState(a.state)
	if err != nil {
		return p.fail(err)
	}
	in := p.in
	if a.bundle != "-" {
		file, err := os.Open(a.bundle)
		if err != nil {
			return p.fail(err)
		}
		defer func() { _ = file.Close() }() // it was only read
		in = file
	}
	if a.all {
		return p.archive(ctx, in, a)
	}
	report := newReport(p.out, a)
	summary, err := chain.VerifyBundle(ctx, in, chain.Options{
		LogID: a.logID, Receipts: a.receipts, From: from, Now: p.now, Fast: a.fast, Report: report.finding,
	})
	verified := err == nil && summary.Findings == 0
	if verified && a.state != "" {
		if err := saveState(a.state, summary.End); err != nil {
			return p.fail(err)
		}
	}
	if err := errors.Join(err, report.summary(summary, err)); err != nil {
		code := p.fail(err)
		if summary.Findings > 0 {
			code = exitTampered
		}
		return code
	}
	if !verified {
		return exitTampered
	}
	return exitVerified
}

func (p program) fail(err error) int {
	_, _ = fmt.Fprintln(p.err, "qsverify:", err)
	return exitUnreadable
}

// parse reads the command line. Flags may stand before and after the bundle.
func parse(args []string) (arguments, error) {
	var a arguments
	flags := flag.NewFlagSet("qsverify", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Func("log-id", "", func(s string) error {
		h, ok := chain.ParseHash(s)
		if a.logID = &h; !ok {
			return errors.New("a log id has 64 hexadecimal digits")
		}
		return nil
	})
	flags.Func("receipt", "", func(s string) error {
		r, ok := chain.ParseReceipt(s)
		if a.receipts = append(a.receipts, r); !ok {
			return errors.New("a receipt is a number, a colon and 64 hexadecimal digits")
		}
		return nil
	})
	flags.StringVar(&a.state, "state", "", "")
	flags.BoolVar(&a.fast, "fast", false, "")
	flags.BoolVar(&a.all, "all", false, "")
	flags.BoolVar(&a.json, "json", false, "")
	var bundles []string
	for rest := args; ; {
		if err := flags.Parse(rest); err != nil {
			return arguments{}, err
		}
		if flags.NArg() == 0 {
			break
		}
		bundles, rest = append(bundles, flags.Arg(0)), flags.Args()[1:]
	}
	switch {
	case len(bundles) != 1:
		return arguments{}, fmt.Errorf("one bundle is verified at a time, and %d are named", len(bundles))
	case a.all && (a.state != "" || len(a.receipts) > 0):
		return arguments{}, errors.New("--state and --receipt are about one chain: they do not go with --all")
	case a.fast && a.state != "":
		return arguments{}, errors.New("--state does not go with --fast: nothing may rest on signatures that were not verified")
	}
	a.bundle = bundles[0]
	return a, nil
}
