package domain_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
)

// exactly is the largest whole number that every JSON reader keeps.
const exactly = 1 << 53

// anyMetadata draws what may stand as raw JSON in a personal part.
var anyMetadata = rapid.Custom(func(t *rapid.T) json.RawMessage {
	if rapid.Bool().Draw(t, "none") {
		return nil
	}
	text, err := json.Marshal(rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "metadata"))
	if err != nil {
		t.Fatal(err)
	}
	return text
})

// drawn draws facts of one type with any content.
func drawn[E domain.Event]() *rapid.Generator[domain.Event] {
	return rapid.Map(rapid.MakeCustom[E](rapid.MakeConfig{
		Types: map[reflect.Type]*rapid.Generator[any]{reflect.TypeFor[json.RawMessage](): anyMetadata.AsAny()},
		Kinds: map[reflect.Kind]*rapid.Generator[any]{
			reflect.Int:    rapid.IntRange(-exactly, exactly).AsAny(),
			reflect.Int64:  rapid.Int64Range(-exactly, exactly).AsAny(),
			reflect.Uint64: rapid.Uint64Range(0, exactly).AsAny(),
		},
	}), func(e E) domain.Event { return e })
}

// anyFact draws facts of every type. Like facts it names each type, so that a
// new one is noticed by the test that counts them.
var anyFact = []*rapid.Generator[domain.Event]{
	drawn[domain.ChainGenesis](), drawn[domain.ChainRestored](), drawn[domain.AccountClaimed](), drawn[domain.AccountReleased](), drawn[domain.TenantAdded](), drawn[domain.TenantLost](), drawn[domain.KeysRewrapped](),
	drawn[domain.AuthFailuresSummarised](),
	drawn[domain.TenantRegistered](), drawn[domain.TenantSettingsChanged](), drawn[domain.TenantActivated](),
	drawn[domain.OwnerAdded](), drawn[domain.OwnerRemoved](), drawn[domain.LockdownActivated](), drawn[domain.LockdownLifted](),
	drawn[domain.UserInvited](), drawn[domain.UserRegistered](), drawn[domain.UserEmailVerified](),
	drawn[domain.UserRoleChanged](), drawn[domain.UserDeactivated](), drawn[domain.PasswordSet](),
	drawn[domain.LoginSucceeded](), drawn[domain.LoginFailed](), drawn[domain.AccountLocked](), drawn[domain.AccountUnlocked](),
	drawn[domain.MFAEnrolmentStarted](), drawn[domain.MFAEnabled](), drawn[domain.MFADisabled](), drawn[domain.MFACodeUsed](),
	drawn[domain.BackupCodeUsed](), drawn[domain.NewDeviceSeen](), drawn[domain.ProofIssued](), drawn[domain.ProofConsumed](), drawn[domain.SubjectErased](),
	drawn[domain.SessionSteppedUp](),
	drawn[domain.SessionIssued](), drawn[domain.SessionRefreshed](), drawn[domain.SessionRevoked](), drawn[domain.RefreshTokenReused](),
	drawn[domain.APIKeyCreated](), drawn[domain.APIKeyRevoked](),
	drawn[domain.CredentialSealed](), drawn[domain.CredentialUnsealed](), drawn[domain.CredentialUnsealDenied](),
	drawn[domain.CredentialRotated](), drawn[domain.CredentialRetired](), drawn[domain.CredentialRestored](),
	drawn[domain.CredentialExpired](), drawn[domain.CredentialDeleted](),
	drawn[domain.CredentialVersionShredded](), drawn[domain.CredentialShredded](),
	drawn[domain.CredentialsListed](), drawn[domain.AuditLogQueried](), drawn[domain.AuditExported](), drawn[domain.ComplianceScored](), drawn[domain.ComplianceReportGenerated](),
	drawn[domain.AccessDenied](), drawn[domain.IntegrityViolated](),
	drawn[domain.KeyGenerated](), drawn[domain.KeyRotated](), drawn[domain.KeyRetirement](), drawn[domain.KeyDestruction](), drawn[domain.EscrowExported](),
	drawn[domain.DataEncrypted](), drawn[domain.DataRewrapped](), drawn[domain.DataDecrypted](), drawn[domain.DataDecryptDenied](),
	drawn[domain.DataSigned](), drawn[domain.SignatureVerified](), drawn[domain.SignatureVerifyFailed](),
	drawn[domain.AuditChainVerified](), drawn[domain.ChainVerificationFailed](), drawn[domain.CheckpointPublished](), drawn[domain.ProjectionReconciled](),
	drawn[domain.CrossTenantAccess](), drawn[domain.IsolationTested](), drawn[domain.PlatformStarted](), drawn[domain.KMSAttested](),
	drawn[domain.ClockSyncObserved](), drawn[domain.BackupCompleted](), drawn[domain.RestoreTested](),
}

// What is stored of a fact is read back as that fact, and its payload has one form only.
func TestEncodeDecode(t *testing.T) {
	if len(anyFact) != len(domain.EventTypes()) || len(facts) != len(domain.EventTypes()) {
		t.Fatalf("the tests know %d and %d types of fact, the domain %d", len(anyFact), len(facts), len(domain.EventTypes()))
	}
	for _, anyOfType := range anyFact {
		rapid.Check(t, func(t *rapid.T) {
			e := anyOfType.Draw(t, "fact")
			stored, err := domain.Encode(e)
			if err != nil {
				t.Fatal(err)
			}
			if err := canonical(stored.Payload); err != nil {
				t.Fatalf("%v in %s", err, stored.Payload)
			}
			if diff := cmp.Diff(e, restored(t, e)); diff != "" {
				t.Fatalf("stored and read back (-fact +read):\n%s", diff)
			}
			if _, personal := e.(domain.Personal); personal != (stored.Personal != nil) {
				t.Fatalf("personal: %v, its part: %s", personal, stored.Personal)
			}
		})
	}
}

// Erasing a person leaves nothing of the personal part, and the payload as it was.
func TestErasedFacts(t *testing.T) {
	for _, e := range facts {
		stored, err := domain.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		erased := stored
		erased.Personal = nil
		anonymous, err := domain.Decode(erased)
		if err != nil {
			t.Fatal(err)
		}
		if p, ok := anonymous.(domain.Personal); ok && !reflect.ValueOf(p.PersonalData()).IsZero() {
			t.Errorf("after erasure %s leaves %#v", stored.Type.Name, p.PersonalData())
		}
		again, err := domain.Encode(anonymous)
		if err != nil || !bytes.Equal(again.Payload, stored.Payload) {
			t.Errorf("erasure made %s of %s, %v", again.Payload, stored.Payload, err)
		}
	}
}

var wholeNumber = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)

// canonical returns why data is not the one form of its JSON object: keys sorted
// at every level, no space, whole numbers that every reader keeps, no HTML escapes.
func canonical(data []byte) error {
	var compact bytes.Buffer
	if err := json.Compact(&compact, data); err != nil {
		return err
	}
	for _, escape := range []string{`\u003c`, `\u003e`, `\u0026`} {
		if bytes.Contains(data, []byte(escape)) && !bytes.Contains(data, []byte(`\`+escape)) {
			return fmt.Errorf("HTML escape %s", escape)
		}
	}
	if !bytes.Equal(compact.Bytes(), data) || !bytes.HasPrefix(data, []byte("{")) {
		return fmt.Errorf("not a compact object")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	return canonicalValue(dec)
}

func canonicalValue(dec *json.Decoder) error {
	tok, err := dec.Token()
	if err != nil {
		return err
	}
	switch tok := tok.(type) {
	case json.Number:
		n, err := strconv.ParseInt(tok.String(), 10, 64)
		if !wholeNumber.MatchString(tok.String()) || err != nil || n > exactly || n < -exactly {
			return fmt.Errorf("number %s", tok)
		}
	case json.Delim:
		last := ""
		for first := true; dec.More(); first = false {
			if tok == '{' {
				key, err := dec.Token()
				if err != nil {
					return err
				}
				name, _ := key.(string)
				if !first && name <= last {
					return fmt.Errorf("key %q after %q", name, last)
				}
				last = name
			}
			if err := canonicalValue(dec); err != nil {
				return err
			}
		}
		_, err := dec.Token()
		return err
	}
	return nil
}

// The checker of the test above finds what it is there to find.
func TestCanonicalRefuses(t *testing.T) {
	for _, data := range []string{
		`{"b":1,"a":2}`, `{"a":1,"a":1}`, `{"a":{"c":1,"b":1}}`, `{"a":[{"c":1,"b":1}]}`, `{"a": 1}`, `{"a":1.5}`, `{"a":1e3}`,
		`{"a":-0}`, `{"a":9007199254740993}`, `{"a":"\u003c"}`, `[]`, `null`, ``, `{"a":1}{}`,
	} {
		if canonical([]byte(data)) == nil {
			t.Errorf("%s passes as canonical", data)
		}
	}
	if err := canonical([]byte(`{"a":[1,{"a":"<&>","b":null}],"b":true,"c":-9007199254740992}`)); err != nil {
		t.Error(err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	sealed := domain.CredentialSealed{}.EventType()
	for name, stored := range map[string]domain.Stored{
		"unknown name":               {Type: domain.EventType{Name: "CREDENTIAL_MISLAID", Version: 1}, Payload: []byte("{}")},
		"unknown version":            {Type: domain.EventType{Name: sealed.Name, Version: 2}, Payload: []byte("{}")},
		"no version":                 {Type: domain.EventType{Name: sealed.Name}, Payload: []byte("{}")},
		"no payload":                 {Type: sealed},
		"null payload":               {Type: sealed, Payload: []byte("null")},
		"list payload":               {Type: sealed, Payload: []byte("[]")},
		"torn payload":               {Type: sealed, Payload: []byte(`{"version":`)},
		"second payload":             {Type: sealed, Payload: []byte(`{}{}`)},
		"id in capitals":             {Type: sealed, Payload: []byte(`{"entry_id":"22222222-2222-4222-A222-222222220001"}`)},
		"short digest":               {Type: sealed, Payload: []byte(`{"record_hash":"00"}`)},
		"digest that is no hex":      {Type: sealed, Payload: []byte(`{"record_hash":"` + strings.Repeat("x", 64) + `"}`)},
		"version beyond its 16 bits": {Type: sealed, Payload: []byte(`{"version":65536}`)},
		"fraction":                   {Type: sealed, Payload: []byte(`{"suite":1.5}`)},
		"empty personal part":        {Type: sealed, Payload: []byte("{}"), Personal: []byte{}},
		"null personal part":         {Type: sealed, Payload: []byte("{}"), Personal: []byte("null")},
		"torn personal part":         {Type: sealed, Payload: []byte("{}"), Personal: []byte(`{"name":`)},
	} {
		t.Run(name, func(t *testing.T) {
			if e, err := domain.Decode(stored); err == nil || e != nil {
				t.Errorf("read as %#v, %v", e, err)
			}
		})
	}
}

// A later release may add fields; what it wrote can still be read.
func TestDecodeLeavesOutWhatItDoesNotKnow(t *testing.T) {
	e, err := domain.Decode(domain.Stored{
		Type:     domain.APIKeyCreated{}.EventType(),
		Payload:  []byte(`{"allowed_colours":["a"],"lookup":"0A1b2C3d4E"}`),
		Personal: []byte(`{"colour":"green","name":"deploy"}`),
	})
	want := domain.APIKeyCreated{Lookup: "0A1b2C3d4E", Personal: domain.APIKeyName{Name: "deploy"}}
	if diff := cmp.Diff(domain.Event(want), e); diff != "" || err != nil {
		t.Errorf("%v, (-want +got):\n%s", err, diff)
	}
}

// Raw JSON that is none is a fault, not a fact.
func TestEncodeRefusesTornMetadata(t *testing.T) {
	_, err := domain.Encode(domain.CredentialSealed{Personal: domain.CredentialLabel{Metadata: json.RawMessage(`{"a":`)}})
	if err == nil {
		t.Error("torn metadata was encoded")
	}
}

// Decoding never panics, and what it returns is stored and read back as itself.
func FuzzDecode(f *testing.F) {
	for _, e := range facts {
		stored, err := domain.Encode(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(stored.Type.Name, stored.Type.Version, stored.Payload, stored.Personal)
	}
	f.Fuzz(func(t *testing.T, name string, version uint16, payload, personal []byte) {
		if len(personal) == 0 {
			personal = nil
		}
		e, err := domain.Decode(domain.Stored{Type: domain.EventType{Name: name, Version: version}, Payload: payload, Personal: personal})
		if err != nil {
			return
		}
		once, err := domain.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		if once.Type.Name != name || once.Type.Version != version {
			t.Fatalf("%s %d was read as %v", name, version, once.Type)
		}
		if again, err := domain.Encode(restored(t, e)); err != nil || !cmp.Equal(once, again) {
			t.Fatalf("%s then %s, %v", once.Payload, again.Payload, err)
		}
	})
}
