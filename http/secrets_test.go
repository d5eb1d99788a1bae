package http

import (
	"bytes"
	"strings"
	"testing"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
)

// An answer with a secret is written once, into one buffer, and what it was
// written from is wiped.
func TestSecretsAreWrittenOnce(t *testing.T) {
	long := strings.Repeat("\x7f\"", domain.MaxName/2)
	object := append(append([]byte(`{"a":"`), bytes.Repeat([]byte(`\"`), 100_000)...), `","b":1}`...)
	secret := commands.Secret(marker)
	for name, a := range map[string]struct {
		answer secretAnswer
		from   []commands.Secret
	}{
		"unsealed": {unsealed{commands.Unsealed{
			Credential: domain.Credential{Name: long, Type: strings.Repeat("t", 64), ExpiresAt: 1}, Value: object,
		}, []string{"values", "plaintext", "secret"}}, []commands.Secret{object}},
		"key": {createdKey{apiKey{
			Name: long, Prefix: "qs_live_ABCD", Scopes: domain.AllScopes(), Environment: "live", CreatedAt: 1, ExpiresAt: 1,
		}, secret}, []commands.Secret{secret}},
		"session": {session{commands.Session{
			Access: bytes.Repeat([]byte("a"), 2048), Refresh: bytes.Repeat([]byte("r"), 86), TrialEndsAt: 1,
		}, domain.RefreshTTL}, nil},
	} {
		room := a.answer.room()
		written, err := a.answer.appendJSON(nil)
		if err != nil || len(written) > room {
			t.Errorf("%s: %d bytes, room for %d: %v", name, len(written), room, err)
		}
		for _, from := range a.from {
			if len(bytes.Trim(from, "\x00")) > 0 {
				t.Errorf("%s: the secret is still there", name)
			}
		}
	}
}
