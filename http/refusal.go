package http

import (
	"errors"
	"net/http"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// refusal is any answer but success, as the caller sees it. The edge refuses
// with these itself; what commands and queries refuse with is turned into one
// by refusalFor.
type refusal struct {
	status  int
	kind    string // error.type, for programs
	message string // error.message, for people
}

func (r *refusal) Error() string { return r.message }

// detailed is a refusal that tells programs more than its kind.
type detailed struct {
	error
	details map[string]any
}

func (d *detailed) Unwrap() error { return d.error }

// What the edge refuses by itself.
var (
	errMalformed        = &refusal{http.StatusBadRequest, "malformed_request", "Malformed request"}
	errTooLarge         = &refusal{http.StatusBadRequest, "request_too_large", "Request too large"}
	errUnauthenticated  = &refusal{http.StatusUnauthorized, "unauthenticated", "Authentication required"}
	errMFARequired      = &refusal{http.StatusUnauthorized, "mfa_required", "A second factor is required"}
	errDenied           = &refusal{http.StatusForbidden, "access_denied", "Access denied"}
	errStepUp           = &refusal{http.StatusForbidden, "step_up_required", "Prove once more who you are"}
	errFactorOwed       = &refusal{http.StatusForbidden, "mfa_enrolment_required", "Set up a second factor first"}
	errNotFound         = &refusal{http.StatusNotFound, "not_found", "Not found"}
	errMethodNotAllowed = &refusal{http.StatusMethodNotAllowed, "method_not_allowed", "Method not allowed"}
	errInternal         = &refusal{http.StatusInternalServerError, "internal_error", "Internal server error"}
	errKeyReused        = &refusal{http.StatusConflict, "idempotency_key_reused", "This Idempotency-Key was used for another request"}
	errTooMany          = &refusal{http.StatusTooManyRequests, "rate_limited", "Too many requests"}
	errNotImplemented   = &refusal{http.StatusNotImplemented, "not_implemented", "Not implemented"}
	errUnavailable      = &refusal{http.StatusServiceUnavailable, "unavailable", "Temporarily unavailable"}
	errRolledBack       = &refusal{http.StatusServiceUnavailable, "rollback_detected", "Nothing is recorded until the operator decides"}
)

// statuses is the one table from what the domain refuses to what HTTP says. An
// empty message stands for the refusal's own, which names a field or a rule and
// never a value.
var statuses = map[domain.Kind]refusal{
	domain.Invalid:         {http.StatusUnprocessableEntity, "validation_failed", ""},
	domain.Unauthenticated: *errUnauthenticated,
	domain.Denied:          *errDenied,
	domain.NotFound:        *errNotFound,
	domain.Gone:            {http.StatusGone, "gone", "No longer available"},
	domain.Conflict:        {http.StatusConflict, "conflict", ""},
	domain.Unavailable:     *errUnavailable,
	domain.TooLarge:        {http.StatusUnprocessableEntity, "too_large", ""},
}

// vaultShows lists the refusals that the vault gives apart from its uniform
// denial: each is decided before anything is looked up, so none says anything
// about a credential.
var vaultShows = map[int]bool{
	http.StatusBadRequest:          true,
	http.StatusUnauthorized:        true,
	http.StatusUnprocessableEntity: true,
	http.StatusTooManyRequests:     true,
	http.StatusNotImplemented:      true,
	http.StatusServiceUnavailable:  true,
}

// refusalFor returns what to answer for err. A fault becomes errInternal: its
// text is for the log alone.
func refusalFor(err error) *refusal {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r
	}
	switch {
	case errors.Is(err, commands.ErrKeyReused):
		return errKeyReused
	case errors.Is(err, eventstore.ErrRolledBack):
		return errRolledBack
	case errors.Is(err, domain.ErrStepUp):
		return errStepUp
	case errors.Is(err, domain.ErrFactorOwed):
		return errFactorOwed
	}
	if e, ok := errors.AsType[*domain.Error](err); ok {
		if r, ok := statuses[e.Kind]; ok {
			if r.message == "" {
				r.message = e.Message
			}
			return &r
		}
	}
	return errInternal
}
