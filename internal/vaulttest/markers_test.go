package vaulttest_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// encodings returns every form in which a secret may lie about.
func encodings(t testing.TB, secret string) map[string][]byte {
	t.Helper()
	quoted, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	raw := []byte(secret)
	reversed := slices.Clone(raw)
	slices.Reverse(reversed)
	var escaped strings.Builder
	var little, big []byte
	for _, unit := range utf16.Encode([]rune(secret)) {
		fmt.Fprintf(&escaped, `\u%04x`, unit)
		little, big = binary.LittleEndian.AppendUint16(little, unit), binary.BigEndian.AppendUint16(big, unit)
	}
	forms := map[string][]byte{
		"raw": raw, "reversed": reversed,
		"hexadecimal": []byte(hex.EncodeToString(raw)), "HEXADECIMAL": []byte(strings.ToUpper(hex.EncodeToString(raw))),
		"UTF-16LE": little, "UTF-16BE": big,
		"JSON": quoted[1 : len(quoted)-1], "JSON within JSON": bytes.ReplaceAll(quoted[1:len(quoted)-1], []byte(`\`), []byte(`\\`)),
		"escaped": []byte(escaped.String()), "percent": []byte(url.QueryEscape(secret)),
	}
	for name, e := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
		for shift := range 3 {
			// What stands before and after is not ours: only whole groups of the secret count.
			body := raw[(3-shift)%3:]
			body = body[:len(body)/3*3]
			forms[fmt.Sprintf("%s at %d", name, shift)] = []byte(e.EncodeToString(body))
		}
	}
	return forms
}

// scanner looks for many patterns in one pass.
type scanner struct {
	names   map[string]string   // pattern -> what it is
	starts  [1 << 16]bool       // the first two bytes of a pattern
	byStart map[uint16][]string // patterns by their first two bytes
}

// shortest keeps patterns from being found by chance.
const shortest = 12

func newScanner(t testing.TB, secrets map[string]string) *scanner {
	t.Helper()
	s := &scanner{names: map[string]string{}, byStart: map[uint16][]string{}}
	for what, secret := range secrets {
		for form, pattern := range encodings(t, secret) {
			if len(pattern) < shortest {
				t.Fatalf("%s, %s, is too short to be looked for", what, form)
			}
			p := string(pattern)
			if _, ok := s.names[p]; ok {
				continue
			}
			start := binary.BigEndian.Uint16(pattern)
			s.names[p] = what + ", " + form
			s.starts[start] = true
			s.byStart[start] = append(s.byStart[start], p)
		}
	}
	return s
}

// find returns what of the secrets is in data, each once.
func (s *scanner) find(data []byte) []string {
	found := map[string]bool{}
	for i := 0; i+shortest <= len(data); i++ {
		start := uint16(data[i])<<8 | uint16(data[i+1])
		if !s.starts[start] {
			continue
		}
		for _, p := range s.byStart[start] {
			if len(data)-i >= len(p) && string(data[i:i+len(p)]) == p {
				found[s.names[p]] = true
			}
		}
	}
	var names []string
	for name := range found {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// files fails t for each secret in a file below dir, and returns how many bytes
// it looked at.
func (s *scanner) files(t testing.TB, dir string) (looked int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a temporary file of a database that runs
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		looked += int64(len(data))
		for _, name := range s.find(data) {
			t.Errorf("%s is in %s", name, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return looked
}

// TestScannerFindsEveryEncoding hides a secret in each way.
func TestScannerFindsEveryEncoding(t *testing.T) {
	const secret = "a \"quoted\" sécret\\with <everything>"
	s := newScanner(t, map[string]string{"it": secret})
	for form, pattern := range encodings(t, secret) {
		if found := s.find(slices.Concat([]byte("before"), pattern, []byte("after"))); len(found) == 0 {
			t.Errorf("%s: not found in %q", form, pattern)
		}
	}
	for shift := range 3 {
		text := "xx"[:shift] + secret + "and more"
		for _, e := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding} {
			if found := s.find([]byte(e.EncodeToString([]byte(text)))); len(found) == 0 {
				t.Errorf("in base64 with %d bytes before it, it is not found", shift)
			}
		}
	}
	if found := s.find([]byte("a \"quoted\" sécret, but with something else")); found != nil {
		t.Errorf("found %v where it is not", found)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("harmless"), 0o600); err != nil {
		t.Fatal(err)
	}
	if looked := s.files(t, dir); looked != 8 {
		t.Errorf("looked at %d bytes, want 8", looked)
	}
}
