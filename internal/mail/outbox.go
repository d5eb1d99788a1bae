package mail

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Outbox puts each letter into a file of its own, readable by its owner alone,
// for a person or another program to take on. All fields are required.
type Outbox struct {
	Dir    string // is made if it is not there
	From   *mail.Address
	API    string // the URL that clients reach the server under
	Now    func() time.Time
	Logger *slog.Logger
}

// unfinished marks a file that is being written. It begins with the letter's
// name, so that Forget finds it too.
const unfinished = ".part"

// Send writes l durably, whole or not at all, and logs the file's name. The same
// letter again is the same file: it is left alone if it is still there, and if it was
// taken on, its name in the log a second time says so. It clears the token.
func (o *Outbox) Send(ctx context.Context, l Letter) error {
	defer clear(l.Token)
	name := string(l.Kind) + "-" + uuid(l.User) + "-" + uuid(l.ID) + ".eml"
	if _, err := os.Lstat(filepath.Join(o.Dir, name)); err == nil {
		o.Logger.InfoContext(ctx, "a letter is in the outbox already", "file", name)
		return o.sync() // a crash may have come before its name was durable
	}
	content, err := message(l, o.From, o.API, o.Now())
	if err != nil {
		return err
	}
	defer clear(content)
	if err := o.write(name, content); err != nil {
		return fmt.Errorf("putting %s into the outbox: %w", name, err)
	}
	o.Logger.InfoContext(ctx, "a letter is in the outbox", "file", name)
	return nil
}

func (o *Outbox) write(name string, content []byte) (err error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(o.Dir, name)
	file, err := os.OpenFile(path+unfinished, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600) //nolint:gosec // a name of ours in the operator's directory
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(path+unfinished))
	}
	if err := os.Rename(path+unfinished, path); err != nil {
		return err
	}
	return o.sync()
}

// Forget removes every letter to user, durably: those that are being written too.
func (o *Outbox) Forget(_ context.Context, user [16]byte) error {
	entries, err := os.ReadDir(o.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking into the outbox: %w", err)
	}
	var errs []error
	for _, e := range entries {
		if !strings.Contains(e.Name(), "-"+uuid(user)+"-") {
			continue
		}
		if err := os.Remove(filepath.Join(o.Dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("removing %s from the outbox: %w", e.Name(), err))
		}
	}
	return errors.Join(append(errs, o.sync())...)
}

// sync makes names and their absence durable.
func (o *Outbox) sync() error {
	dir, err := os.Open(o.Dir)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
