package node

import (
	"context"
	"fmt"

	"github.com/quantaseal/quantaseal/internal/localkms"
)

// ChangePassphrase protects the local key file with the passphrase in a file from
// now on, or with none if file is empty; the configured one must be right. It
// returns the directory of the key file. A wrong setting or an empty passphrase is
// ErrMisconfigured.
func (c *Config) ChangePassphrase(ctx context.Context, file string) (dir string, err error) {
	current, err := c.passphrase()
	if err != nil {
		return "", err
	}
	defer clear(current)
	next, err := readPassphrase("--new-file", file)
	if err != nil {
		return "", err
	}
	defer clear(next)
	if dir, err = c.kmsDir(); err != nil {
		return "", err
	}
	if err := localkms.ChangePassphrase(ctx, dir, current, next); err != nil {
		return "", fmt.Errorf("changing the passphrase: %w", err)
	}
	return dir, nil
}
