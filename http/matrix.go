package http

import "github.com/quantaseal/quantaseal/domain"

// matrix says of every route who may use it, and when. A route without a line
// here is served to nobody.
var matrix = map[pattern]access{
	{"GET", "/health"}:       {public: true},
	{"GET", "/openapi.json"}: {public: true},
	{"GET", "/docs"}:         {public: true},

	{"POST", "/auth/register"}: {public: true},
	{"POST", "/auth/login"}:    {public: true},
	{"POST", "/auth/refresh"}:  {public: true},
	{"POST", "/auth/logout"}:   {public: true},

	{"POST", "/auth/verify-email"}:    {public: true},
	{"POST", "/auth/password/forgot"}: {public: true},
	{"POST", "/auth/password/reset"}:  {public: true},
	{"POST", "/auth/mfa/verify"}:      {public: true}, // with an MFA token; without one it authenticates itself

	{"GET", "/auth/me"}:              {action: "auth.me", roles: everybody, self: true},
	{"POST", "/auth/mfa/setup"}:      {action: "auth.mfa.setup", roles: everybody, self: true},
	{"POST", "/auth/mfa/disable"}:    {action: "auth.mfa.disable", roles: everybody, never: true},
	{"POST", "/auth/password"}:       {action: "auth.password", roles: everybody, never: true, self: true},
	{"POST", "/auth/step-up"}:        {action: "auth.step_up", roles: everybody, never: true},
	{"GET", "/auth/sessions"}:        {action: "auth.session.list", roles: everybody, never: true},
	{"DELETE", "/auth/sessions/:id"}: {action: "auth.session.revoke", roles: everybody, never: true},

	{"GET", "/vault/list"}:                {action: "vault.list", roles: viewers, scope: domain.ScopeVaultList},
	{"GET", "/vault/entries"}:             {action: "vault.list", roles: viewers, scope: domain.ScopeVaultList},
	{"GET", "/vault/:id/versions"}:        {action: "vault.versions", roles: viewers, scope: domain.ScopeVaultList},
	{"GET", "/vault/:id/history"}:         {action: "vault.history", roles: everybody, scope: domain.ScopeAuditRead},
	{"GET", "/vault/:id/access"}:          {action: "vault.access", roles: auditors, scope: domain.ScopeAuditRead},
	{"GET", "/vault/:id"}:                 {action: "vault.unseal", roles: editors, scope: domain.ScopeVaultUnseal, releases: true, denies: true},
	{"GET", "/vault/unseal/:id"}:          {action: "vault.unseal", roles: editors, scope: domain.ScopeVaultUnseal, releases: true, denies: true},
	{"POST", "/vault/unseal/:id"}:         {action: "vault.unseal", roles: editors, scope: domain.ScopeVaultUnseal, releases: true, denies: true},
	{"POST", "/vault/unseal"}:             {action: "vault.unseal", roles: editors, scope: domain.ScopeVaultUnseal, releases: true, denies: true},
	{"POST", "/vault/seal"}:               {action: "vault.seal", roles: editors, scope: domain.ScopeVaultSeal, adds: true},
	{"POST", "/vault/rotate/:id"}:         {action: "vault.rotate", roles: editors, scope: domain.ScopeVaultRotate, adds: true},
	{"POST", "/vault/entries/:id/rotate"}: {action: "vault.rotate", roles: editors, scope: domain.ScopeVaultRotate, adds: true},
	{"DELETE", "/vault/:id"}:              {action: "vault.delete", roles: admins, scope: domain.ScopeVaultDelete},
	{"DELETE", "/vault/entries/:id"}:      {action: "vault.retire", roles: admins, scope: domain.ScopeVaultDelete},
	{"POST", "/vault/:id/restore"}:        {action: "vault.restore", roles: admins, scope: domain.ScopeVaultDelete},

	{"GET", "/security/api-keys"}:        {action: "security.api_key.list", roles: editors, scope: domain.ScopeKeysManage},
	{"GET", "/settings/api-keys"}:        {action: "security.api_key.list", roles: editors, scope: domain.ScopeKeysManage},
	{"POST", "/security/api-keys"}:       {action: "security.api_key.create", roles: admins, scope: domain.ScopeKeysManage, stepUp: true, adds: true},
	{"DELETE", "/security/api-keys/:id"}: {action: "security.api_key.revoke", roles: admins, scope: domain.ScopeKeysManage, stepUp: true},

	{"GET", "/security/api-keys/:id/blast-radius"}: {action: "security.api_key.blast_radius", roles: auditors, scope: domain.ScopeAuditRead},

	{"POST", "/auth/accept-invitation"}: {public: true},
	{"GET", "/users"}:                   {action: "user.list", roles: admins, never: true},
	{"POST", "/users/invite"}:           {action: "user.invite", roles: admins, never: true, stepUp: true, adds: true},
	{"PATCH", "/users/:id"}:             {action: "user.role", roles: admins, never: true, stepUp: true, adds: true},
	{"POST", "/users/:id/erase"}:        {action: "user.erase", roles: admins, never: true, stepUp: true},
	{"DELETE", "/users/:id"}:            {action: "user.deactivate", roles: admins, never: true, stepUp: true},

	{"POST", "/security/emergency-lockdown"}:         {action: "security.lockdown", roles: admins, scope: domain.ScopeRevoke},
	{"POST", "/security/emergency-lockdown/release"}: {action: "security.lockdown.release", roles: owners, scope: domain.ScopeRevoke, never: true, stepUp: true},

	{"GET", "/settings"}:   {action: "settings.read", roles: auditors, scope: domain.ScopeSettingsRead},
	{"PATCH", "/settings"}: {action: "settings.write", roles: admins, scope: domain.ScopeSettings, adds: true},

	{"POST", "/encryption/encrypt"}:       {action: "encryption.encrypt", roles: editors, scope: domain.ScopeEncrypt, adds: true},
	{"POST", "/encryption/encrypt/batch"}: {action: "encryption.encrypt", roles: editors, scope: domain.ScopeEncrypt, adds: true},
	{"POST", "/encryption/decrypt"}:       {action: "encryption.decrypt", roles: editors, scope: domain.ScopeDecrypt, releases: true, denies: true},
	{"POST", "/encryption/decrypt/batch"}: {action: "encryption.decrypt", roles: editors, scope: domain.ScopeDecrypt, releases: true, denies: true},
	{"POST", "/encryption/sign"}:          {action: "encryption.sign", roles: editors, scope: domain.ScopeSign, adds: true},
	{"POST", "/encryption/sign/batch"}:    {action: "encryption.sign", roles: editors, scope: domain.ScopeSign, adds: true},
	{"POST", "/encryption/verify"}:        {action: "encryption.verify", roles: viewers, scope: domain.ScopeVerify},
	{"POST", "/encryption/verify/batch"}:  {action: "encryption.verify", roles: viewers, scope: domain.ScopeVerify},
	{"POST", "/encryption/rewrap"}:        {action: "encryption.rewrap", roles: editors, scope: domain.ScopeEncrypt, adds: true, denies: true},
	{"POST", "/encryption/rewrap/batch"}:  {action: "encryption.rewrap", roles: editors, scope: domain.ScopeEncrypt, adds: true, denies: true},
	{"POST", "/encryption/selftest"}:      {action: "encryption.selftest", roles: viewers, scope: domain.ScopeVerify},

	{"GET", "/encryption/keys"}:              {action: "key.list", roles: viewers, scope: domain.ScopeVerify},
	{"POST", "/encryption/keys/rotate"}:      {action: "key.rotate", roles: admins, scope: domain.ScopeSettings, stepUp: true}, // a key that leaked is replaced, trial or not
	{"POST", "/settings/rotate-signing-key"}: {action: "key.rotate", roles: admins, scope: domain.ScopeSettings, stepUp: true},
	{"POST", "/encryption/keys/:id/retire"}:  {action: "key.retire", roles: admins, scope: domain.ScopeSettings, stepUp: true},
	{"POST", "/encryption/keys/:id/escrow"}:  {action: "key.escrow", roles: owners, scope: domain.ScopeSettings, never: true, stepUp: true, releases: true},
	{"DELETE", "/encryption/keys/:id"}:       {action: "key.destroy", roles: owners, scope: domain.ScopeSettings, never: true, stepUp: true},

	{"GET", "/compliance/score"}:              {action: "compliance.score", roles: everybody, scope: domain.ScopeCompliance},
	{"GET", "/compliance/score/:framework"}:   {action: "compliance.score", roles: everybody, scope: domain.ScopeCompliance},
	{"GET", "/compliance/history"}:            {action: "compliance.history", roles: everybody, scope: domain.ScopeCompliance},
	{"GET", "/compliance/history/:framework"}: {action: "compliance.history", roles: everybody, scope: domain.ScopeCompliance},
	{"GET", "/compliance/diff"}:               {action: "compliance.diff", roles: everybody, scope: domain.ScopeCompliance},
	{"GET", "/compliance/diff/:framework"}:    {action: "compliance.diff", roles: everybody, scope: domain.ScopeCompliance},
	{"GET", "/compliance/frameworks"}:         {action: "compliance.frameworks", roles: everybody, scope: domain.ScopeCompliance},

	{"GET", "/metrics/usage"}:                 {action: "metrics.read", roles: auditors, scope: domain.ScopeAuditRead},
	{"GET", "/metrics/encryption"}:            {action: "metrics.read", roles: auditors, scope: domain.ScopeAuditRead},
	{"GET", "/metrics/api"}:                   {action: "metrics.read", roles: auditors, scope: domain.ScopeAuditRead},
	{"GET", "/metrics/api-usage"}:             {action: "metrics.read", roles: auditors, scope: domain.ScopeAuditRead},
	{"GET", "/metrics/vault"}:                 {action: "metrics.read", roles: auditors, scope: domain.ScopeAuditRead},
	{"GET", "/compliance/report"}:             {action: "compliance.report", roles: admins, scope: domain.ScopeReport, adds: true},
	{"POST", "/compliance/report/:framework"}: {action: "compliance.report", roles: admins, scope: domain.ScopeReport, adds: true},
	{"POST", "/compliance/reports"}:           {action: "compliance.report", roles: admins, scope: domain.ScopeReport, adds: true},
	{"POST", "/compliance/reports/generate"}:  {action: "compliance.report", roles: admins, scope: domain.ScopeReport, adds: true},
	{"GET", "/compliance/reports"}:            {action: "compliance.report.list", roles: everybody, scope: domain.ScopeCompliance},
	{"GET", "/compliance/reports/:id"}:        {action: "compliance.report.read", roles: everybody, scope: domain.ScopeCompliance},
	{"GET", "/blobs/*key"}:                    {public: true}, // its URL is signed

	{"GET", "/audit/logs"}:     {action: "audit.read", roles: everybody, scope: domain.ScopeAuditRead},
	{"GET", "/audit/logs/:id"}: {action: "audit.read", roles: everybody, scope: domain.ScopeAuditRead},
	{"GET", "/audit"}:          {action: "audit.read", roles: everybody, scope: domain.ScopeAuditRead},
	{"GET", "/audit/stream"}:   {action: "audit.stream", roles: everybody, scope: domain.ScopeAuditRead},
	{"POST", "/audit/export"}:  {action: "audit.export", roles: auditors, scope: domain.ScopeAuditExport},

	{"GET", "/audit/verify"}:            {action: "audit.verify", roles: auditors, scope: domain.ScopeAuditRead},
	{"GET", "/audit/checkpoint"}:        {action: "audit.checkpoint", roles: everybody, scope: domain.ScopeAuditRead, factless: true},
	{"GET", "/audit/proof/consistency"}: {action: "audit.consistency", roles: everybody, scope: domain.ScopeAuditRead, factless: true},
	{"GET", "/audit/proof/:seq"}:        {action: "audit.proof", roles: auditors, scope: domain.ScopeAuditRead},
	{"GET", "/checkpoint"}:              {action: "audit.tiles", roles: everybody, scope: domain.ScopeAuditRead, factless: true},
	{"GET", "/tile/*path"}:              {action: "audit.tiles", roles: everybody, scope: domain.ScopeAuditRead, factless: true},
}

// showsCode is the access to POST /auth/mfa/verify without an MFA token: then the
// route is for whoever the request proves to come from.
var showsCode = access{action: "auth.mfa.verify", roles: everybody, self: true}
