package http

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// FuzzCookies holds that a value goes through a browser and back unchanged, that of
// two different ones none counts, and that nothing but our routes' cookies is read.
func FuzzCookies(f *testing.F) {
	f.Add("refreshToken=abc", "AQAA_-")
	f.Add("refreshToken=abc; refreshToken=abd; knownDevice=x", "e30.e30.e30")
	f.Add(`refreshToken="a b"; accessToken=e30.e30.e30;;=,`, "")
	f.Fuzz(func(t *testing.T, header, value string) {
		r := &http.Request{Method: http.MethodPost, Header: http.Header{"Cookie": {header}}}
		values := map[string]bool{}
		for _, v := range cookieValues(r, refreshCookie) {
			values[v] = true
			if !strings.Contains(header, v) || !strings.Contains(header, refreshCookie) {
				t.Fatalf("%q is read from %q", v, header)
			}
		}
		token, err := refreshTokenFrom(r, nil)
		if (err != nil) != (len(values) > 1) || err != nil && !errors.Is(err, errUnauthenticated) || err == nil && len(values) == 1 && !values[string(token)] {
			t.Fatalf("of %q came %q and %v", header, token, err)
		}
		if device := deviceOf(r); len(device) > 0 && strings.Count(header, deviceCookie) < 1 {
			t.Fatalf("a device from %q", header)
		}
		if strings.Trim(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != "" || value == "" {
			return // no token of ours
		}
		w := httptest.NewRecorder()
		setTokenCookies(w.Header(), []byte(value), []byte(value), time.Hour, time.Hour)
		back := &http.Request{Method: http.MethodPost, Header: http.Header{}}
		for _, c := range w.Result().Cookies() {
			back.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
		}
		if got, err := refreshTokenFrom(back, nil); err != nil || string(got) != value {
			t.Fatalf("%q comes back as %q, %v", value, got, err)
		}
	})
}

// FuzzCredentialOf holds that what counts is one value that the request spells, of a
// kind that its form says, and that a cookie never passes for an API key.
func FuzzCredentialOf(f *testing.F) {
	f.Add("Bearer "+marker, "", "")
	f.Add("bearer  e30.e30.e30", "e30.e30.e30", "accessToken=e30.e30.e30")
	f.Add("", "", "accessToken=e30.e30.e30; accessToken=e30.e30.e31")
	f.Add("Basic dTpw", marker, "accessToken="+marker)
	f.Fuzz(func(t *testing.T, authorization, key, cookie string) {
		r := &http.Request{Header: http.Header{}}
		for name, value := range map[string]string{"Authorization": authorization, "X-API-Key": key, "Cookie": cookie} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		c, err := credentialOf(r)
		switch {
		case err != nil:
			if !errors.Is(err, errUnauthenticated) {
				t.Fatalf("a fault: %v", err)
			}
		case c.kind == noCredential:
			if authorization != "" || key != "" || len(c.value) > 0 {
				t.Fatalf("nobody asks with %q and %q", authorization, key)
			}
		case (c.kind == apiKeyCredential) != isAPIKey(string(c.value)) || c.fromCookie && c.kind != accessTokenCredential,
			c.fromCookie != (authorization == "" && key == ""), key != "" && string(c.value) != key,
			!strings.HasSuffix(authorization, string(c.value)) && !c.fromCookie && key == "":
			t.Fatalf("%q is taken from %q, %q and %q", c.value, authorization, key, cookie)
		}
	})
}

// FuzzParameters holds that no query is a fault, and that a number is in its range
// or wrong.
func FuzzParameters(f *testing.F) {
	f.Add("limit=10&after=7&full=true&from=2026-05-24&to=2026-05-24T12:00:00 02:00")
	f.Add("limit=10&limit=11;%zz")
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.RawQuery = query
		p := parametersOf(r)
		n, from := p.number("limit", 1, 100, 50), p.instant("from", false)
		_, _, _, _ = p.seq("after"), p.flag("full"), p.text("q"), p.instant("to", true)
		if p.err == nil && (n < 1 || n > 100 || from < 0) {
			t.Fatalf("%q is read as %d from %d", query, n, from)
		}
		if p.err != nil && refusalFor(p.err) == errInternal {
			t.Fatalf("a fault: %v", p.err)
		}
	})
}
