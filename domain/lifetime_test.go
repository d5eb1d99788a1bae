package domain_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
)

// Whoever asks for a lifetime gets it or is refused; whoever does not gets the
// tenant's default; nobody gets more than the tenant's maximum.
func TestLifetime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		days := rapid.IntRange(0, domain.MaxTTLDays)
		s := domain.Settings{DefaultTTLDays: days.Draw(t, "default"), MaxTTLDays: days.Draw(t, "max")}
		asked := days.Draw(t, "asked")
		got, err := s.Lifetime(asked)
		var refusal *domain.Error
		switch beyond := s.MaxTTLDays > 0 && asked > s.MaxTTLDays; {
		case beyond != (errors.As(err, &refusal) && refusal.Kind == domain.Invalid):
			t.Fatalf("%+v, %d days: %v", s, asked, err)
		case beyond:
		case s.MaxTTLDays > 0 && (got == 0 || got > s.MaxTTLDays):
			t.Fatalf("%+v, %d days: %d", s, asked, got)
		case asked > 0 && got != asked:
			t.Fatalf("%+v, %d days: %d", s, asked, got)
		case asked == 0 && (s.MaxTTLDays == 0 || s.DefaultTTLDays > 0 && s.DefaultTTLDays < s.MaxTTLDays) && got != s.DefaultTTLDays:
			t.Fatalf("%+v, %d days: %d", s, asked, got)
		}
	})
}
