package blobs_test

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"testing"

	"github.com/quantaseal/quantaseal/internal/awskms"
	"github.com/quantaseal/quantaseal/internal/blobs"
	"github.com/quantaseal/quantaseal/internal/s3test"
)

func TestS3(t *testing.T) {
	server := s3test.Shared(t)
	server.Setenv(t)
	c := &clock{}
	for name, prefix := range map[string]string{"Bucket": "", "Prefix": "one/two"} {
		t.Run(name, func(t *testing.T) {
			bucket := server.Bucket(t)
			testContract(t, engine{
				open: func(t *testing.T) store {
					s, err := (&blobs.S3{Bucket: bucket, Prefix: prefix, Endpoint: server.Endpoint, Now: c.now}).Open(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					return s
				},
				fetch: fetch, now: c, signature: "X-Amz-Signature", expiry: "X-Amz-Expires",
			})
		})
	}
}

// mangled is what S3 says of a URL that lacks a part of its signature, with 400.
const mangled = "<Code>AuthorizationQueryParametersError</Code>"

// fetch gets what anybody gets who has a URL, and no more.
func fetch(t *testing.T, address string) ([]byte, string, bool) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode == http.StatusForbidden || res.StatusCode == http.StatusBadRequest && bytes.Contains(data, []byte(mangled)) {
		return data, "", false
	}
	kind, params, err := mime.ParseMediaType(res.Header.Get("Content-Disposition"))
	if err != nil || res.StatusCode != http.StatusOK || kind != "attachment" || res.Header.Get("Content-Type") != "application/json" ||
		res.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("answered with %d, %v, %s", res.StatusCode, res.Header, data)
	}
	return data, params["filename"], true
}

// What cannot be reached, or not safely, or is not ours, is not opened, and one line
// says why.
func TestS3IsNotOpened(t *testing.T) {
	server := s3test.Shared(t)
	bucket := server.Bucket(t)
	open := func(endpoint, bucket string) error {
		_, err := (&blobs.S3{Bucket: bucket, Endpoint: endpoint, Now: (&clock{}).now}).Open(t.Context())
		if err == nil || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), server.Secret) {
			t.Errorf("%s at %q: got %v", bucket, endpoint, err)
		}
		return err
	}
	server.Setenv(t)
	_ = open(server.Endpoint, "no-such-bucket")
	_ = open("http://127.0.0.1:1", bucket)
	if err := open("http://192.0.2.1", bucket); !errors.Is(err, awskms.ErrEndpoint) {
		t.Errorf("got %v, want ErrEndpoint", err)
	}
	t.Setenv("AWS_ENDPOINT_URL_S3", "http://192.0.2.1")
	if err := open("", bucket); !errors.Is(err, awskms.ErrEndpoint) {
		t.Errorf("an endpoint of the environment: got %v, want ErrEndpoint", err)
	}
	t.Setenv("AWS_ENDPOINT_URL_S3", server.Endpoint)
	if _, err := (&blobs.S3{Bucket: bucket, Now: (&clock{}).now}).Open(t.Context()); err != nil {
		t.Errorf("an endpoint of the environment: %v", err)
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "another")
	_ = open(server.Endpoint, bucket)
}
