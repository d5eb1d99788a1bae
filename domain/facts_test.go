package domain_test

import (
	"encoding/json"
	"time"

	"github.com/quantaseal/quantaseal/domain"
)

var (
	cryptoKey = domain.NewCryptoKeyID(tenantID, domain.Test, domain.PurposeEnvelope, 1)
	nextKey   = domain.NewCryptoKeyID(tenantID, domain.Test, domain.PurposeEnvelope, 2)
)

var expiry = now.Add(90 * 24 * time.Hour).UnixMicro()

// facts holds one fact of every type, each field filled, as its golden file
// shows it. Texts hold what a careless encoder would escape.
var facts = []domain.Event{
	domain.ChainGenesis{KeyCert: []byte("certificate and signature"), PublicKey: []byte("public key"), TenantIndex: 7},
	domain.KeysRewrapped{Keys: 7, KeyRef: domain.Digest{0: 0xce, 31: 1}},
	domain.ChainRestored{KeyCert: []byte("loss and signature"), MissingFromSeq: 40, MissingToSeq: 41},
	domain.AccountClaimed{AccountRef: account, TenantID: tenantID, UserID: userID, Personal: domain.Registration{
		Email: "ada@example.org", PasswordHash: "$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$aGFzaA",
		TenantName: "Lovelace & Söhne <Analytical>", TrialEndsAt: expiry, Verified: true,
	}},
	domain.AccountReleased{AccountRef: account, UserID: userID},
	domain.TenantAdded{TenantID: tenantID, TenantIndex: 7},
	domain.TenantLost{Events: 42, TenantID: tenantID, TenantIndex: 8},
	domain.AuthFailuresSummarised{Accounts: 128, Bucket: digest(10), Count: 99874, WindowSeconds: 60},
	domain.TenantRegistered{
		Owner: userID, Plan: "trial", TenantID: tenantID, TrialEndsAt: expiry,
		Personal: domain.TenantName{Name: "Lovelace & Söhne <Analytical>"},
	},
	domain.TenantSettingsChanged{
		Key: domain.SettingRanges, New: "n=2 v4=8 v6=48", Old: "n=1 v4=24", Weakens: true,
		Personal: domain.SettingValues{New: `["10.0.0.0/8","2001:db8::/48"]`, Old: `["10.1.2.0/24"]`},
	},
	domain.TenantActivated{By: "operator"},
	domain.OwnerAdded{UserID: otherID},
	domain.OwnerRemoved{UserID: userID},
	domain.LockdownActivated{ActivationEventID: id(0x77), Drill: true, Personal: domain.LockdownReason{Reason: "a laptop of <Ada's> was stolen"}},
	domain.LockdownLifted{ActivationEventID: id(0x77)},
	domain.UserInvited{AccountRef: account, Role: domain.RoleAuditor, UserID: userID, Personal: domain.UserAddress{Email: "ada@example.org"}},
	domain.UserRegistered{
		AccountRef: account, Role: domain.RoleOwner, Shared: true, UserID: userID, Verified: true,
		Personal: domain.UserAddress{Email: "ada@example.org"},
	},
	domain.UserEmailVerified{UserID: userID},
	domain.UserRoleChanged{NewRole: domain.RoleAdmin, OldRole: domain.RoleOwner, UserID: userID},
	domain.UserDeactivated{Reason: domain.DeactivatedByAdmin, UserID: userID},
	domain.PasswordSet{
		KDF: "hmac-sha512+argon2id$m=65536,t=3,p=1", KeptSession: session, PolicyVersion: 1, Rehashed: true, UserID: userID,
		Personal: domain.PasswordHash{Hash: "$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$aGFzaA"},
	},
	domain.LoginSucceeded{InDeclaredRange: domain.NoneDeclared, MFA: true, SessionID: session, UserID: userID},
	domain.LoginFailed{AccountRef: account, InDeclaredRange: domain.NoneDeclared, Reason: "password"},
	domain.AccountLocked{AccountRef: account, LockedUntil: expiry},
	domain.AccountUnlocked{AccountRef: account},
	domain.MFAEnrolmentStarted{Factor: domain.FactorTOTP, UserID: userID, Personal: domain.MFASecrets{
		BackupCodes: []domain.Digest{digest(11), digest(12)}, Seed: []byte("twenty bytes of seed"),
	}},
	domain.MFAEnabled{Factor: domain.FactorTOTP, Step: 58906968, UserID: userID},
	domain.MFADisabled{UserID: userID},
	domain.MFACodeUsed{Step: 58906969, UserID: userID},
	domain.BackupCodeUsed{Code: 1, Remaining: 9, UserID: userID},
	domain.NewDeviceSeen{First: true, SessionID: domain.SessionID{ID: domain.ID{9}}, UserID: userID, Personal: domain.SeenFrom{Network: digest(14)}},
	domain.ProofIssued{Digest: digest(13), ExpiresAt: expiry, Purpose: domain.ProvesReset, UserID: userID},
	domain.ProofConsumed{Purpose: domain.ProvesReset, UserID: userID},
	domain.SubjectErased{Ranges: []domain.SeqRange{{From: 2, To: 3}, {From: 5, To: 1<<53 - 1}}, Subject: userID},
	domain.SessionIssued{
		AccessTTLSeconds: 1800, AuthVersion: 3, ExpiresAt: expiry, IdleLimitSeconds: 900, RefreshTTLSeconds: 604800,
		SessionID: session, TokenDigest: digest(1), UserID: userID,
	},
	domain.SessionRefreshed{SessionID: session, TokenDigest: digest(2), UsedAt: now.UnixMicro()},
	domain.SessionSteppedUp{MFA: true, ProvenAt: now.UnixMicro(), SessionID: session},
	domain.SessionRevoked{Reason: "logout", SessionID: session},
	domain.RefreshTokenReused{SessionID: session},
	domain.APIKeyCreated{
		AuthVersion: 3, Digest: digest(3), Environment: domain.Test, ExpiresAt: expiry, KeyID: keyID, Lookup: "0A1b2C3d4E", Owner: userID,
		Prefix: "qs_test_0A1b", Restricted: true, Scopes: []domain.Scope{domain.ScopeVaultList, domain.ScopeVaultUnseal},
		Personal: domain.APIKeyName{Name: "Ada's \"deploy\" <key>", Ranges: []string{"10.0.0.0/8"}},
	},
	domain.APIKeyRevoked{KeyID: keyID},
	domain.CredentialSealed{
		Algorithm: domain.SealAlgorithm, Classification: "database", EntryID: credID.Entry(1), Environment: domain.Live,
		KEMKeyID: digest(4), Owner: userID, RecordHash: digest(5), Suite: domain.SealSuite, TTLDays: 90, ExpiresAt: expiry,
		Type: "database_dsn", Version: 1,
		Personal: domain.CredentialLabel{Metadata: json.RawMessage(`{"team":"R&D","cost":0.5}`), Name: "orders <primary>"},
	},
	domain.CredentialUnsealed{EntryID: credID.Entry(2), ScopeUsed: domain.ScopeVaultUnseal, ViaEntryID: credID.Entry(1)},
	domain.CredentialUnsealDenied{EntryID: credID.Entry(2), Reason: "expired"},
	domain.CredentialRotated{
		KEMKeyID: digest(6), NewEntryID: credID.Entry(2), OldEntryID: credID.Entry(1), RecordHash: digest(7),
		Suite: domain.SealSuite, ExpiresAt: expiry, ValueChanged: true, Version: 2,
	},
	domain.CredentialRetired{EntryID: credID.Entry(2), RestoreUntil: now.Add(domain.RestoreWindow).UnixMicro()},
	domain.CredentialRestored{EntryID: credID.Entry(2)},
	domain.CredentialExpired{EntryID: credID.Entry(2)},
	domain.CredentialDeleted{EntryID: credID.Entry(2)},
	domain.CredentialVersionShredded{EntryID: credID.Entry(1), Method: domain.ShredMethod, RecordHash: digest(5), Version: 1},
	domain.CredentialShredded{EntryID: credID.Entry(2), Method: domain.ShredMethod, RecordHash: digest(7), Version: 2},
	domain.CredentialsListed{FilterHash: digest(8), Pages: 1},
	domain.AuditLogQueried{FilterHash: digest(9)},
	domain.AuditExported{Format: "bundle", From: 0, To: 1<<53 - 1},
	domain.ComplianceScored{
		AsOf: now.UnixMicro(), AsOfSeq: 10482, CatalogueDigest: digest(11), Framework: "soc2", ResultDigest: digest(12), Score: 69,
	},
	domain.ComplianceReportGenerated{
		AsOf: now.UnixMicro(), AsOfSeq: 10482, CatalogueDigest: digest(11), ControlsDigest: digest(13), EvidenceDigest: digest(14), Framework: "soc2",
		JSONDigest: digest(15), OSCALDigest: digest(16), PDFDigest: digest(17), PeriodDays: 90, PlanDigest: digest(18), PlatformDigest: digest(19),
		ReportID: domain.ReportID{ID: domain.ID{0x1e}}, ResultDigest: digest(12), Score: 69,
	},
	domain.AccessDenied{Permission: domain.ScopeVaultRotate, Reason: "ended", Route: "vault.rotate"},
	domain.IntegrityViolated{Check: "sealed_record", ObjectRef: credID.Entry(2)},
	domain.KeyGenerated{
		ActivatedAt: now.UnixMicro(), Algorithm: domain.EnvelopeAlgorithms, Environment: domain.Test, KEMPublicKey: []byte("encapsulation key"),
		KeyID: cryptoKey, Purpose: domain.PurposeEnvelope, SignPublicKey: []byte("public key"), SignsBindings: true,
	},
	domain.KeyRotated{
		ActivatedAt: expiry, Algorithm: domain.EnvelopeAlgorithms, Environment: domain.Test, KEMPublicKey: []byte("encapsulation key"),
		NewKeyID: nextKey, OldKeyID: cryptoKey, Purpose: domain.PurposeEnvelope, SignPublicKey: []byte("public key"), SignsBindings: true,
	},
	domain.KeyRetirement{KeyID: cryptoKey, Mode: domain.RetiredForGood},
	domain.KeyDestruction{KeyID: cryptoKey, Method: domain.ShredMethod},
	domain.EscrowExported{KeyID: cryptoKey, Purpose: domain.PurposeEnvelope},
	domain.DataEncrypted{
		CiphertextHash: digest(14), ContextHash: digest(15), Dialect: "node", Encoding: "base64", KEMHash: digest(16), KeyID: cryptoKey, Suite: domain.EnvelopeSuite,
	},
	domain.DataRewrapped{
		CiphertextHash: digest(17), ContextHash: digest(15), KEMHash: digest(18), KeyID: nextKey,
		OldCiphertextHash: digest(14), OldKeyID: cryptoKey, Suite: domain.EnvelopeSuite,
	},
	domain.DataDecrypted{CiphertextHash: digest(14), Dialect: "node", Encoding: "base64", Form: "envelope", KeyID: cryptoKey, Unverified: true},
	domain.DataDecryptDenied{CiphertextHash: digest(14), Form: "pieces", Reason: "lockdown"},
	domain.DataSigned{Dialect: "cli", Encoding: "base64", KeyID: cryptoKey, SignatureHash: digest(19), Suite: domain.EnvelopeSuite},
	domain.SignatureVerified{KeyID: cryptoKey, KeyTrust: domain.TrustPast, ObjectRef: digest(19)},
	domain.SignatureVerifyFailed{KeyID: cryptoKey, KeyTrust: domain.TrustCurrent, MACValid: true, ObjectRef: digest(19), PQCValid: true},
	domain.AuditChainVerified{BadLinks: 1, BadSigs: 2, Gaps: 3, HeadHash: digest(20), To: 10482},
	domain.ChainVerificationFailed{Fault: "V13", FirstBadSeq: 41},
	domain.CheckpointPublished{RootHash: digest(21), Signer: digest(22), Size: 512},
	domain.ProjectionReconciled{AtSeq: 10482, Mismatches: 1, Rows: 22040},
	domain.CrossTenantAccess{TenantA: tenantID, TenantB: domain.TenantID{ID: domain.ID{2}}},
	domain.IsolationTested{Leaks: 1, Probes: 640},
	domain.PlatformStarted{
		AlgsOutsideModule: []string{"ML-DSA-65"}, CryptoModule: "go-fips140 v1.0.0", CryptoModuleCert: "A6650", FIPSMode: true, Version: "3.0.0",
	},
	domain.KMSAttested{Backend: "local", Custody: domain.CustodyFile, KeyRef: digest(23), ProbeOK: true},
	domain.ClockSyncObserved{OffsetMS: 12, Source: "kernel"},
	domain.BackupCompleted{ChainHead: digest(24), CheckpointSize: 512, Encrypted: true, Events: 90210, SHA3: digest(25)},
	domain.RestoreTested{HeadMatch: true, RowsMatch: true, SHA3: digest(25)},
}
