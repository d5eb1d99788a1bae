// Package domain is the vault's language: the facts it records, the rules that
// decide them, and the values both are made of.
//
// Its one law: it is pure. Nothing here waits, reads a clock, draws a random
// number or sees a plaintext; those arrive as arguments or not at all.
//
// # Facts
//
// An [Event] is something that happened. Its fields are what is stored and signed,
// so a fact keeps its name and its fields for ever: a new need is a new field, or
// a new version beside the old one, which stays readable. [Encode] and [Decode]
// are the way to bytes and back. What a fact says of a person is kept apart from
// its payload, so that erasing the person leaves every signature standing (see
// [Personal]). Times are Unix microseconds; what other unit there is, is named.
//
// # States
//
// The facts about one thing fold to a value: [Credential], [Session], [APIKey],
// [User], [Tenant], [CryptoKeys], [Account], [Directory]. The zero value is the thing before its
// first fact. Evolve gives the value after one more fact; it has no opinion about
// whether that should have happened.
//
// # Rules
//
// A rule is a method on a state. It returns the facts that follow from what is
// asked, or a refusal, and changes nothing:
//
//	facts, err := credential.Unseal(via, environment, now)
//
// No facts and no error mean that nothing is to be done: what was asked for is so
// already. Facts beside an error are a refusal that goes on the record. Whoever
// asks appends the facts on the condition that the state is still the one they
// were decided on, and else asks again. Asking again after the facts stand changes
// nothing a second time.
//
// # Refusals
//
// A refusal is an [*Error], whose message may be shown to whoever asked. Any other
// error is a fault of ours.
package domain

// Kind says what the caller can do about a refusal. The http package turns each
// into one status; nothing else needs to know both.
type Kind uint8

// The kinds of refusal. The zero Kind is none.
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
	Message string // names a field or a rule, never a value
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Refusals that more than one aggregate gives.
var (
	// ErrUnauthenticated refuses whoever has not proven who they are.
	ErrUnauthenticated = &Error{Unauthenticated, "authentication required"}
	// ErrDenied refuses what the access that was proven does not cover.
	ErrDenied = &Error{Denied, "access denied"}
	// ErrContended refuses a change that others were faster than.
	ErrContended = &Error{Conflict, "the resource is being changed by others"}
)

func invalid(message string) error { return &Error{Invalid, message} }
