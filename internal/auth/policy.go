package auth

import (
	"bytes"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The bounds of a password: MinPassword in characters, MaxPassword in bytes.
const (
	MinPassword = 10
	MaxPassword = 256
)

// What is wrong with a password. Each text is safe to show.
var (
	ErrPasswordShort      = errors.New("password is too short")
	ErrPasswordLong       = errors.New("password is too long")
	ErrPasswordCharacters = errors.New("password holds characters that are not allowed")
	ErrPasswordCommon     = errors.New("password is too easy to guess")
	ErrPasswordOwnWords   = errors.New("password is made of your own name or address")
)

// enoughLetters is how much of a password must remain beside a word that is
// common or the user's own, and shortWord the length below which a word is too
// ordinary to look for.
const (
	enoughLetters = 8
	shortWord     = 4
)

// CheckPassword returns what is wrong with password, or nil: it is at least
// MinPassword characters and at most MaxPassword bytes, it is text without
// control characters, and neither a common password, however decorated, nor made
// of words, which are the user's own: address, tenant. Nothing is asked of its
// composition.
func CheckPassword(password []byte, words ...string) error {
	if len(password) > MaxPassword {
		return ErrPasswordLong
	}
	if !utf8.Valid(password) || bytes.ContainsFunc(password, unicode.IsControl) {
		return ErrPasswordCharacters
	}
	lower := bytes.ToLower(norm.NFC.Bytes(password))
	defer clear(lower)
	switch {
	case utf8.RuneCount(lower) < MinPassword:
		return ErrPasswordShort
	case isCommon(lower):
		return ErrPasswordCommon
	case isMadeOf(lower, words):
		return ErrPasswordOwnWords
	}
	return nil
}

// isMadeOf reports whether too little of password remains without the words.
func isMadeOf(password []byte, words []string) bool {
	rest := bytes.Clone(password)
	defer clear(rest)
	for _, text := range words {
		for _, word := range strings.FieldsFunc(strings.ToLower(norm.NFC.String(text)), isSeparator) {
			if utf8.RuneCountInString(word) >= shortWord {
				rest = bytes.ReplaceAll(rest, []byte(word), nil)
			}
		}
	}
	return len(rest) < len(password) && utf8.RuneCount(rest) < enoughLetters
}

func isSeparator(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
