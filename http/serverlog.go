package http

import (
	"bytes"
	"log"
	"log/slog"
)

// serverLog returns the log of net/http itself. Its lines quote addresses, and
// what a handler panicked with; strangers can cause any number of them. So only
// those that speak of this machine are repeated.
func (s *Server) serverLog() *log.Logger {
	return log.New(serverLines{s.Log}, "", 0)
}

type serverLines struct{ log *slog.Logger }

// Write takes one line.
func (l serverLines) Write(line []byte) (int, error) {
	switch {
	case bytes.HasPrefix(line, []byte("http: Accept error")), bytes.HasPrefix(line, []byte("http: superfluous")):
		l.log.Warn("the listener", "err", string(bytes.TrimSpace(line)))
	case bytes.HasPrefix(line, []byte("http: panic")):
		l.log.Error("a panic outside every route cut a connection")
	default:
		l.log.Debug("a connection ended before a request")
	}
	return len(line), nil
}
