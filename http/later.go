package http

import (
	"errors"
	"strings"

	"github.com/gin-gonic/gin"
)

// later are the areas of published clients that this server does not have. It says
// so in place of "not found", which a client would take for its own mistake.
var later = map[string]bool{
	"agent": true, "billing": true, "detokenize": true, "discovery": true, "files": true, "integrations": true, "mappings": true,
	"mft": true, "proxy": true, "regulatory-alerts": true, "sync": true, "tokenize": true, "webhooks": true, "workflows": true,
}

// laterSecurity are its parts of an area that it does have.
var laterSecurity = map[string]bool{
	"cbom": true, "emergency-revoke": true, "integrations": true, "readiness-score": true, "revoke-integration": true,
}

// unrouted answers what is no route: with 501 to whoever may ask at all where the
// path is one of an area to come, and else with 404.
func (s *Server) unrouted(c *gin.Context) {
	rest, inAPI := strings.CutPrefix(c.Request.URL.Path, apiPrefix+"/")
	parts := strings.SplitN(rest, "/", 3)
	if !inAPI || !later[parts[0]] && (parts[0] != "security" || len(parts) < 2 || !laterSecurity[parts[1]]) {
		s.refuse(c, errNotFound)
		return
	}
	if _, err := s.call(c, endpoint{}); err != nil && !errors.Is(err, errTooMany) {
		s.refuse(c, err)
		return
	}
	s.refuse(c, errNotImplemented)
}
