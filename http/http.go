// Package http serves the vault over HTTP. It translates: requests to commands
// and queries, answers to envelopes, refusals to statuses.
//
// Its one law: it decides nothing, and it repeats nothing. No credential,
// header, body, path or query of a request reaches a log or an error message.
package http
