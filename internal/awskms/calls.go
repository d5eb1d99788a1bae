package awskms

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/sony/gobreaker/v2"
)

// What opens the breaker.
const (
	breakerFailures = 5
	breakerWindow   = 10 * time.Second
)

// calls bounds the calls for one key.
type calls struct {
	patience patience
	places   chan struct{}
	breaker  *gobreaker.CircuitBreaker[any]
}

func newCalls(name string, p patience) *calls {
	return &calls{
		patience: p,
		places:   make(chan struct{}, MaxInFlight),
		breaker: gobreaker.NewCircuitBreaker[any](gobreaker.Settings{
			Name: name, Interval: breakerWindow, Timeout: p.pause, MaxRequests: 1,
			ReadyToTrip:  func(c gobreaker.Counts) bool { return c.TotalFailures >= breakerFailures },
			IsSuccessful: answered,
			IsExcluded:   func(err error) bool { return errors.Is(err, context.Canceled) }, // the caller left
		}),
	}
}

// answered reports whether the KMS gave an answer, be it that a ciphertext is not
// its own. That says nothing about its health, and callers must not be able to open
// the breaker by it.
func answered(err error) bool { return err == nil || errors.Is(err, ErrCiphertext) }

// call makes a call, if calls are made now and there is a place, within CallTimeout.
func call[T any](ctx context.Context, c *calls, what string, do func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, c.patience.call)
	defer cancel()
	got, err := c.breaker.Execute(func() (any, error) {
		select {
		case c.places <- struct{}{}:
			defer func() { <-c.places }()
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for a place: %w", ctx.Err())
		}
		answer, err := do(ctx)
		return answer, translate(err)
	})
	answer, ok := got.(T)
	if err == nil && !ok {
		err = ErrAnswer
	}
	if err != nil {
		var none T
		return none, fmt.Errorf("awskms: %s: %w", what, err)
	}
	return answer, nil
}

// translate makes ErrCiphertext of what the KMS says of a ciphertext.
func translate(err error) error {
	var invalid *types.InvalidCiphertextException
	var incorrect *types.IncorrectKeyException
	if errors.As(err, &invalid) || errors.As(err, &incorrect) {
		return fmt.Errorf("%w: %w", ErrCiphertext, err)
	}
	return err
}
