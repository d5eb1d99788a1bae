package mail

import (
	"bytes"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"
)

// ParseFrom returns the sender that a configuration names: an address, or a name
// and an address in angle brackets (RFC 5322 §3.4).
func ParseFrom(text string) (*mail.Address, error) {
	from, err := mail.ParseAddress(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return nil, fmt.Errorf("%q is no sender: want NAME <ADDRESS>", text)
	}
	return from, nil
}

// message returns l as a whole message (RFC 5322, RFC 2045): plain text in UTF-8,
// quoted-printable, marked as one that no machine answers (RFC 3834).
func message(l Letter, from *mail.Address, api string, now time.Time) ([]byte, error) {
	if strings.ContainsAny(l.To, "\r\n<>") {
		return nil, fmt.Errorf("letter %s has an address that cannot be written", uuid(l.ID))
	}
	body := text(l, api)
	defer clear(body)
	_, host, _ := strings.Cut(from.Address, "@")
	b := bytes.NewBuffer(make([]byte, 0, 1024+2*len(body))) // does not grow: no copy stays behind
	for _, h := range [...][2]string{
		{"Date", now.UTC().Format("Mon, 02 Jan 2006 15:04:05 +0000")},
		{"From", from.String()},
		{"To", "<" + l.To + ">"},
		{"Message-ID", "<" + uuid(l.ID) + "@" + host + ">"},
		{"Subject", mime.QEncoding.Encode("utf-8", subjects[l.Kind])},
		{"Auto-Submitted", "auto-generated"},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
	} {
		_, _ = b.WriteString(h[0] + ": " + h[1] + "\r\n") // a buffer never fails to write
	}
	_, _ = b.WriteString("\r\n")
	w := quotedprintable.NewWriter(b)
	if _, err := w.Write(body); err != nil {
		return nil, fmt.Errorf("writing letter %s: %w", uuid(l.ID), err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("writing letter %s: %w", uuid(l.ID), err)
	}
	return b.Bytes(), nil
}
