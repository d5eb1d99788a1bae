package auth_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/internal/auth"
)

func TestNormalizeEmail(t *testing.T) {
	for address, want := range map[string]string{
		"you@example.com":                       "you@example.com",
		"You.Name+tag@EXAMPLE.Com":              "you.name+tag@example.com",
		"o'brien_{x}~!#$%&*/=?^`|-@example.com": "o'brien_{x}~!#$%&*/=?^`|-@example.com",
		"JOSE\u0301@example.com":                "jos\u00e9@example.com",
		"用户@例子.广告":                              "用户@xn--fsqu00a.xn--4rr70v",
		"a@BÜCHER.example":                      "a@xn--bcher-kva.example",
		"a@xn--bcher-kva.example":               "a@xn--bcher-kva.example",
		"a@straße.de":                           "a@xn--strae-oqa.de",
		"a@example。com":                         "a@example.com",
		"a@1.example":                           "a@1.example",
		strings.Repeat("a", 64) + "@b.cc":       strings.Repeat("a", 64) + "@b.cc",
	} {
		if got, err := auth.NormalizeEmail(address); err != nil || got != want {
			t.Errorf("%q: got %q and %v, want %q", address, got, err, want)
		}
	}
}

func TestMalformedEmails(t *testing.T) {
	for _, address := range []string{
		"", "@", "a", "a@", "@example.com", "a@@example.com", "a@b@example.com", "a@localhost", "a@example.com.", "a@.example.com",
		"a@example..com", "a@-example.com", "a@exam_ple.com", "a@[127.0.0.1]", "a@127.0.0.1", "a@example.1", "a b@example.com",
		"a@exam ple.com", " a@example.com", "a@example.com ", "a@example.com\n", "a\x00@example.com", "a\u200b@example.com",
		"a\u202e@example.com", "a@ex\u00adample.com\u200e", "a\u00a0@example.com", "a\xff@example.com", "a@example\xff.com",
		`"a"@example.com`, `a\b@example.com`, "a,b@example.com", "<a@example.com>", "a:b@example.com", ".a@example.com",
		"a.@example.com", "a..b@example.com", "a@xn--zzzzzz99999999.example", strings.Repeat("a", 65) + "@b.cc",
		"a@" + strings.Repeat("b", 64) + ".cc", "a@" + strings.Repeat("b.", 126) + "cc", strings.Repeat("a", 300),
		"mailto:a@example.com", "a@example.com?subject=x", "a@example.com\r\nBcc: b@example.com",
	} {
		if got, err := auth.NormalizeEmail(address); !errors.Is(err, auth.ErrMalformedEmail) {
			t.Errorf("%q: got %q and %v, want %v", address, got, err, auth.ErrMalformedEmail)
		}
	}
}

func FuzzNormalizeEmail(f *testing.F) {
	f.Add("You.Name+tag@EXAMPLE.Com")
	f.Add("用户@例子.广告")
	f.Add("İ@I.example")
	f.Fuzz(func(t *testing.T, address string) {
		got, err := auth.NormalizeEmail(address)
		if err != nil {
			return
		}
		if again, err := auth.NormalizeEmail(got); err != nil || again != got {
			t.Fatalf("%q became %q, and that became %q and %v", address, got, again, err)
		}
		if len(got) > 254 || !norm.NFC.IsNormalString(got) || strings.Count(got, "@") != 1 || strings.ContainsFunc(got, unicode.IsControl) {
			t.Fatalf("%q became %q", address, got)
		}
	})
}

// Case does not make another account.
func TestEmailIgnoresCase(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		address := rapid.StringMatching(`[a-zA-Z0-9]{1,10}(\.[a-zA-Z0-9]{1,5})?@[a-zA-Z0-9]{1,10}\.[a-zA-Z]{2,5}`).Draw(t, "address")
		one, err := auth.NormalizeEmail(address)
		if err != nil {
			t.Fatal(err)
		}
		if other, err := auth.NormalizeEmail(strings.ToUpper(address)); err != nil || other != one {
			t.Fatalf("got %q and %v, want %q", other, err, one)
		}
	})
}
