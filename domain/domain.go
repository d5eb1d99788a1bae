// Package domain is the vault's language: the facts it records, the rules that
// decide them, and the values both are made of.
//
// Its one law: it is pure. Nothing here waits, reads a clock, draws a random
// number or sees a plaintext; those arrive as arguments or not at all. A rule is
// a method on a folded value that returns the facts which follow, or a refusal:
//
//	facts, err := credential.Rotate(proposal, now)
//
// A fact that was ever stored keeps its name and its fields for ever. What
// personal data a fact carries is kept apart from its payload, so that erasing
// a person leaves every signature standing (see [Personal]).
package domain

// Kind says what the caller can do about a refusal. The http package turns each
// into one status; nothing else needs to know both.
type Kind uint8

// The kinds of refusal. The zero Kind is not a refusal but a fault of ours.
const (
	Invalid         Kind = iota + 1 // the request's fields are wrong
	Unauthenticated                 // who asks is not proven
	Denied                          // who asks may not
	NotFound                        // what is asked for does not exist
	Gone                            // it did exist
	Conflict                        // it exists already, or has moved on
	Unavailable                     // something this needs is down; try again
	TooLarge                        // more than is served in one answer
)

// Error is a refusal whose message is safe to show to the caller. Any other
// error in the system is a fault, and its text stays in our logs.
type Error struct {
	Kind    Kind
	Message string
}

func (e *Error) Error() string { return e.Message }

// Refusals that more than one aggregate gives.
var (
	ErrUnauthenticated = &Error{Unauthenticated, "authentication required"}
	ErrDenied          = &Error{Denied, "access denied"}
	ErrContended       = &Error{Conflict, "the resource is being changed by others"}
)

func invalid(message string) error { return &Error{Invalid, message} }
