package http

import (
	"net/http"
	"time"

	"github.com/quantaseal/quantaseal/commands"
)

// cookieValues returns the values of every cookie of that name: a page on a
// neighbouring host can add a second one.
func cookieValues(r *http.Request, name string) []string {
	var values []string
	for _, c := range r.CookiesNamed(name) {
		values = append(values, c.Value)
	}
	return values
}

// refreshTokenFrom returns the refresh token of a request whose body gave
// fromBody: the body wins, then the cookie. It returns nothing if neither has
// one. It refuses with errUnauthenticated two different cookies, and as
// checkOrigin does where the cookie counts.
func refreshTokenFrom(r *http.Request, fromBody secretText) (secretText, error) {
	if len(fromBody) > 0 {
		return fromBody, nil
	}
	values := cookieValues(r, refreshCookie)
	if len(values) == 0 {
		return nil, nil
	}
	for _, v := range values[1:] {
		if v != values[0] {
			return nil, errUnauthenticated
		}
	}
	return secretText(values[0]), checkOrigin(r)
}

// setTokenCookies makes a browser keep both tokens for as long as they live.
// Scripts cannot read them, other sites cannot send them, and only the auth
// routes see the refresh token.
func setTokenCookies(h http.Header, access, refresh []byte, accessTTL, refreshTTL time.Duration) {
	setCookie(h, accessCookie, apiPrefix, access, accessTTL)
	setCookie(h, refreshCookie, apiPrefix+"/auth", refresh, refreshTTL)
}

// setDeviceCookie makes a browser show where somebody logs in that its user did so
// before. It opens nothing, and outlives every session.
func setDeviceCookie(h http.Header, device []byte) {
	setCookie(h, deviceCookie, apiPrefix+"/auth", device, commands.DeviceLifetime)
}

// deviceOf returns what the caller's browser kept of an earlier login, if anything.
func deviceOf(r *http.Request) commands.Secret {
	values := cookieValues(r, deviceCookie)
	if len(values) != 1 {
		return nil // of two one is a stranger's
	}
	return commands.Secret(values[0])
}

// dropTokenCookies makes a browser forget both tokens.
func dropTokenCookies(h http.Header) {
	setCookie(h, accessCookie, apiPrefix, nil, 0)
	setCookie(h, refreshCookie, apiPrefix+"/auth", nil, 0)
}

func setCookie(h http.Header, name, path string, value []byte, ttl time.Duration) {
	age := int(ttl.Seconds())
	if age == 0 {
		age = -1 // net/http writes Max-Age=0 for it
	}
	h.Add("Set-Cookie", (&http.Cookie{
		Name: name, Value: string(value), Path: path, MaxAge: age,
		HttpOnly: true, Secure: true, SameSite: http.SameSiteStrictMode,
	}).String())
}
