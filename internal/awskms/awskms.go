// Package awskms is the cloud KMS of a deployment: AWS KMS through aws-sdk-go-v2. A
// symmetric key, named by its ARN for good, wraps the keys of tenants, and an
// asymmetric one (ML_DSA_65) may be the root key, which then never leaves the KMS.
//
// Its one law: no call waits long, and none is made while calls keep failing. What a
// call costs at worst is [CallTimeout], three attempts included; after five failures
// within ten seconds every call fails at once for five seconds; and at most
// [MaxInFlight] wait at a time, whoever asks.
//
// It believes little: the KMS must name the key that was asked for, and answer in the
// sizes that were asked for. What it cannot see, that an answer is wrong, the key ring
// checks.
package awskms

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go/logging"
)

// Limits of what calls cost.
const (
	CallTimeout = 4 * time.Second // of one call, its retries included
	MaxInFlight = 64              // calls that wait for the KMS; others wait for them, no longer than CallTimeout
	attempts    = 3

	idleConnections = 8 // that are kept open
)

// patience is how long the KMS is waited for, and left alone.
type patience struct{ call, attempt, pause time.Duration }

var standard = patience{call: CallTimeout, attempt: 2 * time.Second, pause: 5 * time.Second}

var (
	// ErrARN reports what is no ARN of a key. An alias is none: whoever moves it would
	// move the deployment.
	ErrARN = errors.New("awskms: want arn:…:kms:REGION:ACCOUNT:key/ID")
	// ErrEndpoint reports an endpoint that keys cannot be sent to.
	ErrEndpoint = errors.New("awskms: want https://host, or http:// on a loopback address")
	// ErrCiphertext reports a blob that is not of this key and encryption context.
	ErrCiphertext = errors.New("awskms: not a ciphertext of this key and context")
	// ErrRequest reports a call without a context, or beyond a limit.
	ErrRequest = errors.New("awskms: invalid request")
	// ErrAnswer reports an answer that is not one to what was asked.
	ErrAnswer = errors.New("awskms: the KMS answered something else")
)

var keyResource = regexp.MustCompile(`^key/(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$`)

// CheckARN returns ErrARN unless s is the ARN of a KMS key.
func CheckARN(s string) error {
	_, err := region(s)
	return err
}

// region returns the region of a key.
func region(keyARN string) (string, error) {
	a, err := arn.Parse(keyARN)
	if err != nil || a.Service != "kms" || a.Region == "" || a.AccountID == "" || !keyResource.MatchString(a.Resource) {
		return "", ErrARN
	}
	return a.Region, nil
}

// CheckEndpoint returns ErrEndpoint unless s is empty or a URL that keys may be sent
// to: TLS protects them, or they do not leave the machine.
func CheckEndpoint(s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return ErrEndpoint
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if u.Scheme == "https" || u.Scheme == "http" && err == nil && ip.IsLoopback() {
		return nil
	}
	return ErrEndpoint
}

// client is a connection to the KMS for one key.
type client struct {
	api   *kms.Client
	key   string // its ARN
	calls *calls
}

// connect makes a client. Credentials come from where the SDK finds them: the usual
// variables, files and roles.
func connect(ctx context.Context, keyARN, endpoint string, p patience) (*client, error) {
	where, err := region(keyARN)
	if err != nil {
		return nil, err
	}
	if err := CheckEndpoint(endpoint); err != nil {
		return nil, err
	}
	transport := awshttp.NewBuildableClient().WithTimeout(p.attempt).
		WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost, t.MaxConnsPerHost = idleConnections, MaxInFlight }).
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = p.attempt })
	c, err := config.LoadDefaultConfig(ctx,
		config.WithRegion(where),
		config.WithHTTPClient(transport),
		config.WithLogger(logging.Nop{}), // errors say what there is to say
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.MaxAttempts, o.MaxBackoff = attempts, p.attempt/4
			})
		}))
	if err != nil {
		return nil, fmt.Errorf("configuring the AWS SDK: %w", err)
	}
	api := kms.NewFromConfig(c, func(o *kms.Options) {
		if endpoint != "" {
			o.BaseEndpoint = aws.String(endpoint)
		}
	})
	return &client{api: api, key: keyARN, calls: newCalls(keyARN, p)}, nil
}

// isThisKey returns ErrAnswer unless the KMS says that it used the key it was asked to.
func (c *client) isThisKey(used *string) error {
	if aws.ToString(used) != c.key {
		return fmt.Errorf("another key: %w", ErrAnswer)
	}
	return nil
}
