package http

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
)

// How large a request body may be, in bytes.
const (
	maxBody     = 256 << 10
	maxAuthBody = 64 << 10 // where nobody is authenticated yet
)

// checkFraming refuses a chunked request over HTTP/1. net/http lets
// Transfer-Encoding win over a Content-Length in the same request and removes
// the latter, so that the two cannot be told apart from here; a proxy before us
// may have believed the other one. No client of ours sends chunks.
func (s *Server) checkFraming(c *gin.Context) {
	if len(c.Request.TransferEncoding) > 0 {
		c.Writer.Header().Set("Connection", "close")
		s.refuse(c, errMalformed)
	}
}

// readBody reads the whole body of r, at most limit bytes. The caller clears it
// once the request is done. It refuses with errTooLarge a longer body, and with
// errMalformed one that ends early, is encoded, or is not declared as
// application/json; an empty one need not be declared.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, errTooLarge
	}
	body, err := readAll(r.Body, max(r.ContentLength, 0), limit)
	if err == nil && len(body) > 0 && !declaresJSON(r.Header) {
		err = errMalformed
	}
	if err != nil {
		clear(body)
		return nil, err
	}
	return body, nil
}

// readAll reads src to its end into a buffer that is sized once if expected is
// right. It leaves no copy behind when it grows.
func readAll(src io.Reader, expected, limit int64) ([]byte, error) {
	body := make([]byte, 0, expected+1)
	for {
		n, err := src.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > limit:
			return body, errTooLarge
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return body, readRefusal(err)
		case len(body) == cap(body):
			grown := make([]byte, len(body), 2*cap(body)+512)
			copy(grown, body)
			clear(body)
			body = grown
		}
	}
}

func readRefusal(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errTooLarge
	}
	return errMalformed
}

func declaresJSON(h http.Header) bool {
	if len(h.Values("Content-Type")) != 1 || h.Get("Content-Encoding") != "" {
		return false
	}
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return false
	}
	charset, given := params["charset"]
	return !given || strings.EqualFold(charset, "utf-8")
}
