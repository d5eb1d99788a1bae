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
)

var (
	// ErrNotFound reports a key under which nothing is kept.
	ErrNotFound = errors.New("blobs: not found")
	// ErrRefused reports a URL that is not one that was given out, or is over.
	ErrRefused = errors.New("blobs: refused")
	// ErrBadKey reports what is no key.
	ErrBadKey = errors.New("blobs: not a key")
)

// MaxKey is how long a key is at most, in bytes.
const MaxKey = 512

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

// fileName returns the last name of a key.
func fileName(key string) string { return key[strings.LastIndexByte(key, '/')+1:] }
