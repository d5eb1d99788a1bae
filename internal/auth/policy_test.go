package auth_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/internal/auth"
)

func TestCheckPassword(t *testing.T) {
	words := []string{"maria.schmidt", "maria.schmidt@example-shop.com", "Acme Corp"}
	for want, passwords := range map[error][]string{
		nil: {
			"strong_pass", "STRONG_PASS", "strong pass", "correct horse battery staple", "tr0ub4dor&3x",
			"zufälliges Wörterbuch", "пароли бывают разные", "密码需要十个字符以上啊", strings.Repeat("x7", 5) + "!q",
			"acme-vaultroom-99", "maria likes green tea", strings.Repeat("aB3$", 63) + "zzz!",
		},
		auth.ErrPasswordShort:      {"", "a", "strong_pa", "p4ss_wörd", "áááááááa\u0301"},
		auth.ErrPasswordLong:       {strings.Repeat("x7", 128) + "!", strings.Repeat("ü", 129)},
		auth.ErrPasswordCharacters: {"strong\x00pass", "strong\npass", "strong\u0085pass", "strong_pass\xff"},
		auth.ErrPasswordCommon: {
			"password123", "Password123!", "P@ssw0rd2024", "PASSWORD!!!", "pass-word-1234", "passwordpassword", "password1password1",
			"qwertyuiop", "QwertyUiop1!", "1q2w3e4r5t", "1234567890", "0987654321", "abcdefghij", "abcd123456", "zyxwvut4321",
			"aaaaaaaaaa", "abababababab", "xyz!xyz!xyz!", "iloveyou123", "dragon2024!", "__sunshine__", "Summer2025!!", "changeme12",
			"monkeymonkey", "123password", "йцукенгшщз", "quantaseal1",
		},
		auth.ErrPasswordOwnWords: {"schmidt85!", "Schmidt-1985", "MariaSchmidt", "acme-corp-24", "schmidtmaria", "exampleshop1"},
	} {
		for _, password := range passwords {
			before := []byte(password)
			if err := auth.CheckPassword(before, words...); !errors.Is(err, want) {
				t.Errorf("%q: got %v, want %v", password, err, want)
			}
			if string(before) != password {
				t.Errorf("%q: the check changed it", password)
			}
		}
	}
}

// Whatever case a listed password is written in, and whatever little is put
// around it, it stays refused.
func TestCommonPasswordsStayCommon(t *testing.T) {
	listed := strings.Fields(*auth.CommonText)
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom(listed).Draw(t, "word")
		before := rapid.StringMatching(`[0-9!_]{0,3}`).Draw(t, "before")
		after := rapid.StringMatching(`[0-9!_.]{0,4}`).Draw(t, "after")
		password := before + strings.ToUpper(word) + after
		if strings.Trim(word, "0123456789") != word { // digits of its own would be taken for decoration
			password = strings.ToUpper(word)
		}
		want := auth.ErrPasswordCommon
		if utf8.RuneCountInString(password) < auth.MinPassword {
			want = auth.ErrPasswordShort
		}
		if err := auth.CheckPassword([]byte(password)); !errors.Is(err, want) {
			t.Fatalf("%q: got %v, want %v", password, err, want)
		}
	})
}

func TestCommonListIsInItsForm(t *testing.T) {
	seen := map[string]bool{}
	for _, word := range strings.Fields(*auth.CommonText) {
		if word != norm.NFC.String(strings.ToLower(word)) || seen[word] {
			t.Errorf("%q is listed twice or not in lower case", word)
		}
		seen[word] = true
	}
	if len(seen) < 2000 {
		t.Errorf("only %d words are listed", len(seen))
	}
}

func FuzzCheckPassword(f *testing.F) {
	f.Add([]byte("strong_pass"), "Acme Corp")
	f.Add([]byte("Pässword-123"), "\xff")
	f.Fuzz(func(t *testing.T, password []byte, word string) {
		before := bytes.Clone(password)
		first := auth.CheckPassword(password, word)
		if !bytes.Equal(before, password) || !errors.Is(auth.CheckPassword(password, word), first) {
			t.Fatal("the check depends on more than the password")
		}
	})
}
