package localkms

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

const (
	fileName   = "kms.qsk"
	tempPrefix = "." + fileName + "."
)

// directory is a key directory that was found safe. It stays the same directory
// whatever happens to its name.
type directory struct{ root *os.Root }

// openDirectory opens dir, creating it with mode 0700 if it is missing.
func openDirectory(dir string) (directory, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return directory{}, err
	}
	named, err := os.Lstat(dir)
	if err != nil {
		return directory{}, err
	}
	if !named.IsDir() {
		return directory{}, fmt.Errorf("it is no directory, or a symbolic link: %w", ErrUnsafe)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return directory{}, err
	}
	opened, err := root.Stat(".")
	if err == nil && !os.SameFile(named, opened) {
		err = fmt.Errorf("it was replaced while it was opened: %w", ErrUnsafe)
	}
	if err == nil {
		err = safe(opened, 0o022, os.Geteuid())
	}
	if err != nil {
		_ = root.Close() // nothing was written
		return directory{}, err
	}
	return directory{root}, nil
}

func (d directory) close() { _ = d.root.Close() } // all that was written is synced

// safe returns ErrUnsafe if info belongs to another user than euid, or grants any
// of the forbidden permissions.
func safe(info fs.FileInfo, forbidden fs.FileMode, euid int) error {
	if granted := info.Mode().Perm() & forbidden; granted != 0 {
		return fmt.Errorf("mode %#o grants %#o: %w", info.Mode().Perm(), granted, ErrUnsafe)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || int64(stat.Uid) != int64(euid) {
		return fmt.Errorf("it belongs to another user: %w", ErrUnsafe)
	}
	return nil
}

// load returns the master key of the directory, and whether it made it.
func (d directory) load(ctx context.Context, o Options) (master [keySize]byte, created bool, err error) {
	b, err := d.read()
	if errors.Is(err, fs.ErrNotExist) {
		if created, err = d.create(ctx, o); err != nil {
			return master, false, err
		}
		b, err = d.read()
	}
	if err != nil {
		return master, false, err
	}
	defer clear(b)
	// Whoever uses the key must know that it survives, also when another made it.
	if err := d.sync(); err != nil {
		return master, false, err
	}
	if err := d.sweep(); err != nil {
		return master, false, err
	}
	master, err = decodeFile(b, o.Passphrase)
	return master, created, err
}

// read returns the key file's bytes, or fs.ErrNotExist.
func (d directory) read() ([]byte, error) {
	named, err := d.root.Lstat(fileName)
	if err != nil {
		return nil, err
	}
	if !named.Mode().IsRegular() {
		return nil, fmt.Errorf("it is no regular file: %w", ErrUnsafe)
	}
	f, err := d.root.Open(fileName)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	opened, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !os.SameFile(named, opened) {
		return nil, fmt.Errorf("it was replaced while it was opened: %w", ErrUnsafe)
	}
	if err := safe(opened, 0o077, os.Geteuid()); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(f, protectedSize+1))
}

// create makes a key file unless there is one, and reports whether it did.
func (d directory) create(ctx context.Context, o Options) (created bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	var master [keySize]byte
	_, _ = rand.Read(master[:]) // ends the process rather than fail
	defer clear(master[:])
	temp, err := d.write(&master, o)
	if err != nil {
		return false, err
	}
	err = d.root.Link(temp, fileName)
	if gone := d.root.Remove(temp); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
		return false, gone
	}
	if err != nil {
		// Another node was first. It may have swept our file away, so whatever the
		// error says, what counts is that there is a key now.
		if _, there := d.root.Lstat(fileName); there == nil {
			return false, nil
		}
		return false, err
	}
	return true, nil
}

// write puts a complete, synced key file under a name of its own and returns that name.
func (d directory) write(master *[keySize]byte, o Options) (name string, err error) {
	content, err := encodeFile(master, o)
	if err != nil {
		return "", err
	}
	defer clear(content)
	var unique [16]byte
	_, _ = rand.Read(unique[:]) // ends the process rather than fail
	name = tempPrefix + hex.EncodeToString(unique[:])
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, d.root.Remove(name))
	}
	return name, nil
}

// sweep removes what nodes that died while creating left behind. A node that is
// creating right now will find that it was not first.
func (d directory) sweep() error {
	names, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return err
	}
	for _, entry := range names {
		if !strings.HasPrefix(entry.Name(), tempPrefix) {
			continue
		}
		if err := d.root.Remove(entry.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// sync makes the directory's entries durable.
func (d directory) sync() error {
	f, err := d.root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
