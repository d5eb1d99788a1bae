package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
)

type encryptCommand struct {
	remote
	Context map[string]string `help:"Texts that are authenticated with it: --context purpose=backup."`
}

// Run puts standard input into an envelope and prints that.
func (e *encryptCommand) Run(ctx context.Context) error {
	c, err := e.client(ctx)
	if err != nil {
		return err
	}
	data, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	defer clear(data)
	made, err := c.Encrypt(ctx, data, e.Context)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(os.Stdout, made.Token)
	return err
}

type decryptCommand struct{ remote }

// Run prints what the envelope on standard input holds, byte for byte.
func (d *decryptCommand) Run(ctx context.Context) error {
	c, err := d.client(ctx)
	if err != nil {
		return err
	}
	token, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	data, err := c.Decrypt(ctx, string(bytes.TrimSpace(token)))
	if err != nil {
		return err
	}
	defer clear(data)
	_, err = os.Stdout.Write(data)
	return err
}
