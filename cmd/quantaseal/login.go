package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/term"

	"github.com/quantaseal/quantaseal/client"
)

type loginCommand struct {
	remote
	Email string `arg:"" help:"Address of the account."`
}

// Run logs in and keeps the login in a file that nobody else may read.
func (l *loginCommand) Run(ctx context.Context) error {
	c, err := client.New(l.URL, nil)
	if err != nil {
		return err
	}
	in := &asker{lines: bufio.NewReader(os.Stdin)}
	password, err := in.ask("Password: ")
	if err != nil {
		return err
	}
	defer clear(password)
	who := client.Login{Email: l.Email, Password: password}
	session, err := c.Login(ctx, who)
	if refused := (*client.Error)(nil); errors.As(err, &refused) && refused.Type == client.TypeMFARequired {
		if who.Code, err = in.ask("Code: "); err != nil {
			return err
		}
		session, err = c.Login(ctx, who)
	}
	if err != nil {
		return err
	}
	if session.RefreshToken == nil {
		return errors.New("prove the address first: the letter says how")
	}
	file, err := openLogins()
	if err != nil {
		return err
	}
	defer file.close()
	if err := file.keep(c.Origin(), session); err != nil {
		return err
	}
	_, err = fmt.Fprintf(os.Stdout, "logged in at %s as %s of tenant %s\n", c.Origin(), session.UserID, session.TenantID)
	return err
}

// asker asks for secrets, one a line. At a terminal nobody sees them.
type asker struct{ lines *bufio.Reader }

func (a *asker) ask(prompt string) ([]byte, error) {
	if terminal := int(os.Stdin.Fd()); term.IsTerminal(terminal) {
		_, _ = fmt.Fprint(os.Stderr, prompt) // who cannot see it can type all the same
		text, err := term.ReadPassword(terminal)
		_, _ = fmt.Fprintln(os.Stderr)
		return text, err
	}
	line, err := a.lines.ReadBytes('\n')
	if line = bytes.TrimRight(line, "\r\n"); len(line) > 0 {
		return line, nil
	}
	return nil, errors.Join(errors.New("a line is missing on standard input"), err)
}

type logoutCommand struct{ remote }

// Run ends the login that is kept, at the server too.
func (l *logoutCommand) Run(ctx context.Context) error {
	c, err := client.New(l.URL, nil)
	if err != nil {
		return err
	}
	file, err := openLogins()
	if err != nil {
		return err
	}
	defer file.close()
	kept, ok := file.logins[c.Origin()]
	if !ok {
		return errNoLogin
	}
	return errors.Join(c.Logout(ctx, kept.RefreshToken), file.keep(c.Origin(), client.Session{}))
}
