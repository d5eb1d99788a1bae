package http

import "github.com/quantaseal/quantaseal/domain"

// matrix says of every route who may use it, and when. A route without a line
// here is served to nobody.
var matrix = map[pattern]access{
	{"GET", "/health"}: {public: true},

	{"POST", "/auth/register"}: {public: true},
	{"POST", "/auth/login"}:    {public: true},
	{"POST", "/auth/refresh"}:  {public: true},
	{"POST", "/auth/logout"}:   {public: true},

	{"POST", "/auth/verify-email"}:    {public: true},
	{"POST", "/auth/password/forgot"}: {public: true},
	{"POST", "/auth/password/reset"}:  {public: true},
	{"POST", "/auth/mfa/verify"}:      {public: true}, // with an MFA token; without one it authenticates itself

	{"GET", "/auth/me"}:              {roles: everybody, self: true},
	{"POST", "/auth/mfa/setup"}:      {roles: everybody, self: true},
	{"POST", "/auth/mfa/disable"}:    {roles: everybody, never: true},
	{"POST", "/auth/password"}:       {roles: everybody, never: true, self: true},
	{"POST", "/auth/step-up"}:        {roles: everybody, never: true},
	{"GET", "/auth/sessions"}:        {roles: everybody, never: true},
	{"DELETE", "/auth/sessions/:id"}: {roles: everybody, never: true},

	{"GET", "/vault/list"}:                {roles: viewers, scope: domain.ScopeVaultList},
	{"GET", "/vault/entries"}:             {roles: viewers, scope: domain.ScopeVaultList},
	{"GET", "/vault/:id/versions"}:        {roles: viewers, scope: domain.ScopeVaultList},
	{"GET", "/vault/:id/history"}:         {roles: everybody, scope: domain.ScopeAuditRead},
	{"GET", "/vault/:id"}:                 {roles: editors, scope: domain.ScopeVaultUnseal, releases: true},
	{"GET", "/vault/unseal/:id"}:          {roles: editors, scope: domain.ScopeVaultUnseal, releases: true},
	{"POST", "/vault/unseal/:id"}:         {roles: editors, scope: domain.ScopeVaultUnseal, releases: true},
	{"POST", "/vault/unseal"}:             {roles: editors, scope: domain.ScopeVaultUnseal, releases: true},
	{"POST", "/vault/seal"}:               {roles: editors, scope: domain.ScopeVaultSeal, adds: true},
	{"POST", "/vault/rotate/:id"}:         {roles: editors, scope: domain.ScopeVaultRotate, adds: true},
	{"POST", "/vault/entries/:id/rotate"}: {roles: editors, scope: domain.ScopeVaultRotate, adds: true},
	{"DELETE", "/vault/:id"}:              {roles: admins, scope: domain.ScopeVaultDelete},
	{"DELETE", "/vault/entries/:id"}:      {roles: admins, scope: domain.ScopeVaultDelete},
	{"POST", "/vault/:id/restore"}:        {roles: admins, scope: domain.ScopeVaultDelete},

	{"GET", "/security/api-keys"}:        {roles: editors, scope: domain.ScopeKeysManage},
	{"GET", "/settings/api-keys"}:        {roles: editors, scope: domain.ScopeKeysManage},
	{"POST", "/security/api-keys"}:       {roles: admins, scope: domain.ScopeKeysManage, stepUp: true, adds: true},
	{"DELETE", "/security/api-keys/:id"}: {roles: admins, scope: domain.ScopeKeysManage, stepUp: true},

	{"POST", "/auth/accept-invitation"}: {public: true},
	{"GET", "/users"}:                   {roles: admins, never: true},
	{"POST", "/users/invite"}:           {roles: admins, never: true, stepUp: true, adds: true},
	{"PATCH", "/users/:id"}:             {roles: admins, never: true, stepUp: true, adds: true},
	{"POST", "/users/:id/erase"}:        {roles: admins, never: true, stepUp: true},
	{"DELETE", "/users/:id"}:            {roles: admins, never: true, stepUp: true},

	{"POST", "/security/emergency-lockdown"}:         {roles: admins, scope: domain.ScopeRevoke},
	{"POST", "/security/emergency-lockdown/release"}: {roles: owners, scope: domain.ScopeRevoke, never: true, stepUp: true},

	{"GET", "/settings"}:   {roles: auditors, scope: domain.ScopeSettingsRead},
	{"PATCH", "/settings"}: {roles: admins, scope: domain.ScopeSettings, adds: true},

	{"POST", "/encryption/encrypt"}:       {roles: editors, scope: domain.ScopeEncrypt, adds: true},
	{"POST", "/encryption/encrypt/batch"}: {roles: editors, scope: domain.ScopeEncrypt, adds: true},
	{"POST", "/encryption/decrypt"}:       {roles: editors, scope: domain.ScopeDecrypt, releases: true},
	{"POST", "/encryption/decrypt/batch"}: {roles: editors, scope: domain.ScopeDecrypt, releases: true},
	{"POST", "/encryption/sign"}:          {roles: editors, scope: domain.ScopeSign, adds: true},
	{"POST", "/encryption/sign/batch"}:    {roles: editors, scope: domain.ScopeSign, adds: true},
	{"POST", "/encryption/verify"}:        {roles: viewers, scope: domain.ScopeVerify},
	{"POST", "/encryption/verify/batch"}:  {roles: viewers, scope: domain.ScopeVerify},
	{"POST", "/encryption/rewrap"}:        {roles: editors, scope: domain.ScopeEncrypt, adds: true},
	{"POST", "/encryption/rewrap/batch"}:  {roles: editors, scope: domain.ScopeEncrypt, adds: true},
	{"POST", "/encryption/selftest"}:      {roles: viewers, scope: domain.ScopeVerify},

	{"GET", "/encryption/keys"}:              {roles: viewers, scope: domain.ScopeVerify},
	{"POST", "/encryption/keys/rotate"}:      {roles: admins, scope: domain.ScopeSettings, stepUp: true, adds: true},
	{"POST", "/settings/rotate-signing-key"}: {roles: admins, scope: domain.ScopeSettings, stepUp: true, adds: true},
	{"POST", "/encryption/keys/:id/retire"}:  {roles: admins, scope: domain.ScopeSettings, stepUp: true},
	{"POST", "/encryption/keys/:id/escrow"}:  {roles: owners, scope: domain.ScopeSettings, never: true, stepUp: true, releases: true},
	{"DELETE", "/encryption/keys/:id"}:       {roles: owners, scope: domain.ScopeSettings, never: true, stepUp: true},

	{"GET", "/audit/logs"}:     {roles: everybody, scope: domain.ScopeAuditRead},
	{"GET", "/audit/logs/:id"}: {roles: everybody, scope: domain.ScopeAuditRead},
	{"GET", "/audit"}:          {roles: everybody, scope: domain.ScopeAuditRead},
	{"POST", "/audit/export"}:  {roles: auditors, scope: domain.ScopeAuditExport},
}
