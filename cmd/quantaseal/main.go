// Command quantaseal serves the vault and is its operator's tool.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
)

// version is set by the build.
var version = "dev"

// cli is the whole command line. Every flag of node.Config has an environment
// variable of the same name.
type cli struct {
	node.Config

	LogLevel  slog.Level `name:"log-level" env:"QUANTASEAL_LOG_LEVEL" default:"info" help:"debug, info, warn or error."`
	LogFormat string     `name:"log-format" env:"QUANTASEAL_LOG_FORMAT" enum:"text,json" default:"text" help:"text or json."`

	Serve   serveCommand   `cmd:"" default:"1" help:"Serve the API (default)."`
	Migrate migrateCommand `cmd:"" help:"Bring the databases to this version's schema, and stop."`
	Rebuild rebuildCommand `cmd:"" help:"Fold every read model anew from the log. Stop the servers first."`
	Recover recoverCommand `cmd:"" help:"Go on from an older database than the anchors hold, or list what that loses. Stop the servers first."`
	Backup  backupCommand  `cmd:"" help:"Back the deployment up while it runs, encrypted under the root key."`
	Restore restoreCommand `cmd:"" help:"Put a backup into empty databases, or with --test try whether it could be."`
	Verify  verifyCommand  `cmd:"" help:"Verify every chain and what is stored beside it, on the record. Stop the server first if it is on SQLite."`
	Audit   auditCommand   `cmd:"" help:"Export audit chains."`
	Report  reportCommand  `cmd:"" help:"Verify compliance reports."`
	Tenant  tenantCommand  `cmd:"" help:"List tenants and end their trials."`
	Keys    keysCommand    `cmd:"" help:"Change what protects the keys."`
	Version versionCommand `cmd:"" help:"Print the version."`

	Login   loginCommand   `cmd:"" group:"client" help:"Log in at a server. The password comes from the terminal or standard input."`
	Logout  logoutCommand  `cmd:"" group:"client" help:"End the login."`
	Seal    sealCommand    `cmd:"" group:"client" help:"Seal the value on standard input: a JSON object, or a text."`
	Unseal  unsealCommand  `cmd:"" group:"client" help:"Print a credential's value."`
	List    listCommand    `cmd:"" group:"client" help:"List credentials."`
	Rotate  rotateCommand  `cmd:"" group:"client" help:"Rotate a credential."`
	Delete  deleteCommand  `cmd:"" group:"client" help:"Destroy a credential."`
	Encrypt encryptCommand `cmd:"" group:"client" help:"Encrypt standard input."`
	Decrypt decryptCommand `cmd:"" group:"client" help:"Decrypt the envelope on standard input."`
	Run     runCommand     `cmd:"" group:"client" help:"Run a command that finds secrets in its environment."`
}

func main() { os.Exit(run(os.Args[1:])) }

// run returns the process's exit code: 0, 1 for a failure, 2 for a wrong configuration.
func run(args []string) int {
	var c cli
	parser, err := kong.New(&c, kong.Name("quantaseal"),
		kong.Description("A vault on a signed, post-quantum audit chain."), kong.UsageOnError())
	if err != nil {
		fmt.Fprintln(os.Stderr, "quantaseal:", err)
		return 2
	}
	parsed, err := parser.Parse(args) // which asks Config.Validate too
	if err != nil {
		fmt.Fprintln(os.Stderr, "quantaseal:", strings.ReplaceAll(err.Error(), "\n", "; "))
		return 2
	}
	if err := node.Harden(); err != nil {
		fmt.Fprintln(os.Stderr, "quantaseal:", err)
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	logger := c.logger()
	parsed.BindTo(ctx, (*context.Context)(nil))
	if err := parsed.Run(&c, logger); err != nil {
		if code := (ended{}); errors.As(err, &code) {
			return code.code
		}
		if calls(parsed) {
			fmt.Fprintln(os.Stderr, "quantaseal:", err)
			return 1
		}
		logger.ErrorContext(ctx, "stopped", "err", err)
		if errors.Is(err, node.ErrMisconfigured) {
			return 2
		}
		return 1
	}
	return 0
}

// calls reports whether the command is one that calls a server: its user wants no
// log, but to be told.
func calls(parsed *kong.Context) bool {
	at := parsed.Selected()
	return at != nil && at.Group != nil && at.Group.Key == "client"
}

func (c *cli) logger() *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options))
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run() error {
	_, err := fmt.Fprintln(os.Stdout, "quantaseal", version)
	return err
}
