package http

import (
	"net/http"
	"strings"
)

// dialect names which of the published clients asks. The published clients
// disagree on how three answers look; each is served what it reads. A dialect
// decides nothing else: not who may do what, nor what is stored or signed.
type dialect string

// The dialects. rest, the default, gets every field there is.
const (
	rest   dialect = "rest"
	node   dialect = "node"
	python dialect = "python"
	mcp    dialect = "mcp"
	cli    dialect = "cli"
	golang dialect = "go"
)

// dialectOf returns the dialect of r: the one it asks for, else the one its
// client is known to speak. A dialect asked for that does not exist is rest.
func dialectOf(r *http.Request) dialect {
	if asked := r.Header.Get("X-QS-Dialect"); asked != "" {
		switch d := dialect(asked); d {
		case node, python, mcp, cli, golang:
			return d
		default:
			return rest
		}
	}
	language, agent := dialect(r.Header.Get("X-SDK-Language")), r.UserAgent()
	switch {
	case language == node, language == python:
		return language
	case strings.HasPrefix(agent, "quantaseal-mcp/"):
		return mcp
	case strings.HasPrefix(agent, "quantaseal-cli/"):
		return cli
	case strings.HasPrefix(agent, "quantaseal-go-sdk/"):
		return golang
	default:
		return rest
	}
}

// sealsToText reports whether the dialect reads the answer to a seal as the
// bare entry id rather than as an object.
func (d dialect) sealsToText() bool { return d == node || d == python || d == mcp }

// The encodings of data in requests and answers.
const (
	base64Encoding = "base64"
	textEncoding   = "utf8"
)

// plaintextEncoding is how the dialect spells what is encrypted.
func (d dialect) plaintextEncoding() string {
	if d == node || d == python || d == mcp {
		return base64Encoding
	}
	return textEncoding
}

// documentEncoding is how the dialect spells what is signed.
func (d dialect) documentEncoding() string {
	if d == cli {
		return base64Encoding
	}
	return d.plaintextEncoding()
}

// joinsSignatures reports whether the dialect keeps the two signatures of a
// document as one string.
func (d dialect) joinsSignatures() bool { return d == cli }

// representations says which forms of an envelope the dialect reads: more would
// only make answers longer.
func (d dialect) representations() representations {
	switch d {
	case node, python:
		return representations{token: true, envelope: true, signature: true}
	case mcp:
		return representations{envelope: true}
	case cli, golang:
		return representations{token: true}
	case rest:
	}
	return representations{token: true, envelope: true, signature: true, pieces: true}
}
