package http

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	someKey    = "qs_live_0123456789"
	otherKey   = "qs_test_0123456789"
	someToken  = "aa.bb.cc"
	otherToken = "aa.bb.dd"
)

func requestWith(method string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, "http://vault.example/api/v2/x", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func TestCredentialOf(t *testing.T) {
	key := credential{kind: apiKeyCredential, value: []byte(someKey)}
	token := credential{kind: accessTokenCredential, value: []byte(someToken)}
	fromCookie := credential{kind: accessTokenCredential, value: []byte(someToken), fromCookie: true}
	for name, tt := range map[string]struct {
		headers []string
		want    credential
		err     error
	}{
		"none":                      {nil, credential{}, nil},
		"key header":                {[]string{"X-API-Key", someKey}, key, nil},
		"key as bearer":             {[]string{"Authorization", "Bearer " + someKey}, key, nil},
		"key of the Go SDK":         {[]string{"Authorization", "Bearer qs_apikey_0"}, credential{kind: apiKeyCredential, value: []byte("qs_apikey_0")}, nil},
		"token as bearer":           {[]string{"Authorization", "bearer  " + someToken}, token, nil},
		"token in the key header":   {[]string{"X-API-Key", someToken}, token, nil},
		"the same key twice":        {[]string{"X-API-Key", someKey, "Authorization", "Bearer " + someKey}, key, nil},
		"cookie":                    {[]string{"Cookie", "accessToken=" + someToken}, fromCookie, nil},
		"the same cookie twice":     {[]string{"Cookie", "accessToken=" + someToken + "; accessToken=" + someToken}, fromCookie, nil},
		"header before cookie":      {[]string{"X-API-Key", someKey, "Cookie", "accessToken=" + someToken}, key, nil},
		"bad header before cookie":  {[]string{"X-API-Key", "x", "Cookie", "accessToken=" + someToken}, credential{}, errUnauthenticated},
		"empty header, cookie":      {[]string{"X-API-Key", "", "Cookie", "accessToken=" + someToken}, credential{}, errUnauthenticated},
		"two keys":                  {[]string{"X-API-Key", someKey, "Authorization", "Bearer " + otherKey}, credential{}, errUnauthenticated},
		"a key and a token":         {[]string{"X-API-Key", someKey, "Authorization", "Bearer " + someToken}, credential{}, errUnauthenticated},
		"two key headers":           {[]string{"X-API-Key", someKey, "X-API-Key", otherKey}, credential{}, errUnauthenticated},
		"two bearers":               {[]string{"Authorization", "Bearer " + someToken, "Authorization", "Bearer " + otherToken}, credential{}, errUnauthenticated},
		"two cookies":               {[]string{"Cookie", "accessToken=" + someToken + "; accessToken=" + otherToken}, credential{}, errUnauthenticated},
		"basic":                     {[]string{"Authorization", "Basic dTpw"}, credential{}, errUnauthenticated},
		"key and basic":             {[]string{"X-API-Key", someKey, "Authorization", "Basic dTpw"}, credential{}, errUnauthenticated},
		"no scheme":                 {[]string{"Authorization", someKey}, credential{}, errUnauthenticated},
		"neither key nor token":     {[]string{"Authorization", "Bearer abc"}, credential{}, errUnauthenticated},
		"too many parts":            {[]string{"Authorization", "Bearer a.b.c.d"}, credential{}, errUnauthenticated},
		"unknown prefix":            {[]string{"X-API-Key", "qs_prod_0123456789"}, credential{}, errUnauthenticated},
		"API key in the cookie":     {[]string{"Cookie", "accessToken=" + someKey}, credential{}, errUnauthenticated},
		"token in a foreign cookie": {[]string{"Cookie", "token=" + someToken}, credential{}, nil},
	} {
		got, err := credentialOf(requestWith("GET", tt.headers...))
		if !errors.Is(err, tt.err) {
			t.Errorf("%s: got %v, want %v", name, err, tt.err)
		}
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(credential{})); err == nil && diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestCheckOrigin(t *testing.T) {
	for name, tt := range map[string]struct {
		method  string
		headers []string
		want    error
	}{
		"no browser":           {"POST", nil, nil},
		"our own page":         {"POST", []string{"Sec-Fetch-Site", "same-origin", "Origin", "https://vault.example"}, nil},
		"typed by the user":    {"POST", []string{"Sec-Fetch-Site", "none"}, nil},
		"older browser":        {"POST", []string{"Origin", "http://vault.example"}, nil},
		"reading from outside": {"GET", []string{"Sec-Fetch-Site", "cross-site"}, nil},
		"another site":         {"POST", []string{"Sec-Fetch-Site", "cross-site"}, errDenied},
		"a neighbour":          {"DELETE", []string{"Sec-Fetch-Site", "same-site"}, errDenied},
		"older, another site":  {"POST", []string{"Origin", "https://evil.example"}, errDenied},
		"another port":         {"POST", []string{"Origin", "http://vault.example:81"}, errDenied},
		"opaque origin":        {"POST", []string{"Origin", "null"}, errDenied},
	} {
		if err := checkOrigin(requestWith(tt.method, tt.headers...)); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
}

func TestCheckPrefetch(t *testing.T) {
	for header, want := range map[string]error{
		"":                              nil,
		"Sec-Purpose: fetch":            nil,
		"Sec-Purpose: prefetch":         errDenied,
		"Sec-Purpose: Prefetch;anonym":  errDenied,
		"Purpose: prefetch":             errDenied,
		"X-Purpose: preview":            errDenied,
		"X-Moz: prefetch":               errDenied,
		"Sec-Purpose: fetch, prerender": nil,
	} {
		r := requestWith("GET")
		if name, value, ok := strings.Cut(header, ": "); ok {
			r.Header.Set(name, value)
		}
		if err := checkPrefetch(r); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", header, err, want)
		}
	}
}

func TestRefreshTokenFrom(t *testing.T) {
	for name, tt := range map[string]struct {
		body    string
		headers []string
		want    string
		err     error
	}{
		"nowhere":           {"", nil, "", nil},
		"body":              {"b", nil, "b", nil},
		"cookie":            {"", []string{"Cookie", "refreshToken=c"}, "c", nil},
		"body before":       {"b", []string{"Cookie", "refreshToken=c", "Origin", "https://evil.example"}, "b", nil},
		"two cookies":       {"", []string{"Cookie", "refreshToken=c; refreshToken=d"}, "", errUnauthenticated},
		"foreign page":      {"", []string{"Cookie", "refreshToken=c", "Origin", "https://evil.example"}, "c", errDenied},
		"foreign fetch":     {"", []string{"Cookie", "refreshToken=c", "Sec-Fetch-Site", "cross-site"}, "c", errDenied},
		"the access cookie": {"", []string{"Cookie", "accessToken=c"}, "", nil},
	} {
		got, err := refreshTokenFrom(requestWith("POST", tt.headers...), secretText(tt.body))
		if !errors.Is(err, tt.err) || err == nil && string(got) != tt.want {
			t.Errorf("%s: got %q and %v, want %q and %v", name, got, err, tt.want, tt.err)
		}
	}
}

func TestTokenCookies(t *testing.T) {
	h := http.Header{}
	setTokenCookies(h, []byte("a.b.c"), []byte("r"), 30*time.Minute, 7*24*time.Hour)
	dropTokenCookies(h)
	want := []string{
		"accessToken=a.b.c; Path=/api/v2; Max-Age=1800; HttpOnly; Secure; SameSite=Strict",
		"refreshToken=r; Path=/api/v2/auth; Max-Age=604800; HttpOnly; Secure; SameSite=Strict",
		"accessToken=; Path=/api/v2; Max-Age=0; HttpOnly; Secure; SameSite=Strict",
		"refreshToken=; Path=/api/v2/auth; Max-Age=0; HttpOnly; Secure; SameSite=Strict",
	}
	if diff := cmp.Diff(want, h.Values("Set-Cookie")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDialectOf(t *testing.T) {
	for name, tt := range map[string]struct {
		headers []string
		want    dialect
		text    bool
	}{
		"nobody":             {nil, rest, false},
		"curl":               {[]string{"User-Agent", "curl/8.5"}, rest, false},
		"node":               {[]string{"X-SDK-Language", "node", "User-Agent", "quantaseal-node/1"}, node, true},
		"python":             {[]string{"X-SDK-Language", "python"}, python, true},
		"mcp":                {[]string{"User-Agent", "quantaseal-mcp/1.1.0"}, mcp, true},
		"cli":                {[]string{"User-Agent", "quantaseal-cli/1.1.0"}, cli, false},
		"go":                 {[]string{"User-Agent", "quantaseal-go-sdk/1.0.0"}, golang, false},
		"unknown language":   {[]string{"X-SDK-Language", "rust"}, rest, false},
		"agent inside":       {[]string{"User-Agent", "x quantaseal-mcp/1"}, rest, false},
		"asked for":          {[]string{"X-QS-Dialect", "cli", "X-SDK-Language", "node"}, cli, false},
		"asked for rest":     {[]string{"X-QS-Dialect", "rest", "X-SDK-Language", "node"}, rest, false},
		"asked for nonsense": {[]string{"X-QS-Dialect", "Node", "X-SDK-Language", "node"}, rest, false},
	} {
		got := dialectOf(requestWith("POST", tt.headers...))
		if got != tt.want || got.sealsToText() != tt.text {
			t.Errorf("%s: got %s, text %v, want %s, text %v", name, got, got.sealsToText(), tt.want, tt.text)
		}
	}
}
