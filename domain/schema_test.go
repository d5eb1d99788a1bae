package domain_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
)

// field is one stored field of a payload or a personal part.
type field struct {
	name string
	typ  reflect.Type
}

// fieldsOf returns the stored fields of v in the order in which they are written.
func fieldsOf(v any) (fields []field) {
	typ := reflect.TypeOf(v)
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		fields = append(fields, field{name, f.Type})
	}
	return fields
}

// The stored bytes of a released fact never change: these files outlive the code.
// UPDATE=1 rewrites them; the difference is what a reviewer reads.
func TestGoldenFacts(t *testing.T) {
	kept := map[string]bool{}
	for _, e := range facts {
		stored, err := domain.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("testdata/events/%s.v%d", stored.Type.Name, stored.Type.Version)
		golden(t, name+".json", stored.Payload)
		kept[name+".json"] = true
		if stored.Personal != nil {
			golden(t, name+".personal.json", stored.Personal)
			kept[name+".personal.json"] = true
		}
		if err := canonical(stored.Payload); err != nil {
			t.Errorf("%s: %v", stored.Type.Name, err)
		}
	}
	files, err := filepath.Glob("testdata/events/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !kept[file] {
			t.Errorf("%s is of no fact: what was stored once must be readable for ever", file)
		}
	}
	for _, eventType := range domain.EventTypes() {
		if name := fmt.Sprintf("testdata/events/%s.v%d.json", eventType.Name, eventType.Version); !kept[name] {
			t.Errorf("%v has no golden file", eventType)
		}
	}
}

// What the golden files hold is read as the fact it was.
func TestGoldenFactsDecode(t *testing.T) {
	for _, e := range facts {
		eventType := e.EventType()
		name := fmt.Sprintf("testdata/events/%s.v%d", eventType.Name, eventType.Version)
		stored := domain.Stored{Type: eventType}
		var err error
		if stored.Payload, err = os.ReadFile(name + ".json"); err != nil {
			t.Fatal(err)
		}
		if _, ok := e.(domain.Personal); ok {
			if stored.Personal, err = os.ReadFile(name + ".personal.json"); err != nil {
				t.Fatal(err)
			}
		}
		read, err := domain.Decode(stored)
		if diff := cmp.Diff(e, read); diff != "" || err != nil {
			t.Errorf("%s: %v, (-fact +read)\n%s", name, err, diff)
		}
	}
}

// golden compares got with a file, or writes the file if UPDATE is set.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-file +got):\n%s", file, diff)
	}
}

// The samples fill every field, so that no field is left out of a golden file.
func TestFactsAreFilled(t *testing.T) {
	for _, e := range facts {
		parts := []any{e}
		if p, ok := e.(domain.Personal); ok {
			parts = append(parts, p.PersonalData())
		}
		for _, part := range parts {
			v := reflect.ValueOf(part)
			for i := range v.NumField() {
				if f := v.Type().Field(i); v.Field(i).IsZero() && f.Name != "From" {
					t.Errorf("%T.%s is zero", part, f.Name)
				}
			}
		}
	}
}

// Fields stand in the order of their names, since that is the order in which
// they are written and signed; and each has a stored name of its own.
func TestFieldsAreSorted(t *testing.T) {
	for _, e := range facts {
		parts := []any{e}
		if p, ok := e.(domain.Personal); ok {
			parts = append(parts, p.PersonalData())
		}
		for _, part := range parts {
			last := ""
			for _, f := range fieldsOf(part) {
				if f.name <= last {
					t.Errorf("%T: %q stands after %q", part, f.name, last)
				}
				if f.name != strings.ToLower(f.name) {
					t.Errorf("%T: %q is no stored name", part, f.name)
				}
				last = f.name
			}
		}
	}
}

// plain lists the types that can hold nothing about a person: numbers, truth
// values, ids, and hashes.
var plain = map[reflect.Type]string{
	reflect.TypeFor[bool]():               "true or false",
	reflect.TypeFor[int]():                "number",
	reflect.TypeFor[int64]():              "time",
	reflect.TypeFor[uint16]():             "number",
	reflect.TypeFor[uint32]():             "number",
	reflect.TypeFor[uint64]():             "number",
	reflect.TypeFor[domain.ID]():          "id",
	reflect.TypeFor[domain.TenantID]():    "id",
	reflect.TypeFor[domain.UserID]():      "id",
	reflect.TypeFor[domain.KeyID]():       "id",
	reflect.TypeFor[domain.SessionID]():   "id",
	reflect.TypeFor[domain.ReportID]():    "id",
	reflect.TypeFor[domain.EntryID]():     "id",
	reflect.TypeFor[domain.CryptoKeyID](): "id",
	reflect.TypeFor[domain.Digest]():      "hash",
}

// worded lists the payload fields that could hold a caller's words, with what
// holds them to ours. Whoever adds a line has thought about it: a payload is
// kept for ever and read by every auditor.
var worded = map[string]string{
	"ACCESS_DENIED.permission":              "a scope",
	"ACCESS_DENIED.reason":                  "a word of the rule that refused",
	"ACCESS_DENIED.route":                   "an action, never a path as it was asked for",
	"API_KEY_CREATED.environment":           "live or test",
	"API_KEY_CREATED.lookup":                "drawn at random",
	"API_KEY_CREATED.prefix":                "the start of what was drawn at random",
	"API_KEY_CREATED.scopes":                "scopes",
	"AUDIT_EXPORTED.format":                 "one of the formats there are",
	"AUDIT_CHAIN_VERIFICATION_FAILED.fault": "the name of a check",
	"CLOCK_SYNC_OBSERVED.source":            "a word of ours",
	"KMS_ATTESTED.backend":                  "a word of ours",
	"KMS_ATTESTED.custody":                  "one of the kinds of custody there are",
	"PLATFORM_STARTED.algs_outside_module":  "algorithms there are",
	"PLATFORM_STARTED.crypto_module":        "the name that the toolchain gives its module",
	"PLATFORM_STARTED.crypto_module_cert":   "the name of a certificate",
	"PLATFORM_STARTED.version":              "the version of this program",
	"CHAIN_GENESIS.key_cert":                "a certificate of ids, numbers and hashes",
	"CHAIN_GENESIS.public_key":              "a key",
	"CHAIN_RESTORED.key_cert":               "a certificate of ids, numbers and hashes",
	"COMPLIANCE_REPORT_GENERATED.framework": "one of the frameworks there are",
	"COMPLIANCE_SCORED.framework":           "one of the frameworks there are",
	"CREDENTIAL_SEALED.algorithm":           "one of the algorithms there are",
	"CREDENTIAL_SEALED.classification":      "one of the classes there are",
	"CREDENTIAL_SEALED.environment":         "live or test",
	"CREDENTIAL_SEALED.type":                "[a-z0-9_]{1,64}, documented as visible to auditors",
	"CREDENTIAL_SHREDDED.method":            "one of the methods there are",
	"CREDENTIAL_UNSEALED.scope_used":        "a scope",
	"CREDENTIAL_UNSEAL_DENIED.reason":       "a word of the rule that refused",
	"CREDENTIAL_VERSION_SHREDDED.method":    "one of the methods there are",
	"DATA_DECRYPTED.dialect":                "one of the clients there are",
	"DATA_DECRYPTED.encoding":               "base64 or utf8",
	"DATA_DECRYPTED.form":                   "envelope, token or pieces",
	"DATA_DECRYPT_DENIED.form":              "likewise",
	"DATA_DECRYPT_DENIED.reason":            "a word of the rule that refused",
	"DATA_ENCRYPTED.dialect":                "one of the clients there are",
	"DATA_ENCRYPTED.encoding":               "base64 or utf8",
	"DATA_SIGNED.dialect":                   "one of the clients there are",
	"DATA_SIGNED.encoding":                  "base64 or utf8",
	"ESCROW_EXPORTED.purpose":               "one of the purposes there are",
	"KEY_DESTROYED.method":                  "one of the methods there are",
	"KEY_GENERATED.alg":                     "the algorithms there are",
	"KEY_GENERATED.environment":             "live or test",
	"KEY_GENERATED.kem_public_key":          "a key",
	"KEY_GENERATED.purpose":                 "one of the purposes there are",
	"KEY_GENERATED.sign_public_key":         "a key",
	"KEY_RETIRED.mode":                      "one of the modes there are",
	"KEY_ROTATED.alg":                       "the algorithms there are",
	"KEY_ROTATED.environment":               "live or test",
	"KEY_ROTATED.kem_public_key":            "a key",
	"KEY_ROTATED.purpose":                   "one of the purposes there are",
	"KEY_ROTATED.sign_public_key":           "a key",
	"SIGNATURE_VERIFIED.key_trust":          "one of four words",
	"SIGNATURE_VERIFY_FAILED.key_trust":     "one of four words",
	"INTEGRITY_VIOLATION.check":             "a word for what did not hold",
	"LOGIN_FAILED.in_declared_range":        "yes, no or none_declared, instead of an address",
	"LOGIN_FAILED.reason":                   "a word for the proof that failed",
	"LOGIN_SUCCEEDED.in_declared_range":     "yes, no or none_declared, instead of an address",
	"MFA_ENABLED.factor":                    "totp",
	"MFA_ENROLMENT_STARTED.factor":          "totp",
	"PASSWORD_SET.kdf":                      "one of the algorithms there are, with its numbers",
	"PROOF_CONSUMED.purpose":                "one of the purposes there are",
	"PROOF_ISSUED.purpose":                  "one of the purposes there are",
	"SESSION_REVOKED.reason":                "a word of ours",
	"SUBJECT_ERASED.ranges":                 "sequence numbers",
	"TENANT_ACTIVATED.by":                   "a kind of actor",
	"TENANT_REGISTERED.plan":                "trial or self_hosted",
	"TENANT_SETTINGS_CHANGED.key":           "one of the settings there are",
	"TENANT_SETTINGS_CHANGED.new":           "a number, a truth value or an algorithm; of what could name a person only an outline",
	"TENANT_SETTINGS_CHANGED.old":           "likewise",
	"USER_DEACTIVATED.reason":               "a word of ours",
	"USER_INVITED.role":                     "one of the roles there are",
	"USER_REGISTERED.role":                  "one of the roles there are",
	"USER_ROLE_CHANGED.new_role":            "one of the roles there are",
	"USER_ROLE_CHANGED.old_role":            "one of the roles there are",
}

// No payload can hold personal data unnoticed.
func TestPayloadsHoldNoPersonalData(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range facts {
		for _, f := range fieldsOf(e) {
			if plain[f.typ] != "" {
				continue
			}
			name := e.EventType().Name + "." + f.name
			seen[name] = true
			if worded[name] == "" {
				t.Errorf("%s is of type %v, which could hold personal data; nothing says why it does not", name, f.typ)
			}
		}
	}
	for name := range worded {
		if !seen[name] {
			t.Errorf("%s is excused but there is no such field", name)
		}
	}
}
