package domain_test

import (
	"encoding/json"
	"time"

	"github.com/quantaseal/quantaseal/domain"
)

var expiry = now.Add(90 * 24 * time.Hour).UnixMicro()

// facts holds one fact of every type, each field filled, as its golden file
// shows it. Texts hold what a careless encoder would escape.
var facts = []domain.Event{
	domain.ChainGenesis{KeyCert: []byte("certificate and signature"), PublicKey: []byte("public key"), TenantIndex: 7},
	domain.AccountClaimed{AccountRef: account, TenantID: tenantID, UserID: userID, Personal: domain.Registration{
		Email: "ada@example.org", PasswordHash: "$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$aGFzaA",
		TenantName: "Lovelace & Söhne <Analytical>", TrialEndsAt: expiry, Verified: true,
	}},
	domain.TenantAdded{TenantID: tenantID, TenantIndex: 7},
	domain.TenantRegistered{
		Plan: "trial", TenantID: tenantID, TrialEndsAt: expiry,
		Personal: domain.TenantName{Name: "Lovelace & Söhne <Analytical>"},
	},
	domain.UserRegistered{
		AccountRef: account, Role: domain.RoleOwner, Shared: true, UserID: userID, Verified: true,
		Personal: domain.UserAddress{Email: "ada@example.org"},
	},
	domain.PasswordSet{
		KDF: "hmac-sha512+argon2id$m=65536,t=3,p=1", PolicyVersion: 1, UserID: userID,
		Personal: domain.PasswordHash{Hash: "$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$aGFzaA"},
	},
	domain.LoginSucceeded{InDeclaredRange: domain.NoneDeclared, MFA: true, SessionID: session, UserID: userID},
	domain.LoginFailed{AccountRef: account, InDeclaredRange: domain.NoneDeclared, Reason: "password"},
	domain.SessionIssued{
		AccessTTLSeconds: 1800, ExpiresAt: expiry, IdleLimitSeconds: 900, RefreshTTLSeconds: 604800,
		SessionID: session, TokenDigest: digest(1), UserID: userID,
	},
	domain.SessionRefreshed{SessionID: session, TokenDigest: digest(2), UsedAt: now.UnixMicro()},
	domain.SessionRevoked{Reason: "logout", SessionID: session},
	domain.RefreshTokenReused{SessionID: session},
	domain.APIKeyCreated{
		Digest: digest(3), Environment: domain.Test, ExpiresAt: expiry, KeyID: keyID, Lookup: "0A1b2C3d4E", Owner: userID,
		Prefix: "qs_test_0A1b", Scopes: []domain.Scope{domain.ScopeVaultList, domain.ScopeVaultUnseal},
		Personal: domain.APIKeyName{Name: "Ada's \"deploy\" <key>"},
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
	domain.AccessDenied{Permission: domain.ScopeVaultRotate, Reason: "ended", Route: "vault.rotate"},
	domain.IntegrityViolated{Check: "sealed_record", ObjectRef: credID.Entry(2)},
}
