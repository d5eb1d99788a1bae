package blobs_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/quantaseal/quantaseal/internal/blobs"
)

func TestParsePlace(t *testing.T) {
	t.Parallel()
	for place, want := range map[string][2]string{
		"s3://abc": {"abc"}, "s3://abc/d": {"abc", "d"}, "s3://a.b-c.d/e/f.g": {"a.b-c.d", "e/f.g"}, "s3://" + strings.Repeat("b", 63): {strings.Repeat("b", 63)},
	} {
		if bucket, prefix, err := blobs.ParsePlace(place); err != nil || bucket != want[0] || prefix != want[1] {
			t.Errorf("%s: got %q, %q, %v", place, bucket, prefix, err)
		}
	}
	for _, place := range []string{
		"", "s3:", "s3://", "s3://ab", "s3:abc", "S3://abc", "s3://Abc", "s3://a_b", "s3://-abc", "s3://abc-", "s3://a..b", "s3://abc/", "s3://abc//d",
		"s3://abc/../d", "s3://abc/D", "s3://abc/d/", "s3://abc?d", "s3://user:secret@abc", "s3://" + strings.Repeat("b", 64),
		"s3://abc/" + strings.Repeat("d", 257), "https://abc",
	} {
		if bucket, prefix, err := blobs.ParsePlace(place); !errors.Is(err, blobs.ErrPlace) {
			t.Errorf("%q: got %q, %q, %v", place, bucket, prefix, err)
		}
	}
}

// What parses is written in one way only.
func FuzzParsePlace(f *testing.F) {
	f.Add("s3://bucket/prefix")
	f.Add("s3://bucket")
	f.Fuzz(func(t *testing.T, place string) {
		bucket, prefix, err := blobs.ParsePlace(place)
		if err != nil {
			return
		}
		again := "s3://" + bucket
		if prefix != "" {
			again += "/" + prefix
		}
		if again != place || strings.ContainsAny(place, "?#%@\\ \n") || strings.Contains(place, "..") && strings.Contains(bucket, "..") {
			t.Errorf("%q parses to %q and %q", place, bucket, prefix)
		}
	})
}
