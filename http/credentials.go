package http

import (
	"net/http"
	"strings"
)

// The cookies that login and refresh set.
const (
	accessCookie  = "accessToken"
	refreshCookie = "refreshToken"
	deviceCookie  = "knownDevice"
)

// credentialKind says how a credential is to be checked.
type credentialKind uint8

const (
	noCredential credentialKind = iota
	apiKeyCredential
	accessTokenCredential
)

// credential is what a request presents to say who asks. It is not yet checked.
type credential struct {
	kind       credentialKind
	value      []byte
	fromCookie bool // a browser sent it by itself: checkOrigin applies
}

// credentialOf returns the one credential that r presents: a header's, or else
// the access cookie's, or else none. An API key and an access token may each
// come in X-API-Key or as a Bearer token; the value tells them apart.
//
// It refuses with errUnauthenticated a value that is neither, another
// authorization scheme, and a request that presents two different values.
func credentialOf(r *http.Request) (credential, error) {
	values := r.Header.Values("X-API-Key")
	for _, v := range r.Header.Values("Authorization") {
		scheme, token, _ := strings.Cut(v, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return credential{}, errUnauthenticated
		}
		values = append(values[:len(values):len(values)], strings.TrimLeft(token, " "))
	}
	if len(values) > 0 {
		return classify(values)
	}
	if values = cookieValues(r, accessCookie); len(values) == 0 {
		return credential{}, nil
	}
	c, err := classify(values)
	c.fromCookie = true
	if err == nil && c.kind != accessTokenCredential {
		err = errUnauthenticated
	}
	return c, err
}

// classify returns the credential that all of values spell.
func classify(values []string) (credential, error) {
	for _, v := range values[1:] {
		if v != values[0] {
			return credential{}, errUnauthenticated
		}
	}
	switch v := values[0]; {
	case isAPIKey(v):
		return credential{kind: apiKeyCredential, value: []byte(v)}, nil
	case strings.Count(v, ".") == 2:
		return credential{kind: accessTokenCredential, value: []byte(v)}, nil
	}
	return credential{}, errUnauthenticated
}

func isAPIKey(v string) bool {
	return strings.HasPrefix(v, "qs_live_") || strings.HasPrefix(v, "qs_test_") || strings.HasPrefix(v, "qs_apikey_")
}

// crossOrigin has no trusted origins: a browser may act on a cookie only from
// our own pages.
var crossOrigin http.CrossOriginProtection

// checkOrigin refuses with errDenied a request that changes something on the
// strength of a cookie and that a browser sent from a foreign page. A request
// without Origin and Sec-Fetch-Site comes from no browser and passes.
func checkOrigin(r *http.Request) error {
	if crossOrigin.Check(r) != nil {
		return errDenied
	}
	return nil
}

// checkPrefetch refuses with errDenied a request that a browser sends ahead of
// its user. A GET that reads a secret is on the record, so nobody may send it
// on a guess.
func checkPrefetch(r *http.Request) error {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		for _, v := range r.Header.Values(name) {
			if v = strings.ToLower(v); strings.Contains(v, "prefetch") || strings.Contains(v, "preview") {
				return errDenied
			}
		}
	}
	return nil
}
