// Package blobs keeps files that are handed out by URL: in a directory of this
// machine, or in a bucket of S3.
//
// Its one law: whoever has a URL reads one file until one moment, and nobody else
// reads anything. A key never gets another content.
package blobs

import (
	"errors"
	"regexp"
	"strings"
	"time"
)

var (
	// ErrNotFound reports a key under which nothing is kept.
	ErrNotFound = errors.New("blobs: not found")
	// ErrRefused reports a URL that is not one that was given out, or is over, and a
	// moment until which none is given out.
	ErrRefused = errors.New("blobs: refused")
	// ErrBadKey reports what is no key.
	ErrBadKey = errors.New("blobs: not a key")
	// ErrTooLarge reports what is longer than MaxSize.
	ErrTooLarge = errors.New("blobs: too large")
)

// Limits of what is kept.
const (
	MaxKey  = 512                // how long a key is at most, in bytes
	MaxSize = 64 << 20           // how long a blob is at most, in bytes
	MaxTTL  = 7 * 24 * time.Hour // how long a URL is good for at most: S3 presigns for no longer
)

// keyed is what a key looks like: names with a slash between them, none of which
// begins with a dot.
var keyed = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*$`)

// check returns ErrBadKey for what is no key.
func check(key string) error {
	if len(key) > MaxKey || !keyed.MatchString(key) {
		return ErrBadKey
	}
	return nil
}

// checkNew returns ErrBadKey or ErrTooLarge for what is not kept.
func checkNew(key string, data []byte) error {
	if len(data) > MaxSize {
		return ErrTooLarge
	}
	return check(key)
}

// ttl returns how long a URL is good for that is given out now, in whole seconds, or
// ErrRefused unless that is a second at least, and MaxTTL at most.
func ttl(now, until time.Time) (time.Duration, error) {
	d := time.Unix(until.Unix(), 0).Sub(time.Unix(now.Unix(), 0))
	if d < time.Second || d > MaxTTL {
		return 0, ErrRefused
	}
	return d, nil
}

// fileName returns the last name of a key.
func fileName(key string) string { return key[strings.LastIndexByte(key, '/')+1:] }
