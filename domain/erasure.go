package domain

// Field names are the stored schema: add, never rename, keep them sorted.
type (
	// SubjectErased says that the key of a person's data is destroyed: what the
	// events in the ranges said of the person can be read by nobody.
	SubjectErased struct {
		Ranges  []SeqRange `json:"ranges"`
		Subject UserID     `json:"subject"`
	}
	// SeqRange is a stretch of a chain, both ends included.
	SeqRange struct {
		From uint64 `json:"from"`
		To   uint64 `json:"to"`
	}
	// AccountReleased frees an address whose user was erased: it may be claimed again.
	AccountReleased struct {
		AccountRef ID     `json:"account_ref"`
		UserID     UserID `json:"user_id"`
	}
)

// EventType implements Event.
func (SubjectErased) EventType() EventType { return EventType{"SUBJECT_ERASED", 1} }

// EventType implements Event.
func (AccountReleased) EventType() EventType { return EventType{"ACCOUNT_RELEASED", 1} }

func (SubjectErased) user()      {}
func (AccountReleased) account() {}

// Erase decides whether by may have the person forgotten, whose data the events
// in ranges hold; it ends what the user may do. Twice is no news. It refuses with
// ErrUserNotFound who never was, with ErrDenied an owner whom by may not touch,
// and with ErrLastOwner.
func (m Member) Erase(ranges []SeqRange, by Actor) (MemberFacts, error) {
	switch {
	case m.User.Status == 0:
		return MemberFacts{}, ErrUserNotFound
	case !by.Role.Assigns(m.User.Role, ""):
		return MemberFacts{}, ErrDenied
	case m.User.Status == Erased:
		return MemberFacts{}, nil
	}
	facts, err := m.end(DeactivatedErased)
	if err != nil {
		return MemberFacts{}, err
	}
	facts.User = append(facts.User, SubjectErased{ranges, m.User.ID})
	return facts, nil
}

// Release frees the address of a user who was erased. Of an address that is
// somebody else's or nobody's it is no news.
func (a Account) Release(user UserID) ([]AccountEvent, error) {
	if a.User.IsZero() || a.User != user {
		return nil, nil
	}
	return []AccountEvent{AccountReleased{a.Ref, user}}, nil
}
