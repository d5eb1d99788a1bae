package mail_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/internal/mail"
)

// lines is a log that says when it got a line.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// carry gives letters to a post over sender and stops it once each is settled. It
// returns what was logged.
func carry(t *testing.T, sender mail.Sender, letters ...mail.Letter) string {
	t.Helper()
	logs := make(lines, len(letters))
	p := (&mail.Post{Sender: sender, Pause: time.Millisecond, Logger: slog.New(slog.NewTextHandler(logs, nil))}).Open()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { p.Run(ctx); close(done) }()
	for _, l := range letters {
		if err := p.Send(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	logged := ""
	for range letters {
		logged += <-logs
	}
	stop()
	<-done
	return logged
}

// However often an attempt fails or its answer is lost, the letter goes out once.
func TestPostDeliversOnce(t *testing.T) {
	a := startResend(t, "fail", "lose", "slow", "busy", "accept")
	l := letter(mail.VerifyAddress)
	logs := carry(t, a.sender(t), l)
	if requests, accepted := a.saw(); len(accepted) != 1 || accepted[letterKey] == nil || requests != 5 {
		t.Errorf("%d letters went out in %d requests", len(accepted), requests)
	}
	if !strings.Contains(logs, "a letter was delivered") || strings.Contains(logs, "marker") {
		t.Errorf("logged %s", logs)
	}
	if len(bytes.Trim(l.Token, "\x00")) > 0 {
		t.Error("the token was not cleared")
	}
}

func TestPostGivesUp(t *testing.T) {
	for script, attempts := range map[string]int{"reject": 1, "fail": 6} {
		a := startResend(t, script)
		l := letter(mail.ResetPassword)
		logs := carry(t, a.sender(t), l)
		requests, _ := a.saw()
		if requests != attempts || !strings.Contains(logs, "not delivered") || strings.Contains(logs, "marker") {
			t.Errorf("%s: %d attempts, logged %s", script, requests, logs)
		}
		if len(bytes.Trim(l.Token, "\x00")) > 0 {
			t.Errorf("%s: the token was not cleared", script)
		}
	}
}

// What waits when a node stops is still sent.
func TestPostFinishes(t *testing.T) {
	a := startResend(t, "accept")
	p := (&mail.Post{Sender: a.sender(t), Logger: slog.New(slog.DiscardHandler)}).Open()
	for i := range 9 {
		l := letter(mail.PasswordChanged)
		l.ID[15] = byte(i)
		if err := p.Send(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	p.Run(ctx)
	if _, accepted := a.saw(); len(accepted) != 9 {
		t.Errorf("%d of 9 letters went out", len(accepted))
	}
}

// A post that is full says so, and nobody waits for it.
func TestPostIsFull(t *testing.T) {
	p := (&mail.Post{Sender: startResend(t, "accept").sender(t), Logger: slog.New(slog.DiscardHandler)}).Open()
	for taken := 0; ; taken++ {
		l := letter(mail.VerifyAddress)
		err := p.Send(t.Context(), l)
		if err == nil && taken < 1<<20 {
			continue
		}
		if !errors.Is(err, mail.ErrPostFull) || len(bytes.Trim(l.Token, "\x00")) > 0 {
			t.Errorf("after %d letters: %v", taken, err)
		}
		return
	}
}
