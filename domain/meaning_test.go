package domain_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/quantaseal/quantaseal/domain"
)

// meanings says what each fact means to a reader of the log, in one line. A fact
// that belongs to no aggregate of the domain says what it is about.
var meanings = map[string]struct{ about, meaning string }{
	"CHAIN_GENESIS":                   {"tenant", "The chain begins: the root key certifies its first audit key."},
	"KEYS_REWRAPPED":                  {"tenant", "The operator has another key of a KMS wrap what one wrapped before; the keys stay, and so does everything under them."},
	"CHAIN_RESTORED":                  {"tenant", "The operator authorised that the chain goes on without what an older database has lost; verifiers show the lost range for ever."},
	"TENANT_LOST":                     {"", "On the system chain: nothing is left of a tenant that was anchored; its place is not given again."},
	"ACCOUNT_CLAIMED":                 {"", "On the system chain: an e-mail address now belongs to one user of one tenant."},
	"TENANT_ADDED":                    {"", "On the system chain: a tenant has its place among the chains."},
	"ACCOUNT_RELEASED":                {"", "On the system chain: the address of an erased person may be claimed again."},
	"AUTH_FAILURES_SUMMARISED":        {"tenant", "On the system chain: how many proofs failed that came from one network within a window."},
	"TENANT_SETTINGS_CHANGED":         {"", "The tenant decided something about itself; *weakens* says that it holds less than before."},
	"TENANT_ACTIVATED":                {"", "The tenant's trial is over and no clock runs."},
	"OWNER_ADDED":                     {"", "A user counts among the tenant's owners."},
	"OWNER_REMOVED":                   {"", "A user counts among the owners no longer; another one stays."},
	"EMERGENCY_LOCKDOWN_ACTIVATED":    {"", "No value of the tenant is released until the lockdown is lifted. A drill locks too."},
	"EMERGENCY_LOCKDOWN_LIFTED":       {"", "Values are released again."},
	"USER_INVITED":                    {"", "A person may become a user of the tenant."},
	"USER_EMAIL_VERIFIED":             {"", "The user showed that they read what is sent to their address."},
	"USER_ROLE_CHANGED":               {"", "The user is something else within the tenant."},
	"USER_DEACTIVATED":                {"", "The user may do nothing more, nor may their sessions and keys."},
	"ACCOUNT_LOCKED":                  {"", "Too many logins failed: for a while no password opens the account."},
	"ACCOUNT_UNLOCKED":                {"", "The lock is over, or forgotten after a login that succeeded."},
	"MFA_ENROLMENT_STARTED":           {"", "The user was given a second factor, which counts once a code of it was shown."},
	"MFA_ENABLED":                     {"", "The second factor counts."},
	"MFA_DISABLED":                    {"", "The user has no second factor any more."},
	"MFA_CODE_USED":                   {"", "A code of the second factor was accepted; it is not accepted again."},
	"MFA_BACKUP_CODE_USED":            {"", "A backup code was accepted and is spent."},
	"NEW_DEVICE_SEEN":                 {"", "A session began in a browser that was not known, from a network that none began in; the user is told, but of the *first*."},
	"PROOF_ISSUED":                    {"", "A token was sent to the user's address; who brings it back reads what is sent there."},
	"PROOF_CONSUMED":                  {"", "The token came back in time and is spent."},
	"SUBJECT_ERASED":                  {"", "The key of the person's data is destroyed: nobody can read what these events said of them."},
	"SESSION_STEPPED_UP":              {"", "The session's user proved once more who they are."},
	"TENANT_REGISTERED":               {"", "The tenant begins, with a trial clock or without."},
	"USER_REGISTERED":                 {"", "A person has an account in the tenant."},
	"PASSWORD_SET":                    {"", "The user's password was set or replaced."},
	"LOGIN_SUCCEEDED":                 {"", "The user proved who they are; a session follows."},
	"LOGIN_FAILED":                    {"", "Somebody named an existing account and did not prove that it is theirs."},
	"SESSION_ISSUED":                  {"", "A session begins, with its first refresh token."},
	"SESSION_REFRESHED":               {"", "The session's refresh token was used and replaced."},
	"SESSION_REVOKED":                 {"", "The session is over, and with it all of its tokens."},
	"REFRESH_TOKEN_REUSE_DETECTED":    {"", "A refresh token came again after it was replaced: somebody holds a copy."},
	"API_KEY_CREATED":                 {"", "An API key may act, within its scopes, its environment and its time."},
	"API_KEY_REVOKED":                 {"", "The API key is over."},
	"CREDENTIAL_SEALED":               {"", "A value was sealed as a new credential."},
	"CREDENTIAL_UNSEALED":             {"", "The current value was released; this fact stood before that."},
	"CREDENTIAL_UNSEAL_DENIED":        {"", "Somebody asked for a value and did not get it."},
	"CREDENTIAL_ROTATED":              {"", "The credential was sealed again under fresh keys, with a new value or the same."},
	"CREDENTIAL_RETIRED":              {"", "The credential is out of use and can come back for a while."},
	"CREDENTIAL_RESTORED":             {"", "A retired credential is in use again."},
	"CREDENTIAL_EXPIRED":              {"", "The credential's time ran out and it is over."},
	"CREDENTIAL_DELETED":              {"", "The credential is over."},
	"CREDENTIAL_VERSION_SHREDDED":     {"", "The key of a superseded version was destroyed: nobody can read it again."},
	"CREDENTIAL_SHREDDED":             {"", "The last key of an ended credential was destroyed: nobody can read it again."},
	"CREDENTIALS_LISTED":              {"tenant", "An actor listed credentials, within one minute by one filter."},
	"AUDIT_LOG_QUERIED":               {"tenant", "An actor read the audit log, within one minute by one filter."},
	"AUDIT_EXPORTED":                  {"tenant", "An actor exported the chain between two sequence numbers."},
	"COMPLIANCE_SCORED":               {"tenant", "An actor was given a score for a compliance framework, within one minute by one question."},
	"COMPLIANCE_REPORT_GENERATED":     {"tenant", "A report for a compliance framework was made and signed; this fact stood before anybody was given it."},
	"KEY_GENERATED":                   {"", "A generation of encryption keys begins, the first for its purpose in its environment."},
	"KEY_ROTATED":                     {"", "A later generation makes what is new; the one before opens and verifies on."},
	"KEY_RETIRED":                     {"", "The key opens and verifies nothing any more."},
	"KEY_DESTROYED":                   {"", "The secrets of a retired key were destroyed: nobody can open what was encrypted for it."},
	"ESCROW_EXPORTED":                 {"", "An owner was given the secrets of a key; this fact stood before that."},
	"DATA_ENCRYPTED":                  {"", "An envelope was made and released; this fact stood before that."},
	"DATA_REWRAPPED":                  {"", "An envelope was made of an older one, and no plaintext left."},
	"DATA_DECRYPTED":                  {"", "A plaintext was released; this fact stood before that."},
	"DATA_DECRYPT_DENIED":             {"", "Somebody asked for the plaintext of an envelope and did not get it."},
	"DATA_SIGNED":                     {"", "A document was signed; this fact stood before its signatures left."},
	"SIGNATURE_VERIFIED":              {"", "Both signatures of a document held."},
	"SIGNATURE_VERIFY_FAILED":         {"", "A document was offered whose signatures did not both hold."},
	"AUDIT_CHAIN_VERIFIED":            {"tenant", "The chain was verified from one record to another, and nothing is wrong with it. *gaps* counts what it says itself is lost."},
	"AUDIT_CHAIN_VERIFICATION_FAILED": {"tenant", "The chain is not what was signed; *fault* names the first check that did not hold."},
	"CHECKPOINT_PUBLISHED":            {"tenant", "Which checkpoint the log of anchors had come to, once in a verification."},
	"PROJECTION_RECONCILED":           {"tenant", "Read models, sealed records and what should be gone were compared with the chain."},
	"CROSS_TENANT_ACCESS":             {"tenant", "On the system chain: one tenant was given what is another's. This is an incident."},
	"TENANT_ISOLATION_TESTED":         {"tenant", "On the system chain: how many tries of a job to cross from one tenant to another were made, and how many succeeded."},
	"PLATFORM_STARTED":                {"tenant", "On the system chain: what a server runs on that began."},
	"KMS_ATTESTED":                    {"tenant", "On the system chain: where the root key is, and whether it answered rightly."},
	"CLOCK_SYNC_OBSERVED":             {"tenant", "On the system chain: how far a server's clock may be off."},
	"BACKUP_COMPLETED":                {"tenant", "On the system chain: a backup was made, and read again."},
	"RESTORE_TESTED":                  {"tenant", "On the system chain: a backup was restored, and compared with what was backed up."},
	"ACCESS_DENIED":                   {"tenant, credential or key", "A known actor asked for something that its access or a rule does not allow."},
	"INTEGRITY_VIOLATION":             {"credential or key", "Stored data contradicts the log or its own signatures. This is never normal."},
}

// aggregateOf returns the kind of aggregate that e is about, as far as its type says.
func aggregateOf(e domain.Event) (kinds []string) {
	if _, ok := e.(domain.TenantEvent); ok {
		kinds = append(kinds, domain.KindTenant.String())
	}
	if _, ok := e.(domain.DirectoryEvent); ok {
		kinds = append(kinds, domain.KindTenant.String())
	}
	if _, ok := e.(domain.AccountEvent); ok {
		kinds = append(kinds, domain.KindUser.String())
	}
	if _, ok := e.(domain.UserEvent); ok {
		kinds = append(kinds, domain.KindUser.String())
	}
	if _, ok := e.(domain.SessionEvent); ok {
		kinds = append(kinds, domain.KindSession.String())
	}
	if _, ok := e.(domain.APIKeyEvent); ok {
		kinds = append(kinds, domain.KindKey.String())
	}
	if _, ok := e.(domain.CredentialEvent); ok {
		kinds = append(kinds, domain.KindCredential.String())
	}
	if _, ok := e.(domain.CryptoEvent); ok {
		kinds = append(kinds, domain.KindCrypto.String())
	}
	return kinds
}

// Every fact means something, and one that changes something belongs to the one
// aggregate that folds it.
func TestFactsHaveMeaning(t *testing.T) {
	for _, e := range facts {
		name, kinds := e.EventType().Name, aggregateOf(e)
		m := meanings[name]
		if m.meaning == "" || !strings.HasSuffix(m.meaning, ".") {
			t.Errorf("%s means %q", name, m.meaning)
		}
		if m.about == "" && len(kinds) != 1 {
			t.Errorf("%s is about %v", name, kinds)
		}
		if !domain.Observes(e) && len(kinds) != 1 {
			t.Errorf("%s changes something, and is folded by %v", name, kinds)
		}
		if domain.RequiresVersion(e) && !domain.Observes(e) {
			t.Errorf("%s changes its aggregate and so requires its version anyway", name)
		}
	}
	if len(meanings) != len(facts) {
		t.Errorf("%d meanings for %d types of fact", len(meanings), len(facts))
	}
}

// How an attempt ended is read off its fact, and so is whether the fact holds
// for the version alone that it was decided on.
func TestOutcomesAndVersions(t *testing.T) {
	refused := []string{"ACCESS_DENIED", "AUTH_FAILURES_SUMMARISED", "CREDENTIAL_UNSEAL_DENIED", "DATA_DECRYPT_DENIED", "LOGIN_FAILED", "SIGNATURE_VERIFY_FAILED"}
	failed := []string{"AUDIT_CHAIN_VERIFICATION_FAILED", "CROSS_TENANT_ACCESS", "INTEGRITY_VIOLATION", "REFRESH_TOKEN_REUSE_DETECTED"}
	required := []string{
		"CREDENTIAL_UNSEALED", "DATA_DECRYPTED", "DATA_ENCRYPTED", "DATA_REWRAPPED", "DATA_SIGNED", "ESCROW_EXPORTED", "INTEGRITY_VIOLATION",
		"SIGNATURE_VERIFIED", "SIGNATURE_VERIFY_FAILED",
	}
	for _, e := range facts {
		name, want := e.EventType().Name, domain.Success
		switch {
		case slices.Contains(refused, name):
			want = domain.Refused
		case slices.Contains(failed, name):
			want = domain.Failed
		}
		if got := domain.OutcomeOf(e); got != want {
			t.Errorf("%s has outcome %d, want %d", name, got, want)
		}
		if got := domain.RequiresVersion(e); got != slices.Contains(required, name) {
			t.Errorf("%s requires its version: %v", name, got)
		}
	}
	for _, e := range []domain.Event{
		domain.CredentialUnsealDenied{Reason: "unknown_version"},
		domain.AccessDenied{Reason: "unknown_version"},
		domain.DataDecryptDenied{Reason: domain.ReasonUnverified},
	} {
		if !domain.RequiresVersion(e) {
			t.Errorf("%#v may be decided on a fold from before the version was made", e)
		}
	}
}

const eventsHeader = `# Events

Every fact that can stand on a chain. This page is generated from the facts
themselves by ` + "`make golden`" + `; the stored bytes of each are shown under
` + "`domain/testdata/events`" + `.

- **about** names the aggregate that the fact belongs to. A fact that *observes*
  changes nothing that a later decision looks at, and is no version of its aggregate.
  Where it observes *a version*, it holds for the version it was decided on alone;
  so does a denial whose reason is ` + "`unknown_version` or `unverified`" + `.
- **payload** is JSON with sorted keys, signed and kept for ever, readable by every
  auditor of the tenant. An *id* is a UUID, a *hash* 64 hexadecimal digits, a *time*
  Unix microseconds with 0 for none.
- **personal** is kept beside the payload, encrypted under the key of the person or
  the tenant it is about. Destroying that key erases it and leaves the chain whole.
- What a request made also has ` + "`in_declared_range`" + ` in its payload: *yes* or *no* for a
  request from within or without the ranges that the tenant declares, *none_declared*
  where it declares none. The address itself is personal. ` + "`CHAIN_GENESIS`" + ` has it never.
- Beside both every event carries who acted, for which request, when, and how it
  ended: with *success* unless said otherwise.

| event | action | about | payload | personal | meaning |
|---|---|---|---|---|---|
`

const eventsFooter = `
## Reasons

Why something was not to be had, as ` + "`CREDENTIAL_UNSEAL_DENIED`, `DATA_DECRYPT_DENIED`" + `
and ` + "`ACCESS_DENIED`" + ` say it. To whoever asked for a credential all of them look alike.

| reason | meaning |
|---|---|
| ` + "`scope`" + ` | the access does not cover what was asked for |
| ` + "`role`" + ` | the user's role does not |
| ` + "`api_key`" + ` | it is for people, and never for API keys |
| ` + "`address`" + ` | neither the API key nor the tenant allows it from there |
| ` + "`mfa_owed`" + ` | the tenant demands a second factor that the user has not |
| ` + "`trial`" + ` | it adds something, and the trial is over |
| ` + "`lockdown`" + ` | it releases a value, and the tenant is locked |
| ` + "`step_up`" + ` | the user proved too long ago who they are |
| ` + "`route`" + ` | nobody decided who may |
| ` + "`not_found`" + ` | there never was such a credential |
| ` + "`environment`" + ` | it belongs to the other environment |
| ` + "`ended`" + ` | it was deleted, or destroyed after it expired |
| ` + "`expired`" + ` | its time has run out |
| ` + "`retired`" + ` | it is out of use, and was not restored |
| ` + "`restore_window`" + ` | it was retired too long ago to be restored |
| ` + "`unknown_version`" + ` | the version that was named was never made |
| ` + "`unverified`" + ` | an envelope is not the tenant's as it is, whatever is wrong with it |
| ` + "`versions_exhausted`" + ` | it has had as many versions as there can be |
`

// docs/events.md shows the facts as they are. UPDATE=1 rewrites it.
func TestEventsPage(t *testing.T) {
	page := strings.Builder{}
	page.WriteString(eventsHeader)
	for _, e := range facts {
		eventType := e.EventType()
		m := meanings[eventType.Name]
		personal := "–"
		if p, ok := e.(domain.Personal); ok {
			personal = describe(p.PersonalData())
		}
		fmt.Fprintf(&page, "| `%s` v%d | `%s` | %s | %s | %s | %s |\n",
			eventType.Name, eventType.Version, domain.Action(eventType.Name), about(e, m.about), describe(e), personal, outcome(e)+m.meaning)
	}
	page.WriteString(eventsFooter)
	golden(t, "../docs/events.md", []byte(page.String()))
}

func about(e domain.Event, about string) string {
	if about == "" {
		about = strings.Join(aggregateOf(e), ", ")
	}
	switch {
	case domain.RequiresVersion(e):
		return about + ", observes a version"
	case domain.Observes(e):
		return about + ", observes"
	}
	return about
}

func outcome(e domain.Event) string {
	return map[domain.Outcome]string{domain.Refused: "*Refused.* ", domain.Failed: "*Failed.* "}[domain.OutcomeOf(e)]
}

// describe lists the stored fields of v with their types.
func describe(v any) string {
	var list []string
	for _, f := range fieldsOf(v) {
		list = append(list, fmt.Sprintf("`%s` %s", f.name, describeType(f.typ)))
	}
	return strings.Join(list, "<br>")
}

func describeType(typ reflect.Type) string {
	if word := plain[typ]; word != "" {
		return word
	}
	switch {
	case typ == reflect.TypeFor[[]domain.SeqRange]():
		return "list of stretches, each *from* and *to* a sequence number"
	case typ == reflect.TypeFor[[]domain.Digest]():
		return "list of hashes"
	case typ.Kind() == reflect.String:
		return "text"
	case typ.Kind() == reflect.Slice && typ.Elem().Kind() == reflect.String:
		return "list of text"
	case typ == reflect.TypeFor[[]byte]():
		return "base64"
	}
	return "JSON object"
}
