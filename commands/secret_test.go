package commands_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/quantaseal/quantaseal/commands"
)

// A command, or what it returns, can be printed and logged whole.
func TestCommandsDoNotPrintSecrets(t *testing.T) {
	secret := commands.Secret(marker)
	spelt := []string{
		marker, hex.EncodeToString(secret), strings.ToUpper(hex.EncodeToString(secret)), base64.StdEncoding.EncodeToString(secret)[:16],
		strings.Trim(fmt.Sprint([]byte(secret)), "[]"), fmt.Sprintf("%#v", []byte(secret))[7:50], fmt.Sprintf("%o", []byte(secret))[1:30], //nolint:staticcheck // its numbers, not its text
		fmt.Sprintf("%b", []byte(secret))[1:50], fmt.Sprintf("%c", []byte(secret))[1:20], fmt.Sprintf("%U", []byte(secret))[1:30],
	}
	silent := func(how, text string) {
		t.Helper()
		for _, s := range spelt {
			if strings.Contains(text, s) {
				t.Errorf("%s shows the secret: %s", how, text)
			}
		}
	}
	for _, whole := range []any{
		secret, &secret,
		[]commands.Secret{secret},
		map[string]commands.Secret{"k": secret},
		commands.Seal{Value: secret, Idempotency: commands.Idempotency{Body: secret}},
		commands.Rotate{Value: secret},
		commands.Unsealed{Value: secret},
		commands.Register{Password: secret},
		commands.Login{Password: secret},
		commands.Session{Access: secret, Refresh: secret},
		commands.Refresh{Token: secret},
		commands.Logout{Token: secret, Access: secret},
		commands.CreateKey{Idempotency: commands.Idempotency{Body: secret}},
		commands.CreatedKey{Key: secret},
	} {
		for _, verb := range strings.Split("v +v #v s q x X # x d b o O c U e t T", " ") {
			silent(fmt.Sprintf("%%%s of %T", verb, whole), fmt.Sprintf("%"+verb, whole))
		}
		text, err := json.Marshal(whole)
		if err != nil {
			t.Error(err)
		}
		silent(fmt.Sprintf("JSON of %T", whole), string(text))
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("m", "whole", whole, slog.Group("g", "whole", whole))
		slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "whole", whole, slog.Group("g", "whole", whole))
		silent(fmt.Sprintf("the log of %T", whole), log.String())
		silent(fmt.Sprintf("an error with %T", whole), fmt.Errorf("failed: %v", whole).Error())
	}
}
