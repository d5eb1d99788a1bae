package localkms

import (
	"context"
	"fmt"
)

// ChangePassphrase protects the key file in dir, which Open must accept with
// passphrase, with another one from now on; an empty one is none. It replaces
// the file whole or not at all, but cannot remove copies of the old one: a key
// that lay unprotected on a disk may have been read there. Running nodes notice
// nothing. It fails as Open does.
func ChangePassphrase(ctx context.Context, dir string, passphrase, replacement []byte) error {
	return changePassphrase(ctx, dir, Options{Passphrase: passphrase}, Options{Passphrase: replacement})
}

func changePassphrase(ctx context.Context, dir string, current, next Options) error {
	d, err := openDirectory(dir)
	if err != nil {
		return fmt.Errorf("opening the key directory %s: %w", dir, err)
	}
	defer d.close()
	if err := d.protect(ctx, current, next); err != nil {
		return fmt.Errorf("protecting %s in %s: %w", fileName, dir, err)
	}
	return nil
}

func (d directory) protect(ctx context.Context, current, next Options) error {
	b, err := d.read()
	if err != nil {
		return err
	}
	defer clear(b)
	master, err := decodeFile(b, current.Passphrase)
	if err != nil {
		return err
	}
	defer clear(master[:])
	if err := ctx.Err(); err != nil {
		return err
	}
	temp, err := d.write(&master, next)
	if err != nil {
		return err
	}
	if err := d.root.Rename(temp, fileName); err != nil {
		return err
	}
	return d.sync()
}
