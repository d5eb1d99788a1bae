// Command timing measures whether the time of an answer tells if an account exists:
// it logs in, registers and asks for a new password, for addresses that have an
// account and for ones that have none, in turns, and reports both.
//
// Its one law: it judges nothing. What is told apart by its figures is for a reader.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/internal/ratelimit"
)

func main() {
	rounds := flag.Int("rounds", 50, "pairs of requests of each kind")
	hold := flag.Duration("hold", 0, "how long an answer takes at least; 0 = as the product does, 1ns shows what that hides")
	database := flag.String("database", "", "URL of an empty PostgreSQL database; empty = SQLite")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, *rounds, *hold, *database); err != nil {
		fmt.Fprintln(os.Stderr, "timing:", err)
		os.Exit(1)
	}
}

// run starts a server whose letters leave, with the product's own cost of a
// password, measures it and writes a table.
func run(ctx context.Context, out io.Writer, rounds int, hold time.Duration, database string) error {
	data, err := os.MkdirTemp("", "quantaseal-timing-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(data) }()
	resend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"x"}`)
	}))
	defer resend.Close()
	n, err := node.Open(ctx, node.Config{
		Addr: "127.0.0.1:0", Data: data, KMS: "local", DatabaseURL: database,
		RateLimit: ratelimit.MaxLimit, AuthRateLimit: ratelimit.MaxLimit,
		Mail: "resend", MailFrom: "noreply@timing.example", ResendKey: "re_timing", PublicURL: "https://timing.example",
	}, node.Options{Version: "timing", Logger: slog.New(slog.DiscardHandler), Hold: hold, ResendURL: resend.URL + "/"})
	if err != nil {
		return err
	}
	defer func() { _ = n.Close() }()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- n.Run(running, listener) }()
	err = measure(ctx, out, "http://"+listener.Addr().String(), rounds)
	stop()
	if ran := <-done; err == nil {
		err = ran
	}
	return err
}
