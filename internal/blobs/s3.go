package blobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/logging"

	"github.com/quantaseal/quantaseal/internal/awskms"
)

// What calls of S3 cost at worst.
const (
	CallTimeout    = 12 * time.Second // of one call, its retries included
	attemptTimeout = 5 * time.Second
	attempts       = 3
)

// S3 keeps blobs in a bucket of S3, or of whatever speaks its protocol. Bucket and
// Now are required. Make one with Open.
type S3 struct {
	Bucket string
	Prefix string // of every key, without a slash at its ends; may be empty
	// Endpoint is where S3 is; empty = where AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL
	// say, or else where AWS has it for the region that is configured.
	Endpoint string
	Now      func() time.Time // when URLs are signed

	client  *s3.Client
	presign *s3.PresignClient
}

// Open takes credentials and region from where the AWS SDK finds them: the usual
// variables, files and roles. It returns a fault if they do not reach the bucket, and
// awskms.ErrEndpoint for an endpoint that blobs cannot be sent to.
func (b *S3) Open(ctx context.Context) (*S3, error) {
	transport := awshttp.NewBuildableClient().WithTimeout(attemptTimeout).
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = attemptTimeout })
	c, err := config.LoadDefaultConfig(ctx,
		config.WithHTTPClient(transport),
		config.WithLogger(logging.Nop{}), // errors say what there is to say
		config.WithRetryer(func() aws.Retryer {
			r := retry.NewStandard(func(o *retry.StandardOptions) {
				o.MaxAttempts, o.MaxBackoff = attempts, attemptTimeout/4
			})
			return retry.AddWithErrorCodes(r, "ConditionalRequestConflict") // another Put of the key is under way
		}))
	if err != nil {
		return nil, fmt.Errorf("configuring the AWS SDK: %w", err)
	}
	b.client = s3.NewFromConfig(c, func(o *s3.Options) {
		if b.Endpoint != "" {
			o.BaseEndpoint = aws.String(b.Endpoint)
		}
		o.UsePathStyle = o.BaseEndpoint != nil // other servers have no name for each bucket
	})
	if err := awskms.CheckEndpoint(aws.ToString(b.client.Options().BaseEndpoint)); err != nil {
		return nil, err
	}
	b.presign = s3.NewPresignClient(b.client, func(o *s3.PresignOptions) {
		o.Presigner = dated{v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }), b.Now} // as S3 signs
	})
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	if _, err := b.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &b.Bucket}); err != nil {
		return nil, fmt.Errorf("reaching bucket %s: %w", b.Bucket, err)
	}
	return b, nil
}

// dated signs by our clock, which says as well until when.
type dated struct {
	s3.HTTPPresignerV4

	now func() time.Time
}

// PresignHTTP implements s3.HTTPPresignerV4.
func (d dated) PresignHTTP(ctx context.Context, c aws.Credentials, r *http.Request, payload, service, region string, _ time.Time,
	options ...func(*v4.SignerOptions),
) (string, http.Header, error) {
	return d.HTTPPresignerV4.PresignHTTP(ctx, c, r, payload, service, region, d.now(), options...)
}

func (b *S3) at(key string) *string {
	if b.Prefix != "" {
		key = b.Prefix + "/" + key
	}
	return &key
}

// Put keeps data durably under key, unless something is kept there: then that stays.
// It refuses with ErrBadKey and ErrTooLarge.
func (b *S3) Put(ctx context.Context, key, contentType string, data []byte) error {
	if err := checkNew(key, data); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	_, err := b.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &b.Bucket, Key: b.at(key), Body: bytes.NewReader(data), ContentType: &contentType, IfNoneMatch: aws.String("*"),
	})
	if answered, ok := errors.AsType[*awshttp.ResponseError](err); ok && answered.HTTPStatusCode() == http.StatusPreconditionFailed {
		return nil
	}
	if err != nil {
		return fmt.Errorf("keeping a blob: %w", err)
	}
	return nil
}

// Get returns what is kept under key, or ErrNotFound. It refuses with ErrBadKey, and
// with ErrTooLarge what was not put by Put.
func (b *S3) Get(ctx context.Context, key string) ([]byte, error) {
	if err := check(key); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	object, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.Bucket, Key: b.at(key)})
	if _, missing := errors.AsType[*types.NoSuchKey](err); missing {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("reading a blob: %w", err)
	}
	defer func() { _ = object.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(object.Body, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("reading a blob: %w", err)
	}
	if len(data) > MaxSize {
		return nil, ErrTooLarge
	}
	return data, nil
}

// URL returns a presigned URL that reads the blob until a moment, in whole seconds, as
// an attachment. It ends with the credentials that signed it, should these end before.
// It refuses with ErrRefused a moment that is less than a second or more than MaxTTL
// from now, and with ErrBadKey.
func (b *S3) URL(ctx context.Context, key string, until time.Time) (string, error) {
	if err := check(key); err != nil {
		return "", err
	}
	d, err := ttl(b.Now(), until)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, CallTimeout) // a role's credentials may have to be asked for
	defer cancel()
	signed, err := b.presign.PresignGetObject(ctx, &s3.GetObjectInput{
		Bucket: &b.Bucket, Key: b.at(key), ResponseContentDisposition: aws.String(`attachment; filename="` + fileName(key) + `"`),
		ResponseCacheControl: aws.String("no-store"),
	}, s3.WithPresignExpires(d))
	if err != nil {
		return "", fmt.Errorf("signing a URL: %w", err)
	}
	return signed.URL, nil
}
