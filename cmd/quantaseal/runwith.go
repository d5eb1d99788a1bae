package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
)

type runCommand struct {
	remote
	Secret  map[string]string `short:"s" required:"" placeholder:"NAME=CREDENTIAL[.MEMBER]" help:"A variable for the command, and the credential that it gets its value from."`
	Command []string          `arg:"" passthrough:"" help:"The command, after --."`
}

// ended is how a command ended, which is how we do.
type ended struct{ code int }

func (e ended) Error() string { return fmt.Sprintf("the command ended with status %d", e.code) }

// Run runs a command that finds secrets in its environment, and nobody else's. The
// API key that fetched them is not among them.
func (r *runCommand) Run(ctx context.Context) error {
	args := r.Command
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return errors.New("there is no command after --")
	}
	c, err := r.client(ctx)
	if err != nil {
		return err
	}
	environment := without(os.Environ(), apiKeyVariable)
	for name, from := range r.Secret {
		if name == "" || strings.ContainsAny(name, "=\x00") {
			return fmt.Errorf("%q is no name of a variable", name)
		}
		id, of, _ := strings.Cut(from, ".")
		v, err := c.Unseal(ctx, id)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		text, err := member(v.Values, of)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if strings.ContainsRune(string(text), 0) {
			return fmt.Errorf("%s: a variable cannot hold a zero byte", name)
		}
		environment = append(without(environment, name), name+"="+string(text))
		clear(v.Values)
	}
	return execute(args, environment)
}

// execute runs a command to its end and passes signals on to it: it is for the
// command to say what an interrupt means.
func execute(args, environment []string) error {
	command := exec.Command(args[0], args[1:]...)
	command.Env, command.Stdin, command.Stdout, command.Stderr = environment, os.Stdin, os.Stdout, os.Stderr
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	if err := command.Start(); err != nil {
		return err
	}
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			select {
			case s := <-signals:
				_ = command.Process.Signal(s) // it may be over
			case <-done:
				return
			}
		}
	}()
	err := command.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return ended{max(exit.ExitCode(), 1)}
	}
	return err
}

// without returns an environment without a variable.
func without(environment []string, name string) (rest []string) {
	for _, v := range environment {
		if !strings.HasPrefix(v, name+"=") {
			rest = append(rest, v)
		}
	}
	return rest
}
