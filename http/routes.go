package http

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// routes gives every path its handler. Literal segments win over parameters.
func (s *Server) routes(engine *gin.Engine) {
	engine.GET("/health", s.health())
	engine.GET("/openapi.json", s.openAPI)
	engine.GET("/docs", s.docs)
	api := engine.Group(apiPrefix)

	open := endpoint{limit: maxAuthBody}
	opened := endpoint{limit: maxAuthBody, status: http.StatusCreated}
	api.POST("/auth/register", serve(s, opened, s.register))
	api.POST("/auth/login", serve(s, open, s.login))
	api.POST("/auth/refresh", serve(s, open, s.refresh))
	api.POST("/auth/logout", serve(s, open, s.logout))
	api.POST("/auth/verify-email", serve(s, open, s.verifyEmail))
	api.POST("/auth/password/forgot", serve(s, endpoint{limit: maxAuthBody, status: http.StatusAccepted}, s.forgotPassword))
	api.POST("/auth/password/reset", serve(s, open, s.resetPassword))
	api.POST("/auth/mfa/verify", serve(s, open, s.verifyMFA))

	self := endpoint{limit: maxAuthBody}
	api.GET("/auth/me", serve(s, self, s.me))
	api.GET("/auth/sessions", serve(s, self, s.listSessions))
	api.DELETE("/auth/sessions/:id", serve(s, self, s.revokeSession))
	api.POST("/auth/password", serve(s, self, s.changePassword))
	api.POST("/auth/step-up", serve(s, self, s.stepUp))
	api.POST("/auth/mfa/setup", serve(s, endpoint{limit: maxAuthBody, secret: true}, s.setUpMFA))
	api.POST("/auth/mfa/disable", serve(s, self, s.disableMFA))

	var plain endpoint
	created := endpoint{status: http.StatusCreated}
	secret := endpoint{secret: true}
	vault := api.Group("/vault")
	vault.POST("/seal", serve(s, created, s.seal))
	vault.GET("/list", serve(s, plain, s.listCredentials))
	vault.GET("/entries", serve(s, plain, s.listCredentials))
	vault.GET("/:id", serve(s, secret, s.unseal("values", "plaintext")))
	vault.GET("/unseal/:id", serve(s, secret, s.unseal("plaintext")))
	vault.POST("/unseal/:id", serve(s, secret, s.unseal("plaintext")))
	vault.POST("/unseal", serve(s, secret, s.unsealByBody))
	vault.POST("/rotate/:id", serve(s, plain, s.rotate))
	vault.POST("/entries/:id/rotate", serve(s, plain, s.rotate))
	vault.DELETE("/:id", serve(s, plain, s.destroy))
	vault.DELETE("/entries/:id", serve(s, plain, s.retire))
	vault.POST("/:id/restore", serve(s, plain, s.restore))
	vault.GET("/:id/versions", serve(s, plain, s.versions))
	vault.GET("/:id/history", serve(s, plain, s.history))
	vault.GET("/:id/access", serve(s, endpoint{cost: foldCost}, s.access))

	api.POST("/security/api-keys", serve(s, created, s.createKey))
	api.GET("/security/api-keys", serve(s, plain, s.listKeys))
	api.GET("/settings/api-keys", serve(s, plain, s.listKeys))
	api.DELETE("/security/api-keys/:id", serve(s, plain, s.revokeKey))
	api.GET("/security/api-keys/:id/blast-radius", serve(s, endpoint{cost: foldCost}, s.blastRadius))

	api.POST("/auth/accept-invitation", serve(s, opened, s.acceptInvitation))
	api.GET("/users", serve(s, plain, s.listUsers))
	api.POST("/users/invite", serve(s, created, s.invite))
	api.PATCH("/users/:id", serve(s, plain, s.changeRole))
	api.DELETE("/users/:id", serve(s, plain, s.deactivateUser))
	api.POST("/users/:id/erase", serve(s, plain, s.eraseUser))

	api.POST("/security/emergency-lockdown", serve(s, plain, s.lockDown))
	api.POST("/security/emergency-lockdown/release", serve(s, plain, s.liftLockdown))
	api.GET("/settings", serve(s, plain, s.getSettings))
	api.PATCH("/settings", serve(s, plain, s.patchSettings))

	api.POST("/encryption/encrypt", serve(s, plain, s.encrypt))
	api.POST("/encryption/decrypt", serve(s, secret, s.decrypt))
	api.POST("/encryption/sign", serve(s, plain, s.sign))
	api.POST("/encryption/verify", serve(s, plain, s.verify))
	api.POST("/encryption/rewrap", serve(s, plain, s.rewrap))
	api.POST("/encryption/encrypt/batch", serve(s, plain, batch(s, s.encrypt)))
	api.POST("/encryption/decrypt/batch", serve(s, secret, batch(s, s.decrypt)))
	api.POST("/encryption/sign/batch", serve(s, plain, batch(s, s.sign)))
	api.POST("/encryption/verify/batch", serve(s, plain, batch(s, s.verify)))
	api.POST("/encryption/rewrap/batch", serve(s, plain, batch(s, s.rewrap)))
	api.POST("/encryption/selftest", serve(s, plain, s.selfTest))
	api.GET("/encryption/keys", serve(s, plain, s.cryptoKeys))
	api.POST("/encryption/keys/rotate", serve(s, created, s.rotateCryptoKey))
	api.POST("/settings/rotate-signing-key", serve(s, plain, s.rotateSigningKey))
	api.POST("/encryption/keys/:id/retire", serve(s, plain, s.retireCryptoKey))
	api.POST("/encryption/keys/:id/escrow", serve(s, secret, s.escrow))
	api.DELETE("/encryption/keys/:id", serve(s, plain, s.destroyCryptoKey))

	scores := endpoint{folds: "period"}
	api.GET("/compliance/score", serve(s, scores, s.complianceScore))
	api.GET("/compliance/score/:framework", serve(s, scores, s.complianceScore))
	folds := endpoint{cost: foldCost}
	api.GET("/compliance/history", serve(s, folds, s.complianceHistory))
	api.GET("/compliance/history/:framework", serve(s, folds, s.complianceHistory))
	api.GET("/compliance/diff", serve(s, folds, s.complianceDiff))
	api.GET("/compliance/diff/:framework", serve(s, folds, s.complianceDiff))
	api.GET("/compliance/frameworks", serve(s, plain, s.complianceFrameworks))

	api.GET("/metrics/usage", serve(s, folds, s.usageMetrics))
	api.GET("/metrics/encryption", serve(s, folds, s.encryptionMetrics))
	api.GET("/metrics/api", serve(s, folds, s.requestMetrics))
	api.GET("/metrics/api-usage", serve(s, folds, s.requestMetrics))
	api.GET("/metrics/vault", serve(s, folds, s.vaultMetrics))
	report := endpoint{cost: reportCost}
	reported := endpoint{cost: reportCost, status: http.StatusCreated}
	api.GET("/compliance/report", serve(s, report, s.reportNow))
	api.POST("/compliance/report/:framework", serve(s, report, s.makeReport))
	api.POST("/compliance/reports", serve(s, reported, s.makeReport))
	api.POST("/compliance/reports/generate", serve(s, reported, s.makeReport))
	api.GET("/compliance/reports", serve(s, plain, s.listReports))
	api.GET("/compliance/reports/:id", serve(s, plain, s.readReport))
	api.GET("/blobs/*key", s.blob)

	api.GET("/audit/logs", serve(s, plain, s.auditLogs))
	api.GET("/audit/logs/:id", serve(s, plain, s.auditLog))
	api.GET("/audit", serve(s, plain, s.auditLogs))
	api.POST("/audit/export", s.export)
	api.GET("/audit/verify", s.verifyAudit)
	api.GET("/audit/stream", s.streamLog)
	api.GET("/audit/checkpoint", serve(s, plain, s.checkpoint))
	api.GET("/audit/proof/consistency", serve(s, plain, s.consistency))
	api.GET("/audit/proof/:seq", serve(s, plain, s.proof))
	api.GET("/checkpoint", s.note)
	api.GET("/tile/*path", s.tile)
}
