package auth

import (
	"bytes"
	_ "embed" // for the list of common passwords
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

//go:embed common.txt
var commonText string

// commonWords are passwords, and words that passwords are made of, that an
// attacker tries first, in lower case.
var commonWords = sync.OnceValue(func() map[string]struct{} {
	words := map[string]struct{}{}
	for word := range strings.FieldsSeq(commonText) {
		words[word] = struct{}{}
	}
	return words
})

// isCommon reports whether password, in lower case, is among the first that an
// attacker tries: a listed word, alone, repeated, or with a little before,
// behind or in place of its letters; one short pattern over and over; or a walk
// along the alphabet or the keyboard.
func isCommon(password []byte) bool {
	if isListed(password) || isRepeated(password) || isWalk(password) {
		return true
	}
	core := bytes.TrimFunc(password, func(r rune) bool { return !unicode.IsLetter(r) })
	if utf8.RuneCount(password)-utf8.RuneCount(core) >= enoughLetters {
		return false
	}
	plain := bytes.Map(undecorate, core)
	defer clear(plain)
	return len(core) > 0 && (isListed(core) || isListed(plain))
}

// isListed reports whether text is a listed word, or one written several times.
func isListed(text []byte) bool {
	words := commonWords()
	for n := len(text); n >= shortWord; n-- {
		if len(text)%n != 0 || !repeats(text, n) {
			continue
		}
		if _, ok := words[string(text[:n])]; ok {
			return true
		}
	}
	return false
}

// isRepeated reports whether text is one pattern of at most 4 bytes over and over.
func isRepeated(text []byte) bool {
	for n := 1; n <= 4 && n < len(text); n++ {
		if repeats(text, n) {
			return true
		}
	}
	return false
}

// repeats reports whether each byte of text is the one n before it.
func repeats(text []byte, n int) bool { return bytes.Equal(text[n:], text[:len(text)-n]) }

// rows are the orders in which fingers and alphabets run.
const rows = "abcdefghijklmnopqrstuvwxyz 01234567890 qwertyuiop asdfghjkl zxcvbnm qwertzuiop azertyuiop"

// isWalk reports whether at most a quarter of text leaves the rows: each other
// byte is a neighbour of the one before it.
func isWalk(text []byte) bool {
	leaps := 0
	for i := 1; i < len(text); i++ {
		step, back := string(text[i-1:i+1]), string([]byte{text[i], text[i-1]})
		if text[i] != text[i-1] && !strings.Contains(rows, step) && !strings.Contains(rows, back) {
			leaps++
		}
	}
	return leaps*4 <= len(text)
}

// undecorate maps what is commonly put for a letter back to it, and drops what
// is put between letters.
func undecorate(r rune) rune {
	switch r {
	case '0':
		return 'o'
	case '1', '!':
		return 'i'
	case '3':
		return 'e'
	case '4', '@':
		return 'a'
	case '5', '$':
		return 's'
	case '7':
		return 't'
	case ' ', '-', '_', '.', ',', '+', '#':
		return -1
	default:
		return r
	}
}
