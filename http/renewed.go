package http

import (
	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
)

// renewed is the answer to what changed how a user logs in: that it was done, and
// for the caller of a session a fresh access token, since the one before is void.
type renewed struct {
	done   string // the member that says so
	codes  []commands.Secret
	access commands.Secret // nil for an API key
}

// renew answers with a session's fresh access token, also as a cookie.
func renew(in *call, done string, got commands.Session, codes []commands.Secret) reply[renewed] {
	if len(got.Access) > 0 {
		setCookie(in.header, accessCookie, apiPrefix, got.Access, domain.AccessTTL)
	}
	return reply[renewed]{data: renewed{done, codes, got.Access}, receipt: got.Receipt}
}

func (a renewed) room() int { return roomForRest + 2*len(a.access) + 16*len(a.codes) }

func (a renewed) appendJSON(b []byte) ([]byte, error) {
	defer clear(a.access)
	b = append(b, `{"`+a.done+`":true`...)
	if a.codes != nil {
		b = appendCodes(append(b, ','), a.codes)
	}
	if len(a.access) > 0 {
		b = appendAccess(append(b, ','), a.access)
	}
	return append(b, '}'), nil
}

// appendCodes appends the member that holds backup codes, and wipes them.
func appendCodes(b []byte, codes []commands.Secret) []byte {
	b = append(b, `"backup_codes":[`...)
	for n, code := range codes {
		if n > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), code...), '"')
		clear(code)
	}
	return append(b, ']')
}
