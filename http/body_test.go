package http

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
)

func TestBodiesThatAreRead(t *testing.T) {
	for name, tt := range map[string]struct {
		body string
		h    []string
		want int
	}{
		"json":               {"{}", []string{"Content-Type", "application/json"}, 201},
		"with charset":       {"{}", []string{"Content-Type", "Application/JSON; charset=UTF-8"}, 201},
		"empty, undeclared":  {"", nil, 201},
		"empty, as a form":   {"", []string{"Content-Type", "application/x-www-form-urlencoded"}, 201},
		"undeclared":         {"{}", nil, 400},
		"form":               {"a=b", []string{"Content-Type", "application/x-www-form-urlencoded"}, 400},
		"text":               {"{}", []string{"Content-Type", "text/plain"}, 400},
		"similar type":       {"{}", []string{"Content-Type", "application/json-patch+json"}, 400},
		"another charset":    {"{}", []string{"Content-Type", "application/json; charset=utf-16"}, 400},
		"broken type":        {"{}", []string{"Content-Type", "application/json; charset"}, 400},
		"two types":          {"{}", []string{"Content-Type", "application/json", "Content-Type", "text/plain"}, 400},
		"compressed":         {"{}", []string{"Content-Type", "application/json", "Content-Encoding", "gzip"}, 400},
		"at the limit":       {strings.Repeat(" ", maxAuthBody), []string{"Content-Type", "application/json"}, 201},
		"one over the limit": {strings.Repeat(" ", maxAuthBody+1), []string{"Content-Type", "application/json"}, 400},
	} {
		for _, target := range []string{"/api/v2/things/x", "/api/v2/vault/x"} {
			if w := newEdge(t).do("POST", target, tt.body, tt.h...); w.Code != tt.want {
				t.Errorf("%s: %s answers %d %s, want %d", name, target, w.Code, w.Body, tt.want)
			}
		}
	}
}

// A body of unknown length, as HTTP/2 allows, is read to the same limits.
func TestBodyOfUnknownLength(t *testing.T) {
	for length, want := range map[int]error{0: nil, 1: nil, 511: nil, 512: nil, maxBody: nil, maxBody + 1: errTooLarge} {
		text := strings.Repeat("x", length)
		for name, body := range map[string]io.Reader{
			"whole":         strings.NewReader(text),
			"in pieces":     iotest.HalfReader(strings.NewReader(text)),
			"with its end":  iotest.DataErrReader(strings.NewReader(text)),
			"limited above": http.MaxBytesReader(nil, io.NopCloser(strings.NewReader(text)), maxBody),
		} {
			r := httptest.NewRequest("POST", "/", body)
			r.ContentLength = -1
			r.Header.Set("Content-Type", "application/json")
			got, err := readBody(r, maxBody)
			if !errors.Is(err, want) || err == nil && string(got) != text {
				t.Errorf("%d bytes, %s: got %d bytes and %v, want %v", length, name, len(got), err, want)
			}
		}
	}
}

func TestBodyThatEndsEarly(t *testing.T) {
	r := httptest.NewRequest("POST", "/", iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("{}"))))
	r.Header.Set("Content-Type", "application/json")
	if got, err := readBody(r, maxBody); !errors.Is(err, errMalformed) || got != nil {
		t.Errorf("got %q and %v, want %v", got, err, errMalformed)
	}
}

// One connection carries what one proxy may read as two requests, and another
// as one.
func TestAmbiguousFramingIsRefused(t *testing.T) {
	server := httptest.NewServer(newEdge(t).handler)
	defer server.Close()
	const head = "POST /api/v2/things/x HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
	for name, request := range map[string]string{
		"chunks":                head + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"chunks and a length":   head + "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"a length and chunks":   head + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"two lengths":           head + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
		"two transfer codings":  head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
		"another coding":        head + "Transfer-Encoding: gzip\r\n\r\n",
		"negative length":       head + "Content-Length: -2\r\n\r\n{}",
		"space before the name": "POST /api/v2/things/x HTTP/1.1\r\nHost: a\r\n Content-Length: 2\r\n\r\n{}",
	} {
		status, closed := exchangeRaw(t, server.Listener.Addr().String(), request)
		if status < 400 || status == 501 && name != "another coding" && name != "two transfer codings" || !closed {
			t.Errorf("%s: answered %d, closed %v; want a refusal and a closed connection", name, status, closed)
		}
	}
}

// exchangeRaw sends request and returns the status of the answer and whether
// the server then hung up rather than answer what followed.
func exchangeRaw(t *testing.T, addr, request string) (status int, closed bool) {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	const second = "GET /api/v2/things/ok HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	if _, err := fmt.Fprint(conn, request, second); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	answer, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = http.ReadResponse(reader, nil) //nolint:bodyclose // there is none
	return answer.StatusCode, err != nil
}
