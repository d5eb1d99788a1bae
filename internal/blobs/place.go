package blobs

import (
	"errors"
	"regexp"
	"strings"
)

// ErrPlace reports what names no place in S3.
var ErrPlace = errors.New("blobs: want s3://BUCKET or s3://BUCKET/PREFIX")

// maxPrefix is how long a prefix is at most, so that S3 takes every key below it.
const maxPrefix = 256

// bucketed is what the name of a bucket looks like.
var bucketed = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

// ParsePlace returns the bucket and the prefix that s3://BUCKET/PREFIX names; the
// prefix looks like a key, and may be missing. It returns ErrPlace for anything else.
func ParsePlace(s string) (bucket, prefix string, err error) {
	rest, ok := strings.CutPrefix(s, "s3://")
	bucket, prefix, given := strings.Cut(rest, "/")
	if !ok || len(bucket) < 3 || len(bucket) > 63 || !bucketed.MatchString(bucket) ||
		given && (len(prefix) > maxPrefix || !keyed.MatchString(prefix)) {
		return "", "", ErrPlace
	}
	return bucket, prefix, nil
}
