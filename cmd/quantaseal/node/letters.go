package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/internal/mail"
	"github.com/quantaseal/quantaseal/internal/reactors"
)

// lettersFor is how long a letter is tried: as long as Resend remembers what it
// was asked for before.
const lettersFor = 24 * time.Hour

// openLetters makes the reactor that sends the letters which follow facts, or puts
// them into the outbox.
func (n *Node) openLetters(ctx context.Context, s *stores, options Options) error {
	end, err := n.Log.Store.Last(ctx)
	if err != nil {
		return fmt.Errorf("finding the end of the log: %w", err)
	}
	holder := newID()
	if s.embedded {
		holder = domain.ID{1} // one process at a time: what it was before it died is its own
	}
	n.letters, err = (&reactors.Reactor{
		Name: "letters/1", DB: s.viewsWrite, Log: n.Log, Concerns: n.concernsLetters, React: n.haveLetters,
		Holder: holder, Now: options.Now, Logger: options.Logger,
	}).Open(ctx, end)
	return err
}

// concernsLetters reports whether a fact may add a letter, or take some away.
func (n *Node) concernsLetters(e domain.Event) bool {
	_, erased := e.(domain.SubjectErased)
	return commands.TellsSomebody(e) || erased && n.outbox != nil
}

// haveLetters sends the letters that follow from a fact, or puts them into the
// outbox. Once a person was erased it removes what the outbox still holds.
func (n *Node) haveLetters(ctx context.Context, r eventstore.Recorded) error {
	if n.outbox != nil {
		n.writing.Lock()
		defer n.writing.Unlock()
		if user, ok, err := n.Identity.Erased(ctx, r); ok {
			return errors.Join(err, n.outbox.Forget(ctx, user.ID))
		}
	}
	list, err := n.Identity.LettersOf(ctx, r)
	if err != nil {
		return err
	}
	var failed []error
	for _, l := range list {
		failed = append(failed, n.sendLetter(ctx, l, time.UnixMicro(int64(r.Header.TimeUS))))
	}
	return errors.Join(failed...)
}

// sendLetter sends a letter, and gives up what nobody takes for too long. Its id
// follows from the fact's: by it Resend, and whoever reads the outbox know a second attempt.
func (n *Node) sendLetter(ctx context.Context, l commands.Letter, from time.Time) error {
	defer clear(l.Token)
	letter, age := letterOf(l), n.now().Sub(from)
	var sender mail.Sender = n.resend
	if n.outbox != nil {
		sender = n.outbox
	}
	err := sender.Send(ctx, letter)
	switch id := l.ID.String(); {
	case err == nil && n.outbox != nil: // which says so by the file's name
	case err == nil:
		n.logger.InfoContext(ctx, "a letter was delivered", "letter", id, "kind", string(letter.Kind))
	case errors.Is(err, mail.ErrRejected), age > lettersFor:
		n.logger.ErrorContext(ctx, "a letter was not delivered", "letter", id, "kind", string(letter.Kind), "err", err)
		return nil
	}
	return err
}

// forgetLetters returns what removes the letters to a person from this node once
// another one has forgotten the person.
func (n *Node) forgetLetters(letters mailer) func(domain.UserID) {
	return func(user domain.UserID) {
		ctx := context.Background()
		n.writing.Lock()
		defer n.writing.Unlock()
		if err := letters.Forget(ctx, user); err != nil {
			n.logger.ErrorContext(ctx, "letters to an erased person are left", "user", user.String(), "err", err)
		}
	}
}
