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

// openLetters makes the reactor that sends the letters which follow facts, where
// letters leave this machine.
func (n *Node) openLetters(ctx context.Context, s *stores, options Options) error {
	if n.resend == nil {
		return nil
	}
	end, err := n.Log.Store.Last(ctx)
	if err != nil {
		return fmt.Errorf("finding the end of the log: %w", err)
	}
	holder := newID()
	if s.embedded {
		holder = domain.ID{1} // one process at a time: what it was before it died is its own
	}
	n.letters, err = (&reactors.Reactor{
		Name: "letters/1", DB: s.viewsWrite, Log: n.Log, Concerns: commands.TellsSomebody, React: n.sendLetter,
		Holder: holder, Now: options.Now, Logger: options.Logger,
	}).Open(ctx, end)
	return err
}

// sendLetter sends the letter that follows from a fact, if there is one. Its id is
// the fact's, under which Resend knows a second attempt.
func (n *Node) sendLetter(ctx context.Context, r eventstore.Recorded) error {
	l, ok, err := n.Identity.LetterOf(ctx, r)
	if err != nil || !ok {
		return err
	}
	defer clear(l.Token)
	letter := letterOf(l)
	err = n.resend.Send(ctx, letter)
	age := n.now().Sub(time.UnixMicro(int64(r.Header.TimeUS)))
	switch id := l.ID.String(); {
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
		if err := letters.Forget(ctx, user); err != nil {
			n.logger.ErrorContext(ctx, "letters to an erased person are left", "user", user.String(), "err", err)
		}
	}
}
