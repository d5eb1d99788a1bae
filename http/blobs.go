package http

import (
	"context"
	"net/http"
	"path"
	"strings"

	"github.com/gin-gonic/gin"
)

// Blobs hands out files by URLs that it signed.
type Blobs interface {
	// Read returns the file that a URL names, by the key in its path and the two
	// parameters of its query, and its name. It refuses with Denied every URL that it did
	// not sign, and each of its own once its time is over.
	Read(ctx context.Context, key, expires, signature string) (data []byte, name string, err error)
}

// fileKinds are the types of the files that there are, by the ends of their names.
var fileKinds = map[string]string{".json": "application/json", ".csv": "text/csv; charset=utf-8", ".pdf": "application/pdf"}

// blob handles GET /blobs/{key}. Who has the URL was given it by an answer that is on
// record; that they use it is not.
func (s *Server) blob(c *gin.Context) {
	in, err := s.call(c, endpoint{})
	if err != nil {
		s.refuse(c, err)
		return
	}
	p := parametersOf(in.http)
	expires, signature := p.text("expires"), p.text("signature")
	if p.err != nil || len(p.values) != 2 || s.Blobs == nil {
		s.refuse(c, errDenied)
		return
	}
	data, name, err := s.Blobs.Read(c.Request.Context(), strings.TrimPrefix(c.Param("key"), "/"), expires, signature)
	if err != nil {
		s.refuse(c, err)
		return
	}
	(&file{name, fileKinds[path.Ext(name)], data}).give(c, http.StatusOK)
}
