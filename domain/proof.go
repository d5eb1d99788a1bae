package domain

import "time"

// Field names are the stored schema: add, never rename, keep them sorted.
type (
	// ProofIssued is a token that was sent to the user's address: who brings it back
	// reads what is sent there. It replaces an older one for the same purpose.
	ProofIssued struct {
		Digest    Digest  `json:"digest"`     // peppered MAC of 256 bits that nobody else can tell
		ExpiresAt int64   `json:"expires_at"` // Unix microseconds
		Purpose   Purpose `json:"purpose"`
		UserID    UserID  `json:"user_id"`
	}
	// ProofConsumed is a token that came back in time and is spent.
	ProofConsumed struct {
		Purpose Purpose `json:"purpose"`
		UserID  UserID  `json:"user_id"`
	}
)

// EventType implements Event.
func (ProofIssued) EventType() EventType { return EventType{"PROOF_ISSUED", 1} }

// EventType implements Event.
func (ProofConsumed) EventType() EventType { return EventType{"PROOF_CONSUMED", 1} }

func (ProofIssued) user()   {}
func (ProofConsumed) user() {}

// Purpose is what a token proves, and allows. The words are stored.
type Purpose string

// The purposes.
const (
	ProvesAddress    Purpose = "email_verification"
	ProvesReset      Purpose = "password_reset"
	ProvesInvitation Purpose = "invitation"
)

// Lifetime returns how long a token for the purpose lives; 0 if there is none.
func (p Purpose) Lifetime() time.Duration {
	switch p {
	case ProvesAddress:
		return 24 * time.Hour
	case ProvesReset:
		return time.Hour
	case ProvesInvitation:
		return 7 * 24 * time.Hour
	}
	return 0
}

// ProofInterval is how soon after a token another one for the same purpose is
// issued: whoever asks for many does not void, or flood, what is in the mailbox.
const ProofInterval = time.Minute

// Proof is a token that may come back. The zero Proof is none.
type Proof struct {
	Digest    Digest
	ExpiresAt int64 // Unix microseconds
}

// Proofs holds the newest token for each purpose.
type Proofs struct{ Address, Reset, Invitation Proof }

func (p Proofs) of(purpose Purpose) Proof {
	switch purpose {
	case ProvesAddress:
		return p.Address
	case ProvesReset:
		return p.Reset
	case ProvesInvitation:
		return p.Invitation
	}
	return Proof{}
}

func (p Proofs) with(purpose Purpose, proof Proof) Proofs {
	switch purpose {
	case ProvesAddress:
		p.Address = proof
	case ProvesReset:
		p.Reset = proof
	case ProvesInvitation:
		p.Invitation = proof
	}
	return p
}

// ErrProofRefused refuses a token that is not, or no longer, the one that was sent.
var ErrProofRefused = &Error{Invalid, "this token is not valid, or no longer"}

// Awaits reports whether the token that e issued to the user may still come back.
func (u User) Awaits(e ProofIssued, now time.Time) bool { return u.proven(e.Purpose, e.Digest, now) }

// proven reports whether token is the newest one for purpose, and in time.
func (u User) proven(purpose Purpose, token Digest, now time.Time) bool {
	p := u.Proofs.of(purpose)
	return p.Digest.same(token) && p != (Proof{}) && now.UnixMicro() < p.ExpiresAt
}

// IssueProof gives a user a token with this MAC for a purpose. Within
// ProofInterval of the last it is no news, and nothing is to be sent. Nor is it
// where there is nothing to prove: an address that was, the password of a user
// who is not active, an invitation that nobody made.
func (u User) IssueProof(purpose Purpose, token Digest, now time.Time) ([]UserEvent, error) {
	wanted := map[Purpose]bool{
		ProvesAddress:    u.Status == Active && !u.Verified,
		ProvesReset:      u.Status == Active,
		ProvesInvitation: u.Status == Invited,
	}
	last := u.Proofs.of(purpose)
	fresh := last != (Proof{}) && now.Add(purpose.Lifetime()-ProofInterval).UnixMicro() < last.ExpiresAt
	if !wanted[purpose] || fresh {
		return nil, nil
	}
	return []UserEvent{u.issue(purpose, token, now)}, nil
}

func (u User) issue(purpose Purpose, token Digest, now time.Time) ProofIssued {
	return ProofIssued{token, now.Add(purpose.Lifetime()).UnixMicro(), purpose, u.ID}
}

// VerifyEmail decides whether the token proves the address. It refuses with
// ErrProofRefused.
func (u User) VerifyEmail(token Digest, now time.Time) ([]UserEvent, error) {
	if u.Status != Active || !u.proven(ProvesAddress, token, now) {
		return nil, ErrProofRefused
	}
	return u.verified([]UserEvent{ProofConsumed{ProvesAddress, u.ID}}), nil
}

// ResetPassword decides whether the token allows the password to be replaced. It
// ends every session and a lock, and proves the address too. It refuses with
// ErrProofRefused.
func (u User) ResetPassword(token Digest, fact PasswordSet, now time.Time) ([]UserEvent, error) {
	if u.Status != Active || !u.proven(ProvesReset, token, now) {
		return nil, ErrProofRefused
	}
	fact.UserID, fact.KeptSession, fact.Rehashed = u.ID, SessionID{}, false
	facts := u.verified([]UserEvent{ProofConsumed{ProvesReset, u.ID}, fact})
	if u.Lock != (Lock{}) {
		facts = append(facts, AccountUnlocked{u.AccountRef})
	}
	return facts, nil
}

func (u User) verified(facts []UserEvent) []UserEvent {
	if u.Verified {
		return facts
	}
	return append(facts, UserEmailVerified{u.ID})
}
