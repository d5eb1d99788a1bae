package awskms

import (
	"context"
	"time"
)

// OpenHasty is Open with less patience: a tenth.
func OpenHasty(ctx context.Context, keyARN, endpoint string) (*KMS, error) {
	return open(ctx, keyARN, endpoint, patience{call: standard.call / 10, attempt: standard.attempt / 10, pause: standard.pause / 10})
}

// Hasty is how long a call takes of a KMS that OpenHasty returned, at most.
const Hasty, HastyPause = CallTimeout / 10, 500 * time.Millisecond

// ParsePublicKey reads a SubjectPublicKeyInfo.
var ParsePublicKey = parsePublicKey
