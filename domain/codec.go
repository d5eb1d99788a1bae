package domain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Stored is a fact as bytes.
type Stored struct {
	Type     EventType
	Payload  []byte // a JSON object with sorted keys, whole numbers up to 2^53 and no HTML escaping
	Personal []byte // a JSON object in clear, for others to encrypt, or nil if there is none or it was erased
}

var errNoObject = errors.New("not a JSON object")

// decoders lists every fact ever stored, by type. An entry is never removed:
// the log is for ever, and so is our ability to read it.
var decoders = decoderTable(
	decode[ChainGenesis], decode[ChainRestored],
	decode[AccountClaimed], decode[AccountReleased], decode[TenantAdded], decode[TenantLost], decode[AuthFailuresSummarised], decode[KeysRewrapped],
	decode[TenantRegistered], decode[TenantSettingsChanged], decode[TenantActivated],
	decode[OwnerAdded], decode[OwnerRemoved], decode[LockdownActivated], decode[LockdownLifted],
	decode[UserInvited], decode[UserRegistered], decode[UserEmailVerified], decode[UserRoleChanged], decode[UserDeactivated],
	decode[PasswordSet], decode[LoginSucceeded], decode[LoginFailed], decode[AccountLocked], decode[AccountUnlocked],
	decode[MFAEnrolmentStarted], decode[MFAEnabled], decode[MFADisabled], decode[MFACodeUsed], decode[BackupCodeUsed],
	decode[NewDeviceSeen],
	decode[ProofIssued], decode[ProofConsumed], decode[SubjectErased],
	decode[SessionIssued], decode[SessionRefreshed], decode[SessionSteppedUp], decode[SessionRevoked], decode[RefreshTokenReused],
	decode[APIKeyCreated], decode[APIKeyRevoked],
	decode[CredentialSealed], decode[CredentialUnsealed], decode[CredentialUnsealDenied],
	decode[CredentialRotated], decode[CredentialRetired], decode[CredentialRestored],
	decode[CredentialExpired], decode[CredentialDeleted],
	decode[CredentialVersionShredded], decode[CredentialShredded],
	decode[CredentialsListed], decode[AuditLogQueried], decode[AuditExported], decode[ComplianceScored], decode[ComplianceReportGenerated],
	decode[AccessDenied], decode[IntegrityViolated],
	decode[KeyGenerated], decode[KeyRotated], decode[KeyRetirement], decode[KeyDestruction], decode[EscrowExported],
	decode[DataEncrypted], decode[DataRewrapped], decode[DataDecrypted], decode[DataDecryptDenied],
	decode[DataSigned], decode[SignatureVerified], decode[SignatureVerifyFailed],
	decode[AuditChainVerified], decode[ChainVerificationFailed], decode[CheckpointPublished], decode[ProjectionReconciled],
	decode[CrossTenantAccess], decode[IsolationTested], decode[PlatformStarted], decode[KMSAttested], decode[ClockSyncObserved],
	decode[BackupCompleted], decode[RestoreTested],
)

type decoder func(Stored) (Event, error)

func decoderTable(decoders ...decoder) map[EventType]decoder {
	table := make(map[EventType]decoder, len(decoders))
	for _, d := range decoders {
		e, _ := d(Stored{Payload: []byte("{}")})
		table[e.EventType()] = d
	}
	return table
}

func decode[E Event](s Stored) (Event, error) {
	var e E
	if err := unmarshal(s.Payload, &e); err != nil {
		return nil, fmt.Errorf("decoding %s: %w", s.Type.Name, err)
	}
	if p, ok := any(&e).(interface{ personalField() any }); ok && s.Personal != nil {
		if err := unmarshal(s.Personal, p.personalField()); err != nil {
			return nil, fmt.Errorf("decoding personal part of %s: %w", s.Type.Name, err)
		}
	}
	return e, nil
}

// unmarshal takes objects only: encoding/json would let null pass for any.
func unmarshal(data []byte, v any) error {
	if len(data) == 0 || data[0] != '{' {
		return errNoObject
	}
	return json.Unmarshal(data, v)
}

// EventTypes returns every type of fact, in no particular order.
func EventTypes() []EventType {
	types := make([]EventType, 0, len(decoders))
	for t := range decoders {
		types = append(types, t)
	}
	return types
}

// Encode returns the stored form of e, its personal part still in clear. The same
// fact gives the same bytes. It fails only if e holds raw JSON that is none.
func Encode(e Event) (Stored, error) {
	s := Stored{Type: e.EventType()}
	var err error
	if s.Payload, err = encode(e); err != nil {
		return Stored{}, fmt.Errorf("encoding %s: %w", s.Type.Name, err)
	}
	if p, ok := e.(Personal); ok {
		if s.Personal, err = encode(p.PersonalData()); err != nil {
			return Stored{}, fmt.Errorf("encoding personal part of %s: %w", s.Type.Name, err)
		}
	}
	return s, nil
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// Decode returns the fact stored as s, in the form that was given to Encode: a
// value, never a pointer. Fields it does not know are left out, those that are
// missing stay zero. A type it does not know is an error: deciding on half a
// history is worse than not deciding.
func Decode(s Stored) (Event, error) {
	d, ok := decoders[s.Type]
	if !ok {
		return nil, fmt.Errorf("unknown event type %q version %d", s.Type.Name, s.Type.Version)
	}
	return d(s)
}
