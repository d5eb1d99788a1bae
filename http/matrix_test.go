package http

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
)

// Every route has its line in the matrix, and every line a route.
func TestMatrixIsWhole(t *testing.T) {
	s := &Server{}
	engine := s.engine()
	s.routes(engine)
	served := map[pattern]bool{}
	for _, r := range engine.Routes() {
		p := pattern{r.Method, strings.TrimPrefix(r.Path, apiPrefix)}
		served[p] = true
		if _, ok := matrix[p]; !ok {
			t.Errorf("nobody decided who may %s %s", r.Method, r.Path)
		}
	}
	for p, a := range matrix {
		switch {
		case !served[p]:
			t.Errorf("%v is decided about and not served", p)
		case a.public == (len(a.roles) > 0):
			t.Errorf("%v is for everybody and for some, or for nobody", p)
		case a.public != (a.action == ""):
			t.Errorf("%v has no name for the record, or needs none", p)
		case a.public && (a.scope != "" || a.never || a.stepUp || a.adds || a.releases || a.denies || a.self):
			t.Errorf("%v is for everybody on conditions", p)
		case !a.public && a.scope == "" && !a.never && !a.self:
			t.Errorf("%v takes no scope of an API key", p)
		case strings.HasPrefix(p.path, "/vault/") && !strings.HasPrefix(string(a.scope), "vault:") && a.scope != domain.ScopeAuditRead:
			t.Errorf("%v takes %q", p, a.scope)
		}
	}
}

// permissions is the matrix as it was designed, by hand: who of viewer, editor,
// admin, owner and auditor may (own: what is theirs), the scope, and marks:
// * proven just now, + stopped by the end of the trial, ! stopped by a lockdown,
// - not for API keys, ~ open to who owes a second factor.
const permissions = `
GET    /auth/me                   V E A O R  none           ~
POST   /auth/mfa/setup            V E A O R  none           ~
POST   /auth/mfa/disable          V E A O R  none           -
POST   /auth/password             V E A O R  none           -~
POST   /auth/step-up              V E A O R  none           -
GET    /auth/sessions             V E A O R  none           -
DELETE /auth/sessions/:id         V E A O R  none           -
GET    /vault/list                V E A O .  vault:list
GET    /vault/entries             V E A O .  vault:list
GET    /vault/:id/versions        V E A O .  vault:list
GET    /vault/:id/history         V E A O R  audit:read
GET    /vault/:id/access          . . A O R  audit:read
GET    /security/api-keys/:id/blast-radius . . A O R  audit:read
GET    /vault/:id                 . E A O .  vault:unseal   !
GET    /vault/unseal/:id          . E A O .  vault:unseal   !
POST   /vault/unseal/:id          . E A O .  vault:unseal   !
POST   /vault/unseal              . E A O .  vault:unseal   !
POST   /vault/seal                . E A O .  vault:seal     +
POST   /vault/rotate/:id          . E A O .  vault:rotate   +
POST   /vault/entries/:id/rotate  . E A O .  vault:rotate   +
DELETE /vault/:id                 . . A O .  vault:delete
DELETE /vault/entries/:id         . . A O .  vault:delete
POST   /vault/:id/restore         . . A O .  vault:delete
GET    /security/api-keys         . E A O .  keys:manage
GET    /settings/api-keys         . E A O .  keys:manage
POST   /security/api-keys         . . A O .  keys:manage    *+
DELETE /security/api-keys/:id     . . A O .  keys:manage    *
GET    /users                     . . A O .  none           -
POST   /users/invite              . . A O .  none           -*+
PATCH  /users/:id                 . . A O .  none           -*+
POST   /users/:id/erase           . . A O .  none           -*
DELETE /users/:id                 . . A O .  none           -*
POST   /security/emergency-lockdown         . . A O .  security:revoke
POST   /security/emergency-lockdown/release . . . O .  security:revoke -*
GET    /settings                  . . A O R  settings:read
PATCH  /settings                  . . A O .  settings:write +
POST   /encryption/encrypt        . E A O .  encryption:encrypt +
POST   /encryption/encrypt/batch . E A O .  encryption:encrypt +
POST   /encryption/decrypt        . E A O .  encryption:decrypt !
POST   /encryption/decrypt/batch . E A O .  encryption:decrypt !
POST   /encryption/sign           . E A O .  encryption:sign    +
POST   /encryption/sign/batch . E A O .  encryption:sign    +
POST   /encryption/verify         V E A O .  encryption:verify
POST   /encryption/verify/batch V E A O .  encryption:verify
POST   /encryption/rewrap         . E A O .  encryption:encrypt +
POST   /encryption/rewrap/batch . E A O .  encryption:encrypt +
POST   /encryption/selftest       V E A O .  encryption:verify
GET    /encryption/keys           V E A O .  encryption:verify
POST   /encryption/keys/rotate    . . A O .  settings:write *
POST   /settings/rotate-signing-key . . A O .  settings:write *
POST   /encryption/keys/:id/retire . . A O .  settings:write *
POST   /encryption/keys/:id/escrow . . . O .  settings:write -*!
DELETE /encryption/keys/:id       . . . O .  settings:write -*
GET    /compliance/score             V E A O R  compliance:read
GET    /compliance/score/:framework  V E A O R  compliance:read
GET    /compliance/history           V E A O R  compliance:read
GET    /compliance/history/:framework V E A O R  compliance:read
GET    /compliance/diff              V E A O R  compliance:read
GET    /compliance/diff/:framework   V E A O R  compliance:read
GET    /compliance/frameworks        V E A O R  compliance:read
GET    /metrics/usage             . . A O R  audit:read
GET    /metrics/encryption        . . A O R  audit:read
GET    /metrics/api               . . A O R  audit:read
GET    /metrics/api-usage         . . A O R  audit:read
GET    /metrics/vault             . . A O R  audit:read
GET    /compliance/report            . . A O .  compliance:report +
POST   /compliance/report/:framework . . A O .  compliance:report +
POST   /compliance/reports           . . A O .  compliance:report +
POST   /compliance/reports/generate  . . A O .  compliance:report +
GET    /compliance/reports           V E A O R  compliance:read
GET    /compliance/reports/:id       V E A O R  compliance:read
GET    /audit/logs                V E A O R  audit:read
GET    /audit/logs/:id            V E A O R  audit:read
GET    /audit                     V E A O R  audit:read
GET    /audit/stream              V E A O R  audit:read
POST   /audit/export              . . A O R  audit:export
GET    /audit/verify              . . A O R  audit:read
GET    /audit/checkpoint          V E A O R  audit:read
GET    /audit/proof/consistency   V E A O R  audit:read
GET    /audit/proof/:seq          . . A O R  audit:read
GET    /checkpoint                V E A O R  audit:read
GET    /tile/*path                V E A O R  audit:read
`

// letters are the columns of permissions.
var letters = []domain.Role{domain.RoleViewer, domain.RoleEditor, domain.RoleAdmin, domain.RoleOwner, domain.RoleAuditor}

// circumstances are what may bar somebody whom role and scope let pass.
type circumstances struct{ key, stale, over, locked, elsewhere, owes bool }

// The decision about every route, for every role, with every set of scopes that
// matters, in all circumstances, is the one that was designed.
func TestMatrixExhaustively(t *testing.T) {
	now, here, away := noon, netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("198.51.100.7")
	ranges := domain.Settings{Restricted: true, AllowedRanges: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}
	decided := map[pattern]bool{}
	for line := range strings.Lines(strings.TrimSpace(permissions)) {
		f := strings.Fields(line)
		p, scope, marks := pattern{f[0], f[1]}, domain.Scope(f[7]), strings.Join(f[8:], "")
		if scope == "none" {
			scope = ""
		}
		decided[p] = true
		for n, role := range append(letters, "", "root") {
			for _, scopes := range [][]domain.Scope{role.Scopes(), domain.AllScopes(), {scope}, nil, without(scope)} {
				for bits := range 1 << 6 {
					on := func(bit int) bool { return bits>>bit&1 == 1 }
					c := circumstances{on(0), on(1), on(2), on(3), on(4), on(5)}
					by := domain.Actor{Kind: domain.ActorUser, Role: role, Scopes: role.Limit(scopes), ProvenAt: now.UnixMicro()}
					st := commands.Standing{Tenant: domain.Tenant{TrialEndsAt: now.Add(time.Hour).UnixMicro(), Settings: ranges}}
					client := here
					if c.key {
						by.Kind, by.ProvenAt = domain.ActorKey, 0
					}
					if c.stale {
						by.ProvenAt = now.Add(-domain.StepUpTTL - time.Microsecond).UnixMicro()
					}
					if c.over {
						st.Tenant.TrialEndsAt = now.UnixMicro()
					}
					if c.locked {
						st.Tenant.Lockdown = domain.ID{1}
					}
					if c.elsewhere {
						client = away
					}
					st.Tenant.Settings.MFAEnforced = c.owes
					may := n < len(letters) && f[2+n] != "." && (scope == "" || slices.Contains(by.Scopes, scope)) &&
						!c.elsewhere && (!c.key || !strings.Contains(marks, "-")) &&
						(c.key || !c.owes || strings.Contains(marks, "~")) &&
						(!c.over || !strings.Contains(marks, "+")) && (!c.locked || !strings.Contains(marks, "!")) &&
						(c.key || !c.stale || !strings.Contains(marks, "*"))
					if why := matrix[p].bars(by, st, client, now); may != (why == "") {
						t.Fatalf("%v by %q with %v in %+v: barred by %q, want %v", p, role, by.Scopes, c, why, may)
					}
				}
			}
		}
	}
	for p, a := range matrix {
		if !a.public && !decided[p] {
			t.Errorf("%v is not in the design", p)
		}
	}
	if why := (access{}).bars(domain.Actor{Kind: domain.ActorUser, Role: domain.RoleOwner}, commands.Standing{}, here, now); why != domain.BarredRoute {
		t.Errorf("what nobody decided is barred by %q", why)
	}
}

func without(scope domain.Scope) []domain.Scope {
	return slices.DeleteFunc(domain.AllScopes(), func(s domain.Scope) bool { return s == scope })
}

// An API key acts from where it may and nowhere else.
func TestKeysAreHeldToTheirAddresses(t *testing.T) {
	st := commands.Standing{Key: domain.APIKey{Restricted: true, Ranges: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}}
	by := domain.Actor{Kind: domain.ActorKey, Role: domain.RoleOwner, Scopes: domain.AllScopes()}
	for addr, want := range map[string]string{"192.0.2.7": "", "::ffff:192.0.2.7": "", "192.0.3.7": "address", "": "address"} {
		client, _ := netip.ParseAddr(addr)
		if got := matrix[pattern{"GET", "/vault/list"}].bars(by, st, client, noon); got != want {
			t.Errorf("from %q: barred by %q, want %q", addr, got, want)
		}
	}
}

// A command that denies by itself and lets somebody pass gives them nothing, and
// the log says so.
func TestForgottenDenialGivesNothing(t *testing.T) {
	var log bytes.Buffer
	s := &Server{Log: slog.New(slog.NewTextHandler(&log, nil))}
	c, _ := gin.CreateTestContext(httptest.NewRecorder())
	c.Request = httptest.NewRequest("GET", "/api/v2/audit", nil)
	user := domain.Actor{Kind: domain.ActorUser}
	passes, barred := user, user
	passes.Verdict, barred.Verdict = domain.Judged(""), domain.Judged(domain.BarredRole)
	if err := s.permits(c, passes); err != nil || log.Len() > 0 {
		t.Errorf("who is not barred gets %v", err)
	}
	for _, by := range []domain.Actor{barred, user} {
		if err := s.permits(c, by); !errors.Is(err, errDenied) || !strings.Contains(log.String(), "let pass") {
			t.Errorf("%+v gets %v", by.Verdict, err)
		}
		log.Reset()
	}
}

// Only what takes the same work for everybody runs for somebody who is barred.
func TestHandlersRunForNobodyBarred(t *testing.T) {
	barred := domain.Actor{Kind: domain.ActorUser, Verdict: domain.Judged(domain.BarredRole)}
	for p, a := range matrix {
		if a.public {
			continue
		}
		in := &call{by: barred, access: a, http: httptest.NewRequest(p.method, apiPrefix+p.path, nil)}
		runs := func() (runs bool) {
			defer func() { _ = recover() }() // a Server of nothing cannot deny
			return (&Server{}).admit(t.Context(), in, none{}) == nil
		}()
		if value := slices.Contains([]string{"vault.unseal", "encryption.decrypt", "encryption.rewrap"}, a.action); runs != value {
			t.Errorf("%v: the handler runs: %v", p, runs)
		}
	}
}
