package domain_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
)

const uuid = "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0ff"

// One id has one text: the canonical form, and nothing else.
func TestParseID(t *testing.T) {
	want := domain.ID{0x0f, 0x1e, 0x2d, 0x3c, 0x4b, 0x5a, 0x49, 0x78, 0x86, 0x95, 0xa4, 0xb3, 0xc2, 0xd1, 0xe0, 0xff}
	if got, err := domain.ParseID(uuid); got != want || err != nil {
		t.Errorf("%s is %v, %v", uuid, got, err)
	}
	for _, hyphen := range []int{8, 13, 18, 23} {
		if got, err := domain.ParseID(uuid[:hyphen] + "0" + uuid[hyphen+1:]); !errors.Is(err, domain.ErrMalformedID) {
			t.Errorf("without the hyphen at %d it is %v, %v", hyphen, got, err)
		}
	}
	for name, text := range map[string]string{
		"empty":            "",
		"capitals":         strings.ToUpper(uuid),
		"one capital":      strings.Replace(uuid, "f", "F", 1),
		"no hyphens":       strings.ReplaceAll(uuid, "-", ""),
		"moved hyphen":     "0f1e2d3-c4b5a-4978-8695-a4b3c2d1e0ff",
		"hyphen for digit": "0f1e2d3--4b5a-4978-8695-a4b3c2d1e0ff",
		"braces":           "{" + uuid[1:35] + "}",
		"urn":              "urn:uuid:" + uuid,
		"short":            uuid[:35],
		"long":             uuid + "0",
		"space before":     " " + uuid[1:],
		"newline":          uuid[:35] + "\n",
		"no hex":           strings.Replace(uuid, "c", "g", 1),
		"full-width digit": strings.Replace(uuid, "0f1", "０", 1),
		"NUL":              uuid[:35] + "\x00",
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := domain.ParseID(text); !errors.Is(err, domain.ErrMalformedID) || !got.IsZero() {
				t.Errorf("%q is %v, %v", text, got, err)
			}
		})
	}
}

func TestIDsAreTheirText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.Make[domain.ID]().Draw(t, "id")
		got, err := domain.ParseID(want.String())
		if got != want || err != nil {
			t.Fatalf("%s is %v, %v", want, got, err)
		}
		if got.IsZero() != (got == domain.ID{}) {
			t.Fatalf("%s: zero is %v", got, got.IsZero())
		}
	})
}

// A version's id, its credential's id and the handle lead to one another.
func TestReferences(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := domain.NewCredentialID(rapid.Make[domain.ID]().Draw(t, "event"))
		n := rapid.Uint16Min(1).Draw(t, "version")
		e := c.Entry(n)
		if e.Credential() != c || e.Version() != n {
			t.Fatalf("version %d of %v is version %d of %v", n, c, e.Version(), e.Credential())
		}
		if got, err := domain.ParseReference(e.String()); got != e || err != nil {
			t.Fatalf("%s is %v, %v", e, got, err)
		}
		handle, err := domain.ParseReference(c.Handle())
		if err != nil || handle.Credential() != c || handle.Version() != 0 {
			t.Fatalf("%s is %v, %v", c.Handle(), handle, err)
		}
		if handle != c.Entry(0) {
			t.Fatalf("the handle %v is not version 0", handle)
		}
	})
}

// Each event opens a credential of its own, and the same event the same one.
func TestNewCredentialID(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOfNDistinct(rapid.Make[domain.ID](), 2, 2, rapid.ID).Draw(t, "events")
		a, b := domain.NewCredentialID(events[0]), domain.NewCredentialID(events[1])
		if a == b || a != domain.NewCredentialID(events[0]) {
			t.Fatalf("%v opens %v, %v opens %v", events[0], a, events[1], b)
		}
		if a.ID[6]>>4 != 8 || a.ID[8]>>6 != 2 || a.Entry(0).Version() != 0 || a.Entry(0).ID != a.ID {
			t.Fatalf("%v is no UUIDv8 of version 0", a)
		}
	})
}

// What was sealed later has the greater id, if its event's id says when.
func TestCredentialIDsKeepTheOrderOfTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(ms uint64) domain.ID {
			id := rapid.Make[domain.ID]().Draw(t, "event")
			for i := range 6 {
				id[i] = byte(ms >> (40 - 8*i))
			}
			id[6], id[8] = id[6]&0x0f|0x70, id[8]&0x3f|0x80
			return id
		}
		ms := rapid.Uint64Max(1<<48-2).Draw(t, "ms")
		first, later := draw(ms), draw(rapid.Uint64Range(ms+1, 1<<48-1).Draw(t, "later"))
		a, b := domain.NewCredentialID(first), domain.NewCredentialID(later)
		if bytes.Compare(a.ID[:], b.ID[:]) >= 0 {
			t.Fatalf("%v of %v is not below %v of %v", a, first, b, later)
		}
		if a.ID[6]>>4 != 8 || a.ID[8]>>6 != 2 || a.Entry(0).ID != a.ID {
			t.Fatalf("%v is no UUIDv8 of version 0", a)
		}
	})
}

// The derivation is stored in a way: another one would open other credentials
// for requests that are repeated across an upgrade.
func TestNewCredentialIDIsPinned(t *testing.T) {
	if got, want := domain.NewCredentialID(domain.ID{}).Handle(), "cred_7284fd3b7d4d8babb383abf135400000"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestParseReferenceRefuses(t *testing.T) {
	handle, entry := credID.Handle(), credID.Entry(1).String()
	for name, text := range map[string]string{
		"empty":                   "",
		"prefix alone":            "cred_",
		"handle without prefix":   strings.TrimPrefix(handle, "cred_"),
		"handle in capitals":      strings.ToUpper(handle),
		"digits in capitals":      "cred_" + strings.ToUpper(strings.TrimPrefix(handle, "cred_")),
		"handle with a version":   handle[:len(handle)-1] + "1",
		"handle of another kind":  "key_" + strings.TrimPrefix(handle, "cred_"),
		"handle cut short":        handle[:len(handle)-1],
		"handle and more":         handle + "0",
		"handle that is no hex":   handle[:10] + "g" + handle[11:],
		"handle as a UUID":        "cred_" + entry,
		"UUID of no version":      credID.Entry(0).String(),
		"zero UUID":               domain.ID{}.String(),
		"UUID in capitals":        strings.ToUpper(entry),
		"UUID and a space":        entry + " ",
		"escaped NUL":             entry[:33] + "%00",
		"path":                    "../" + entry,
		"name that is 36 letters": strings.Repeat("z", 36),
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := domain.ParseReference(text); !errors.Is(err, domain.ErrMalformedID) {
				t.Errorf("%q is %v, %v", text, got, err)
			}
		})
	}
}

func FuzzParseReference(f *testing.F) {
	for _, text := range []string{"", uuid, credID.Handle(), credID.Entry(1).String(), credID.Entry(domain.MaxVersion).String(), "cred_"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := domain.ParseReference(text)
		switch {
		case err != nil && !errors.Is(err, domain.ErrMalformedID):
			t.Errorf("%q fails with %v", text, err)
		case err == nil && e.Version() == 0 && e.Credential().Handle() != text:
			t.Errorf("%q is read as %s", text, e.Credential().Handle())
		case err == nil && e.Version() != 0 && e.String() != text:
			t.Errorf("%q is read as %s", text, e)
		}
	})
}

func FuzzParseID(f *testing.F) {
	f.Add(uuid)
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := domain.ParseID(text)
		if err == nil && id.String() != text {
			t.Errorf("%q is read as %s", text, id)
		}
		if err != nil && (!errors.Is(err, domain.ErrMalformedID) || !id.IsZero()) {
			t.Errorf("%q fails with %v, %v", text, id, err)
		}
	})
}

func TestDigestText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.Make[domain.Digest]().Draw(t, "digest")
		var got domain.Digest
		if err := got.UnmarshalText([]byte(want.String())); err != nil || got != want {
			t.Fatalf("%s is %v, %v", want, got, err)
		}
	})
	for _, text := range []string{"", strings.Repeat("0", 63), strings.Repeat("0", 65), strings.Repeat("A", 64), strings.Repeat("0", 63) + "g"} {
		var got domain.Digest
		if err := got.UnmarshalText([]byte(text)); err == nil || got != (domain.Digest{}) {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
}

// A request is shown to clients under another form than it is stored.
func TestRequestID(t *testing.T) {
	r := domain.RequestID{ID: id(0x77)}
	text, err := r.MarshalText()
	if r.String() != "req_7777777777774777b777777777777777" || string(text) != r.ID.String() || err != nil {
		t.Errorf("%s, %s, %v", r, text, err)
	}
}
