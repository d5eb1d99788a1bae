package mail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"net/url"
	"time"

	"github.com/resend/resend-go/v3"
)

// ResendURL is where Resend is.
const ResendURL = "https://api.resend.com/"

// How long one attempt may take, and how much of an answer is read.
const (
	resendTimeout = 10 * time.Second
	resendAnswer  = 64 << 10
)

// Resend delivers letters through Resend's API. Make one with Open.
type Resend struct {
	Key     string // the API key
	BaseURL string // ends with a slash; ResendURL, but in tests
	From    *mail.Address
	API     string        // the URL that clients reach our server under
	Timeout time.Duration // of one attempt; 0 = 10 s

	client *resend.Client
}

// ErrRejected reports a letter that trying again will not deliver.
var ErrRejected = errors.New("the letter was rejected")

// Open makes r ready for use, and checks its fields.
func (r *Resend) Open() (*Resend, error) {
	if r.Key == "" || r.From == nil {
		return nil, errors.New("mail through Resend needs a key and a sender")
	}
	base, err := url.Parse(r.BaseURL)
	if err != nil || base.Host == "" {
		return nil, errors.New("mail through Resend needs its URL")
	}
	if r.Timeout == 0 {
		r.Timeout = resendTimeout
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	r.client = resend.NewCustomClient(&http.Client{
		Timeout: r.Timeout, Transport: terse{transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("redirected") },
	}, r.Key)
	r.client.BaseURL = base
	return r, nil
}

// Send delivers l, in one attempt. The letter's id is the idempotency key, so
// that an attempt whose answer was lost may be repeated. A rejection wraps
// ErrRejected; any other error may pass. It does not clear the token.
func (r *Resend) Send(ctx context.Context, l Letter) error {
	body := text(l, r.API)
	defer clear(body)
	_, err := r.client.Emails.SendWithOptions(ctx, &resend.SendEmailRequest{
		From: r.From.String(), To: []string{l.To}, Subject: subjects[l.Kind], Text: string(body),
		Headers: map[string]string{"Auto-Submitted": "auto-generated"},
	}, &resend.SendEmailOptions{IdempotencyKey: uuid(l.ID)})
	if err != nil {
		return fmt.Errorf("sending letter %s: %w", uuid(l.ID), err)
	}
	return nil
}

// terse keeps what an answer says out of errors, where the SDK would put it: it
// may repeat the address. Of an answer that is no success only the status is left.
type terse struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t terse) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode/100 == 2 {
		answer.Body = bounded{io.LimitReader(answer.Body, resendAnswer), answer.Body}
		return answer, nil
	}
	_ = answer.Body.Close() // nothing of it is wanted
	err = fmt.Errorf("answered %d", answer.StatusCode)
	switch status := answer.StatusCode; {
	case status == http.StatusRequestTimeout, status == http.StatusConflict, status == http.StatusTooManyRequests, status >= 500:
		return nil, err
	}
	return nil, fmt.Errorf("%w: %w", ErrRejected, err)
}

type bounded struct {
	io.Reader
	io.Closer
}
