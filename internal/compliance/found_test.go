package compliance_test

import (
	"time"

	"github.com/quantaseal/quantaseal/domain"
)

// What each check finds in a chain: the result, or the ratio where that lies
// between. cites says how many facts it holds against the tenant.
var found = []struct {
	check, name string
	tell        func(s *story)
	want        string
	cites       int
}{
	{"QS-CRED-01", "no credential", func(*story) {}, "not_applicable", 0},
	{"QS-CRED-01", "fresh", func(s *story) { s.seals(1, user(ada), 0); s.later(89 * day) }, "pass", 0},
	{"QS-CRED-01", "stale, and one fresh", func(s *story) {
		s.seals(1, user(ada), 0)
		s.later(89*day).seals(2, user(ada), 0)
		s.later(2 * day)
	}, "1/2", 1},
	{"QS-CRED-01", "older than its own lifetime", func(s *story) { s.seals(1, user(ada), 10); s.later(11 * day) }, "fail", 1},
	{"QS-CRED-01", "keys renewed, the value is not", func(s *story) {
		e := s.seals(1, user(ada), 0)
		s.later(80*day).happens(user(ada), rotated(e, false)).later(20 * day)
	}, "fail", 1},
	{"QS-CRED-01", "a new value", func(s *story) {
		e := s.seals(1, user(ada), 0)
		s.later(80*day).happens(user(ada), rotated(e, true)).later(20 * day)
	}, "pass", 0},

	{"QS-CRED-02", "nothing ran out", func(s *story) { s.seals(1, user(ada), 30) }, "not_applicable", 0},
	{"QS-CRED-02", "expired in time", func(s *story) {
		e := s.seals(1, user(ada), 30)
		s.later(30*day+time.Hour).happens(system, domain.CredentialExpired{EntryID: e}).later(day)
	}, "pass", 0},
	{"QS-CRED-02", "not swept", func(s *story) { s.seals(1, user(ada), 30); s.later(31*day + time.Hour) }, "fail", 1},
	{"QS-CRED-02", "opened too late", func(s *story) {
		e := s.seals(1, user(ada), 30)
		s.later(30*day+time.Hour).happens(user(ada), domain.CredentialUnsealed{EntryID: e, ScopeUsed: domain.ScopeVaultUnseal})
		s.happens(system, domain.CredentialExpired{EntryID: e})
	}, "fail", 1},

	{"QS-CRED-03", "one of two for ever", func(s *story) { s.seals(1, user(ada), 365); s.seals(2, user(ada), 0) }, "1/2", 1},

	{"QS-CRED-04", "nothing ended", func(s *story) { s.seals(1, user(ada), 0) }, "not_applicable", 0},
	{"QS-CRED-04", "destroyed", func(s *story) { deleted(s, true) }, "pass", 0},
	{"QS-CRED-04", "still to be destroyed", func(s *story) {
		s.happens(user(ada), domain.CredentialDeleted{EntryID: s.seals(1, user(ada), 0)}).later(30 * time.Minute)
	}, "not_applicable", 0},
	{"QS-CRED-04", "not destroyed", func(s *story) { deleted(s, false) }, "fail", 1},
	{"QS-CRED-04", "opened again", func(s *story) {
		e := deleted(s, true)
		s.happens(user(ada), domain.CredentialUnsealed{EntryID: e, ScopeUsed: domain.ScopeVaultUnseal})
	}, "fail", 1},

	{"QS-CRED-04", "a key retired lately", func(s *story) { s.happens(user(ada), generated, retiredKey).later(29 * day) }, "not_applicable", 0},
	{"QS-CRED-04", "a key retired and kept", func(s *story) { s.happens(user(ada), generated, retiredKey).later(31 * day) }, "fail", 1},
	{"QS-CRED-04", "a key retired and destroyed", func(s *story) {
		s.happens(user(ada), generated, retiredKey, domain.KeyDestruction{KeyID: cryptoKey}).later(31 * day)
	}, "pass", 0},
	{"QS-CRED-04", "a retired key signs", func(s *story) {
		s.happens(user(ada), generated, retiredKey, domain.DataSigned{KeyID: cryptoKey, Suite: 1})
	}, "fail", 1},

	{"QS-CRED-05", "owned", func(s *story) { s.seals(1, user(ada), 0) }, "pass", 0},
	{"QS-CRED-05", "the owner left", func(s *story) {
		s.seals(1, user(ada), 0)
		s.happens(user(bob), domain.UserDeactivated{Reason: "removed", UserID: ada})
	}, "fail", 1},

	{"QS-CRYP-01", "the chain alone", func(*story) {}, "pass", 0},
	{"QS-CRYP-01", "an unknown suite", func(s *story) {
		e := s.seals(1, user(ada), 0)
		s.happens(user(ada), domain.CredentialRotated{OldEntryID: e, NewEntryID: e.Credential().Entry(2), Suite: 2, Version: 2})
	}, "3/4", 1},
	{"QS-CRYP-01", "an envelope and its key", func(s *story) {
		s.happens(user(ada), generated, domain.DataEncrypted{KeyID: cryptoKey, Suite: domain.EnvelopeSuite})
	}, "pass", 0},
	{"QS-CRYP-01", "an unknown envelope", func(s *story) {
		s.happens(user(ada), generated, domain.DataEncrypted{KeyID: cryptoKey, Suite: 9})
	}, "4/5", 1},
	{"QS-CRYP-01", "a key of another kind", func(s *story) {
		s.happens(user(ada), domain.KeyGenerated{Algorithm: "ML-KEM-512+ML-DSA-65", KeyID: cryptoKey, Purpose: domain.PurposeEnvelope})
	}, "3/4", 1},
	{"QS-CRYP-02", "keys for envelopes", func(s *story) { s.happens(user(ada), generated) }, "1/2", 0},
	{"QS-CRYP-02", "of two generations, one old", func(s *story) {
		s.happens(user(ada), generated).later(366*day).happens(user(ada),
			domain.KeyGenerated{Algorithm: domain.EnvelopeAlgorithms, Environment: domain.Test, KeyID: domain.CryptoKeyID{ID: domain.ID{1}}, Purpose: domain.PurposeEnvelope})
	}, "1/3", 2},
	{"QS-CRYP-02", "rotated", func(s *story) {
		s.happens(user(ada), generated).later(300*day).happens(user(ada), domain.KeyRotated{
			Algorithm: domain.EnvelopeAlgorithms, NewKeyID: domain.CryptoKeyID{ID: domain.ID{1}}, OldKeyID: cryptoKey, Purpose: domain.PurposeEnvelope,
		}).later(100 * day)
	}, "3/8", 1},
	{"QS-CRYP-02", "only the audit key is on record", func(*story) {}, "1/8", 0},
	{"QS-CRYP-02", "and it is old", func(s *story) { s.later(366 * day) }, "fail", 1},

	{"QS-IAM-01", "an owner without a factor", func(*story) {}, "fail", 1},
	{"QS-IAM-01", "with one", func(s *story) { s.happens(user(ada), domain.MFAEnabled{UserID: ada}) }, "pass", 0},
	{"QS-IAM-01", "had, and has none", func(s *story) {
		s.happens(user(ada), domain.MFAEnabled{UserID: ada}, domain.MFADisabled{UserID: ada})
	}, "fail", 1},
	{"QS-IAM-01", "let in without it", func(s *story) {
		s.happens(user(ada), domain.MFAEnabled{UserID: ada}, domain.LoginSucceeded{UserID: ada}).later(29 * day)
	}, "fail", 1},
	{"QS-IAM-01", "long ago", func(s *story) {
		s.happens(user(ada), domain.MFAEnabled{UserID: ada}, domain.LoginSucceeded{UserID: ada}).later(31 * day)
	}, "pass", 0},
	{"QS-IAM-02", "nobody has to", func(s *story) { s.happens(user(ada), domain.MFAEnabled{UserID: ada}) }, "9/10", 0},
	{"QS-IAM-02", "everybody has to", func(s *story) {
		s.happens(user(ada), domain.MFAEnabled{UserID: ada}).sets(domain.SettingMFA, "true")
	}, "pass", 0},
	{"QS-IAM-02", "one of two", func(s *story) {
		s.joins(bob, domain.RoleViewer).happens(user(ada), domain.MFAEnabled{UserID: ada}).sets(domain.SettingMFA, "true")
	}, "1/2", 1},

	{"QS-IAM-03", "never needed", func(*story) {}, "pass", 0},
	{"QS-IAM-03", "locked", func(s *story) { fails(s, 5).happens(nobody, locked(s)) }, "pass", 0},
	{"QS-IAM-03", "not locked", func(s *story) { fails(s, 5) }, "fail", 1},
	{"QS-IAM-03", "too slow to count", func(s *story) {
		for range 5 {
			fails(s, 1).later(4 * time.Minute)
		}
	}, "pass", 0},
	{"QS-IAM-03", "let in through the lock", func(s *story) {
		fails(s, 5).happens(nobody, locked(s)).happens(user(ada), domain.LoginSucceeded{UserID: ada})
	}, "fail", 1},
	{"QS-IAM-03", "unlocked first", func(s *story) {
		fails(s, 5).happens(nobody, locked(s)).happens(user(ada), domain.AccountUnlocked{AccountRef: ada.ID}, domain.LoginSucceeded{UserID: ada})
	}, "pass", 0},
	{"QS-IAM-03", "more failures before the lock", func(s *story) { fails(s, 7).happens(nobody, locked(s)) }, "pass", 0},
	{"QS-IAM-03", "too lenient", func(s *story) { s.sets(domain.SettingLockoutAttempts, "11") }, "fail", 1},
	{"QS-IAM-04", "no history is kept", func(s *story) { s.sets(domain.SettingPasswordLength, "14") }, "fail", 1},

	{"QS-IAM-05", "no session", func(*story) {}, "not_applicable", 0},
	{"QS-IAM-05", "one of two idles for ever", func(s *story) {
		s.happens(user(ada), issued(1800, 604800, 3600), issued(1800, 604800, 0))
	}, "1/2", 1},
	{"QS-IAM-05", "before the window", func(s *story) { s.happens(user(ada), issued(1800, 604800, 0)).later(31 * day) }, "not_applicable", 0},

	{"QS-IAM-06", "too young to tell", func(*story) {}, "not_applicable", 0},
	{"QS-IAM-06", "idle", func(s *story) { s.later(91 * day) }, "fail", 1},
	{"QS-IAM-06", "not idle", func(s *story) { s.later(91*day).seals(1, user(ada), 0) }, "pass", 0},
	{"QS-IAM-07", "no key", func(*story) {}, "not_applicable", 0},
	{"QS-IAM-07", "a scope there is not", func(s *story) { s.creates(robot, 30, "vault:everything") }, "fail", 1},
	{"QS-IAM-07", "named", func(s *story) { s.creates(robot, 30, domain.ScopeVaultList) }, "pass", 0},
	{"QS-IAM-07", "run out", func(s *story) { s.creates(robot, 30, "vault:everything").later(31 * day) }, "not_applicable", 0},
	{"QS-IAM-08", "young", func(s *story) { s.creates(robot, 365, domain.ScopeVaultList) }, "pass", 0},
	{"QS-IAM-08", "lives too long", func(s *story) { s.creates(robot, 366, domain.ScopeVaultList) }, "fail", 1},
	{"QS-IAM-09", "nothing granted", func(*story) {}, "not_applicable", 0},
	{"QS-IAM-09", "half is used", func(s *story) {
		s.creates(robot, 365, domain.ScopeVaultList, domain.ScopeVaultSeal).later(91*day).seals(1, key(robot), 0)
	}, "3/4", 1},
	{"QS-IAM-10", "alone", func(s *story) { deleted(s, true) }, "fail", 1},
	{"QS-IAM-10", "by two", func(s *story) {
		s.joins(bob, domain.RoleAdmin).happens(user(bob), domain.CredentialDeleted{EntryID: s.seals(1, user(ada), 0)})
	}, "pass", 0},
	{"QS-IAM-10", "an API key is its owner", func(s *story) {
		s.creates(robot, 30, domain.ScopeVaultSeal)
		s.happens(user(ada), domain.CredentialDeleted{EntryID: s.seals(1, key(robot), 0)})
	}, "fail", 1},
	{"QS-IAM-10", "the sweeper finishes", func(s *story) {
		s.joins(bob, domain.RoleAdmin)
		e := s.seals(1, user(ada), 0)
		s.happens(user(bob), domain.CredentialRetired{EntryID: e}).happens(system, domain.CredentialDeleted{EntryID: e})
	}, "pass", 0},
	{"QS-IAM-12", "unproven", func(s *story) {
		s.happens(nobody, domain.UserRegistered{AccountRef: bob.ID, Role: domain.RoleViewer, UserID: bob})
	}, "1/2", 1},
	{"QS-IAM-12", "proven later", func(s *story) {
		s.happens(nobody, domain.UserRegistered{AccountRef: bob.ID, Role: domain.RoleViewer, UserID: bob})
		s.happens(user(bob), domain.UserEmailVerified{UserID: bob})
	}, "pass", 0},

	{"QS-IAM-13", "nothing privileged", func(*story) {}, "not_applicable", 0},
	{"QS-IAM-13", "allowed", func(s *story) { unseals(s, user(ada)) }, "pass", 0},
	{"QS-IAM-13", "an administrator takes a key's secrets", func(s *story) {
		s.joins(bob, domain.RoleAdmin).happens(user(bob), domain.EscrowExported{})
	}, "fail", 1},
	{"QS-IAM-13", "a plaintext for a viewer", func(s *story) { s.joins(bob, domain.RoleViewer).happens(user(bob), domain.DataDecrypted{}) }, "fail", 1},
	{"QS-IAM-13", "nobody did it", func(s *story) { unseals(s, nobody) }, "fail", 1},
	{"QS-IAM-13", "a viewer", func(s *story) { s.joins(bob, domain.RoleViewer); unseals(s, user(bob)) }, "fail", 1},
	{"QS-IAM-13", "a key without the scope", func(s *story) { unseals(s.creates(robot, 30, domain.ScopeVaultList), key(robot)) }, "1/2", 1},
	{"QS-IAM-13", "a key after its time", func(s *story) {
		unseals(s.creates(robot, 1, domain.ScopeVaultUnseal).later(2*day), key(robot))
	}, "1/2", 1},
	{"QS-IAM-13", "allowed then, not now", func(s *story) {
		s.joins(bob, domain.RoleEditor)
		unseals(s, user(bob)).happens(user(ada), domain.UserRoleChanged{NewRole: domain.RoleViewer, OldRole: domain.RoleEditor, UserID: bob})
	}, "pass", 0},

	{"QS-NET-01", "none declared", func(*story) {}, "fail", 0},
	{"QS-NET-01", "declared", func(s *story) { s.sets(domain.SettingRanges, "n=1 v4=24") }, "pass", 0},
	{"QS-NET-01", "the whole of the net", func(s *story) { s.sets(domain.SettingRanges, "n=1 v4=0") }, "fail", 1},
	{"QS-NET-01", "half from elsewhere", func(s *story) {
		s.sets(domain.SettingRanges, "n=1 v4=24").happens(user(ada),
			domain.LoginSucceeded{InDeclaredRange: domain.InRange, UserID: ada}, domain.LoginSucceeded{InDeclaredRange: domain.OutOfRange, UserID: ada})
	}, "1/2", 1},

	{"QS-AUD-01", "never verified as a whole", func(*story) {}, "no_evidence", 0},
	{"QS-AUD-04", "kept for ever", func(*story) {}, "pass", 0},
	{"QS-AUD-04", "half a year", func(s *story) { s.sets(domain.SettingRetention, "73") }, "1/5", 2},
	{"QS-AUD-05", "never looked at", func(*story) {}, "fail", 0},
	{"QS-AUD-05", "one week of two", func(s *story) { s.later(10*day).happens(user(ada), domain.AuditLogQueried{}) }, "1/2", 0},
	{"QS-AUD-05", "by who does not have to", func(s *story) { s.joins(bob, domain.RoleViewer).happens(user(bob), domain.AuditLogQueried{}) }, "fail", 0},
	{"QS-AUD-06", "complete", func(*story) {}, "pass", 0},
	{"QS-AUD-06", "a field too many", func(s *story) { s.facts[3].Payload = []byte(`{"extra":"x"}`) }, "3/4", 1},
	{"QS-AUD-06", "a secret", func(s *story) {
		s.happens(user(ada), domain.TenantSettingsChanged{Key: "x", New: "qs_live_0123456789abcdefghijklmnop"})
	}, "4/5", 1},
	{"QS-AUD-06", "no request", func(s *story) { s.facts[0].Request = domain.RequestID{} }, "3/4", 1},

	{"QS-RSP-01", "never used", func(*story) {}, "no_evidence", 0},
	{"QS-RSP-01", "lasts", func(s *story) { s.happens(user(ada), lockdown) }, "1/2", 1},
	{"QS-RSP-01", "lifted", func(s *story) { s.happens(user(ada), lockdown, lifted) }, "pass", 0},
	{"QS-RSP-01", "a value got out", func(s *story) { unseals(s.happens(user(ada), lockdown), user(ada)).happens(user(ada), lifted) }, "fail", 2},
	{"QS-RSP-01", "a plaintext got out", func(s *story) { s.happens(user(ada), lockdown, domain.DataDecrypted{}, lifted) }, "fail", 2},
	{"QS-RSP-01", "too long ago", func(s *story) { s.happens(user(ada), lockdown, lifted).later(366 * day) }, "no_evidence", 0},
	{"QS-RSP-02", "nothing revoked", func(*story) {}, "not_applicable", 0},
	{"QS-RSP-02", "at once", func(s *story) {
		s.creates(robot, 30, domain.ScopeVaultSeal).happens(user(ada), domain.APIKeyRevoked{KeyID: robot}).seals(1, key(robot), 0)
	}, "pass", 0},
	{"QS-RSP-02", "too late", func(s *story) {
		s.creates(robot, 30, domain.ScopeVaultSeal).happens(user(ada), domain.APIKeyRevoked{KeyID: robot}).later(6*time.Second).seals(1, key(robot), 0)
	}, "fail", 1},
	{"QS-RSP-02", "a key of who left", func(s *story) {
		s.creates(robot, 30, domain.ScopeVaultSeal).happens(user(bob), domain.UserDeactivated{UserID: ada}).later(time.Minute).seals(1, key(robot), 0)
	}, "fail", 1},
	{"QS-RSP-02", "a session", func(s *story) {
		s.happens(user(ada), domain.SessionRevoked{SessionID: session}).later(time.Minute).happens(nobody, domain.SessionRefreshed{SessionID: session})
	}, "fail", 1},
	{"QS-GOV-01", "no export", func(*story) {}, "fail", 0},
	{"QS-GOV-01", "one quarter of two", func(s *story) { s.later(100*day).happens(user(ada), domain.AuditExported{}) }, "1/2", 0},

	{"QS-AUD-01", "verified", func(s *story) { s.happens(system, verified).later(23 * time.Hour) }, "pass", 0},
	{"QS-AUD-01", "verified the day before yesterday", func(s *story) { s.happens(system, verified).later(71 * time.Hour) }, "1/2", 1},
	{"QS-AUD-01", "verified too long ago", func(s *story) { s.happens(system, verified).later(73 * time.Hour) }, "fail", 1},
	{"QS-AUD-01", "not from its beginning", func(s *story) { s.happens(system, domain.AuditChainVerified{From: 1, To: 3}) }, "no_evidence", 0},
	{"QS-AUD-01", "altered", func(s *story) { s.happens(system, verified, altered) }, "fail", 1},
	{"QS-AUD-01", "altered, and put right", func(s *story) { s.happens(system, altered, verified) }, "pass", 0},
	{"QS-AUD-01", "with a loss", func(s *story) { s.happens(system, domain.AuditChainVerified{Gaps: 1, To: 3}) }, "fail", 1},
	{"QS-AUD-02", "published", func(s *story) { s.happens(system, domain.CheckpointPublished{Size: 1}) }, "1/2", 1},
	{"QS-AUD-02", "published too long ago", func(s *story) { s.happens(system, domain.CheckpointPublished{Size: 1}).later(25 * time.Hour) }, "no_evidence", 0},
	{"QS-AUD-03", "never compared", func(*story) {}, "no_evidence", 0},
	{"QS-AUD-03", "equal", func(s *story) { s.happens(system, domain.ProjectionReconciled{Rows: 9}) }, "pass", 0},
	{"QS-AUD-03", "a third differs", func(s *story) { s.happens(system, domain.ProjectionReconciled{Mismatches: 3, Rows: 9}) }, "2/3", 1},
	{"QS-AUD-03", "compared too long ago", func(s *story) { s.happens(system, domain.ProjectionReconciled{Rows: 9}).later(8 * day) }, "no_evidence", 0},
	{"QS-AUD-07", "never observed", func(*story) {}, "no_evidence", 0},
	{"QS-AUD-07", "in time", func(s *story) { s.observes(domain.ClockSyncObserved{OffsetMS: 1000}) }, "pass", 0},
	{"QS-AUD-07", "late", func(s *story) { s.observes(domain.ClockSyncObserved{OffsetMS: 1001}) }, "1/2", 1},
	{"QS-AUD-07", "not lately", func(s *story) { s.observes(domain.ClockSyncObserved{OffsetMS: 1}).later(25 * time.Hour) }, "1/2", 0},
	{"QS-AUD-07", "back in time", func(s *story) {
		s.observes(domain.ClockSyncObserved{}).later(-time.Second).creates(robot, 1).later(time.Hour)
	}, "1/2", 1},

	{"QS-CRYP-03", "never attested", func(*story) {}, "no_evidence", 0},
	{"QS-CRYP-03", "in a cloud", func(s *story) { s.observes(domain.KMSAttested{Custody: domain.CustodyCloudKMS, ProbeOK: true}) }, "pass", 0},
	{"QS-CRYP-03", "in software", func(s *story) { s.observes(domain.KMSAttested{Custody: domain.CustodyExternal, ProbeOK: true}) }, "1/2", 1},
	{"QS-CRYP-03", "in a file", func(s *story) { s.observes(domain.KMSAttested{Custody: domain.CustodyFile, ProbeOK: true}) }, "fail", 1},
	{"QS-CRYP-03", "which did not answer", func(s *story) { s.observes(domain.KMSAttested{Custody: domain.CustodyCloudKMS}) }, "no_evidence", 0},
	{"QS-CRYP-03", "too long ago", func(s *story) {
		s.observes(domain.KMSAttested{Custody: domain.CustodyCloudKMS, ProbeOK: true}).later(31 * day)
	}, "no_evidence", 0},
	{"QS-CRYP-04", "never started", func(*story) {}, "no_evidence", 0},
	{"QS-CRYP-04", "without a module", func(s *story) { s.observes(domain.PlatformStarted{FIPSMode: true}) }, "fail", 1},
	{"QS-CRYP-04", "in part", func(s *story) {
		s.observes(domain.PlatformStarted{FIPSMode: true, CryptoModuleCert: "A1", AlgsOutsideModule: []string{"ML-DSA-65"}})
	}, "1/2", 1},
	{"QS-CRYP-04", "all of it", func(s *story) { s.observes(domain.PlatformStarted{FIPSMode: true, CryptoModuleCert: "A1"}) }, "pass", 0},
	{"QS-DATA-02", "never probed", func(*story) {}, "no_evidence", 0},
	{"QS-DATA-02", "no probe", func(s *story) { s.observes(domain.IsolationTested{}) }, "no_evidence", 0},
	{"QS-DATA-02", "all refused", func(s *story) { s.observes(domain.IsolationTested{Probes: 5}) }, "pass", 0},
	{"QS-DATA-02", "a leak", func(s *story) { s.observes(domain.IsolationTested{Leaks: 1, Probes: 5}) }, "fail", 1},
	{"QS-DATA-02", "a crossing", func(s *story) {
		s.observes(domain.CrossTenantAccess{TenantA: domain.TenantID{ID: domain.ID{9}}, TenantB: tenant}, domain.IsolationTested{Probes: 5})
	}, "fail", 1},
	{"QS-DATA-02", "a crossing of others", func(s *story) {
		s.observes(domain.CrossTenantAccess{TenantA: domain.TenantID{ID: domain.ID{9}}}, domain.IsolationTested{Probes: 5})
	}, "pass", 0},
	{"QS-DATA-02", "too long ago", func(s *story) { s.observes(domain.IsolationTested{Probes: 5}).later(8 * day) }, "no_evidence", 0},
	{"QS-DATA-03", "neither", func(*story) {}, "no_evidence", 0},
	{"QS-DATA-03", "a backup", func(s *story) { s.observes(domain.BackupCompleted{Encrypted: true}) }, "1/2", 0},
	{"QS-DATA-03", "in the clear", func(s *story) { s.observes(domain.BackupCompleted{}) }, "fail", 0},
	{"QS-DATA-03", "both", func(s *story) {
		s.observes(domain.RestoreTested{HeadMatch: true, RowsMatch: true}).later(364 * day).observes(domain.BackupCompleted{Encrypted: true}).later(23 * time.Hour)
	}, "pass", 0},
	{"QS-DATA-03", "restored, and not the same", func(s *story) {
		s.observes(domain.BackupCompleted{Encrypted: true}, domain.RestoreTested{HeadMatch: true})
	}, "1/2", 1},
	{"QS-GOV-02", "nothing records it", func(s *story) { s.sets(domain.SettingMFA, "false") }, "no_evidence", 0},
}
