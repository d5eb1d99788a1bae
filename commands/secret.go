package commands

import (
	"fmt"
	"log/slog"
)

// Secret is a plaintext. It prints as a placeholder under every verb that go vet
// lets pass for it (not %p of a struct that holds one, nor %w), in JSON and by
// every logger, so that a command can be logged whole. Whoever owns one wipes it
// with clear once it is used.
type Secret []byte

const redacted = "[secret]"

func (Secret) String() string   { return redacted }
func (Secret) GoString() string { return redacted }

// Format writes the placeholder whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue logs the placeholder.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText encodes the placeholder, in JSON too.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
