package auth_test

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/internal/auth"
)

var (
	pepper     = bytes.Repeat([]byte("p"), 32)
	someUser   = [16]byte{1}
	backupForm = regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}$`)
)

func TestBackupCodes(t *testing.T) {
	of := func(key []byte, user [16]byte, secret []byte) []string {
		var texts []string
		for _, code := range auth.NewBackupCodes(key, user, secret) {
			texts = append(texts, string(code))
		}
		return texts
	}
	seen := map[string]bool{}
	other := bytes.Repeat([]byte("o"), 32)
	for _, codes := range [][]string{
		of(pepper, someUser, rfcSecret), of(other, someUser, rfcSecret), of(pepper, [16]byte{2}, rfcSecret), of(pepper, someUser, rfcSecret[:19]),
	} {
		if len(codes) != auth.BackupCodes {
			t.Fatalf("got %d codes", len(codes))
		}
		for _, code := range codes {
			if !backupForm.MatchString(code) || seen[code] {
				t.Errorf("%s is malformed or somebody else's", code)
			}
			seen[code] = true
		}
	}
	if diff := cmp.Diff(of(pepper, someUser, rfcSecret), of(pepper, someUser, rfcSecret)); diff != "" {
		t.Errorf("the codes cannot be shown again (-first +second):\n%s", diff)
	}
}

// However a code is typed, it is the same code; any other code is another one,
// also another user's.
func TestBackupCodeSpellings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := rapid.StringMatching(`[0-9A-HJKMNP-TV-Z]{10}`).Draw(t, "code")
		want, err := auth.DigestBackupCode(pepper, someUser, []byte(code))
		if err != nil {
			t.Fatal(err)
		}
		var typed strings.Builder
		for _, c := range code {
			switch spelling := rapid.IntRange(0, 4).Draw(t, "spelling"); {
			case c == '0' && spelling == 0:
				c = 'o'
			case c == '1' && spelling == 0:
				c = 'l'
			case c == '1' && spelling == 1:
				c = 'I'
			case spelling == 2:
				c = []rune(strings.ToLower(string(c)))[0]
			}
			typed.WriteRune(c)
			typed.WriteString(rapid.SampledFrom([]string{"", "", "-", " "}).Draw(t, "between"))
		}
		if got, err := auth.DigestBackupCode(pepper, someUser, []byte(typed.String())); err != nil || got != want {
			t.Fatalf("%q is not %q: %v", typed.String(), code, err)
		}
		other := rapid.StringMatching(`[0-9A-HJKMNP-TV-Z]{10}`).Draw(t, "other")
		if got, err := auth.DigestBackupCode(pepper, someUser, []byte(other)); err != nil || got == want && other != code {
			t.Fatalf("%q passes for %q, or %v", other, code, err)
		}
		if got, err := auth.DigestBackupCode(pepper, [16]byte{2}, []byte(code)); err != nil || got == want {
			t.Fatalf("two users share a digest, or %v", err)
		}
	})
}

func TestMalformedBackupCodes(t *testing.T) {
	for _, text := range []string{"", "ABCDE", "ABCDE-ABCD", "ABCDE-ABCDEF", "ABCDE-ABCDU", "ABCDE_ABCDE", "ABCDE-ABCD\n", "ÀBCDE-ABCDE", "050471"} {
		if _, err := auth.DigestBackupCode(pepper, someUser, []byte(text)); !errors.Is(err, auth.ErrMalformedBackupCode) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func FuzzDigestBackupCode(f *testing.F) {
	f.Add([]byte("ABCDE-01234"))
	f.Add([]byte("oOiIl-01234"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := auth.DigestBackupCode(pepper, someUser, text)
		if err != nil {
			return
		}
		normal := strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(string(text)))
		if again, err := auth.DigestBackupCode(pepper, someUser, []byte(normal)); err != nil || again != got || len(normal) != 10 {
			t.Fatalf("accepted %q", text)
		}
	})
}
