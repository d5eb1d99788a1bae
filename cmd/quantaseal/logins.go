package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/quantaseal/quantaseal/client"
)

// login is what is kept of one.
type login struct {
	AccessToken  []byte    `json:"access_token"`
	RefreshToken []byte    `json:"refresh_token"`
	ExpiresAt    time.Time `json:"expires_at"`
}

// logins is the file of logins by server, locked. Nobody but its owner may read it.
type logins struct {
	path   string
	lock   *os.File
	logins map[string]login
}

// loginsVariable names another file than the usual one.
const loginsVariable = "QUANTASEAL_LOGINS"

// openLogins locks and reads the file. It refuses one that others may read.
func openLogins() (*logins, error) {
	path := os.Getenv(loginsVariable)
	if path == "" {
		dir, err := os.UserConfigDir()
		if err != nil {
			return nil, err
		}
		path = filepath.Join(dir, "quantaseal", "logins.json")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockWhole(lock); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	l := &logins{path: path, lock: lock, logins: map[string]login{}}
	if err := l.read(); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *logins) read() error {
	info, err := os.Stat(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s may be read by others: chmod 600 it, and log in anew", l.path)
	}
	text, err := os.ReadFile(l.path)
	if err != nil {
		return err
	}
	defer clear(text)
	if err := json.Unmarshal(text, &l.logins); err != nil {
		return fmt.Errorf("%s is no file of logins: remove it, and log in anew", l.path) // the cause may quote it
	}
	return nil
}

// keep writes the login at a server, or forgets it if session is the zero one. The
// file is replaced as a whole, on disk before the old one is gone.
func (l *logins) keep(server string, session client.Session) error {
	l.logins[server] = login{session.AccessToken, session.RefreshToken, time.Now().Add(session.ExpiresIn)}
	if session.RefreshToken == nil {
		delete(l.logins, server)
	}
	text, err := json.MarshalIndent(l.logins, "", "  ")
	if err != nil {
		return err
	}
	defer clear(text)
	f, err := os.CreateTemp(filepath.Dir(l.path), ".logins-") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), l.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// close gives the file to whoever waits for it.
func (l *logins) close() { _ = l.lock.Close() } // and with it the lock: nothing is run while it is held
