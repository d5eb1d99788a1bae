package blobs

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"strconv"
	"time"
)

// Local keeps blobs in a directory. All fields are required. Make one with Open.
type Local struct {
	Dir  string
	Path string // what its URLs begin with, a slash first and last
	Now  func() time.Time
	// Sign returns a MAC over the parts, each preceded by its length, under a key of
	// whomever the blob is of. It refuses with ErrRefused where there is nobody.
	Sign func(ctx context.Context, key string, parts ...[]byte) ([32]byte, error)

	root *os.Root
}

// Open opens the directory, which it makes if there is none.
func (l *Local) Open() (*Local, error) {
	if err := os.MkdirAll(l.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening the blobs: %w", err)
	}
	var err error
	if l.root, err = os.OpenRoot(l.Dir); err != nil {
		return nil, fmt.Errorf("opening the blobs: %w", err)
	}
	return l, nil
}

// Close lets go of the directory.
func (l *Local) Close() error { return l.root.Close() }

// errDirectory reports a key that others continue, which takes no blob.
var errDirectory = errors.New("blobs: a directory")

// Put keeps data durably under key, readable by this user alone, unless something is
// kept there: then that stays, and is durable when Put returns. The content's type
// follows from the key. It refuses with ErrBadKey and ErrTooLarge.
func (l *Local) Put(_ context.Context, key, _ string, data []byte) error {
	if err := checkNew(key, data); err != nil {
		return err
	}
	if err := l.put(key, data); err != nil {
		return fmt.Errorf("keeping a blob: %w", err)
	}
	return nil
}

func (l *Local) put(key string, data []byte) error {
	if there, err := l.root.Stat(key); err == nil {
		if there.IsDir() {
			return errDirectory
		}
		return l.syncAbove(key) // whoever put it may not have come so far yet
	}
	if err := l.root.MkdirAll(path.Dir(key), 0o700); err != nil {
		return err
	}
	var drawn [8]byte
	_, _ = rand.Read(drawn[:]) // ends the process rather than fail
	draft := path.Dir(key) + "/.draft-" + hex.EncodeToString(drawn[:])
	err := l.write(draft, data)
	if err == nil {
		err = l.root.Link(draft, key) // unlike a rename, it replaces nothing
	}
	if errors.Is(err, fs.ErrExist) {
		err = nil // another one was first
	}
	if err = errors.Join(err, l.root.Remove(draft)); err != nil {
		return err
	}
	return l.syncAbove(key)
}

func (l *Local) write(name string, data []byte) error {
	file, err := l.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// syncAbove makes the names that lead to a key durable. Those of directories may be
// as new as its own.
func (l *Local) syncAbove(key string) error {
	for dir := path.Dir(key); ; dir = path.Dir(dir) {
		d, err := l.root.Open(dir)
		if err != nil {
			return err
		}
		if err := errors.Join(d.Sync(), d.Close()); err != nil || dir == "." {
			return err
		}
	}
}

// Get returns what is kept under key, or ErrNotFound.
func (l *Local) Get(_ context.Context, key string) ([]byte, error) {
	if err := check(key); err != nil {
		return nil, err
	}
	there, err := l.root.Stat(key)
	if errors.Is(err, fs.ErrNotExist) || err == nil && there.IsDir() {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("reading a blob: %w", err)
	}
	data, err := l.root.ReadFile(key)
	if err != nil {
		return nil, fmt.Errorf("reading a blob: %w", err)
	}
	return data, nil
}

// URL returns the path and query of a URL that Read honours until a moment, in whole
// seconds. It refuses with ErrRefused one that is less than a second or more than
// MaxTTL from now, and with ErrBadKey.
func (l *Local) URL(ctx context.Context, key string, until time.Time) (string, error) {
	if err := check(key); err != nil {
		return "", err
	}
	if _, err := ttl(l.Now(), until); err != nil {
		return "", err
	}
	expires := strconv.FormatInt(until.Unix(), 10)
	mac, err := l.mac(ctx, key, expires)
	if err != nil {
		return "", fmt.Errorf("signing a URL: %w", err)
	}
	return l.Path + key + "?" + url.Values{"expires": {expires}, "signature": {hex.EncodeToString(mac[:])}}.Encode(), nil
}

func (l *Local) mac(ctx context.Context, key, expires string) ([32]byte, error) {
	return l.Sign(ctx, key, []byte("blob-url"), []byte(key), []byte(expires))
}

// Read returns the blob that a URL of URL's names, and the name of its file. Of
// every other, and once its time is over, it returns ErrRefused, whether there is
// such a blob or not.
func (l *Local) Read(ctx context.Context, key, expires, signature string) (data []byte, name string, err error) {
	if check(key) != nil || len(expires) > 12 {
		return nil, "", ErrRefused
	}
	mac, err := l.mac(ctx, key, expires)
	if err != nil {
		return nil, "", err
	}
	if subtle.ConstantTimeCompare([]byte(hex.EncodeToString(mac[:])), []byte(signature)) != 1 {
		return nil, "", ErrRefused
	}
	until, err := strconv.ParseInt(expires, 10, 64)
	if err != nil || l.Now().Unix() >= until {
		return nil, "", ErrRefused
	}
	data, err = l.Get(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return nil, "", ErrRefused
	}
	return data, fileName(key), err
}
