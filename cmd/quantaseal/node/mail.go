package node

import (
	"context"
	"fmt"
	"log/slog"
	netmail "net/mail"
	"path/filepath"
	"strings"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/mail"
)

// The values of QUANTASEAL_MAIL.
const (
	mailOutbox = "outbox"
	mailResend = "resend"
)

// Secret is a configured value that prints as a placeholder.
type Secret string

// Format writes the placeholder whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[secret]")) }

// LogValue logs the placeholder.
func (Secret) LogValue() slog.Value { return slog.StringValue("[secret]") }

// MarshalText encodes the placeholder.
func (Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// sender returns who our letters are from. Where none is configured, letters that
// stay on this machine are from nobody.
func (c *Config) sender() (*netmail.Address, error) {
	if c.MailFrom == "" {
		return &netmail.Address{Name: "QuantaSeal", Address: "noreply@localhost"}, nil
	}
	return mail.ParseFrom(c.MailFrom)
}

// checkMail returns what is wrong with how mail is configured, as name, value and
// what is wanted.
func (c *Config) checkMail(wrong func(name, value, want string)) {
	switch c.Mail {
	case "", mailOutbox:
	case mailResend:
		if c.ResendKey == "" {
			wrong("RESEND_API_KEY", "", "want the key that QUANTASEAL_MAIL=resend needs")
		}
		if c.MailFrom == "" {
			wrong("QUANTASEAL_MAIL_FROM", "", "want the sender that QUANTASEAL_MAIL=resend needs")
		}
		if c.PublicURL == "" {
			wrong("QUANTASEAL_PUBLIC_URL", "", "want the URL that letters name")
		}
	default:
		wrong("QUANTASEAL_MAIL", c.Mail, "want outbox or resend")
	}
	if _, err := c.sender(); err != nil {
		wrong("QUANTASEAL_MAIL_FROM", c.MailFrom, "want NAME <ADDRESS>")
	}
}

// api returns the URL that letters name.
func (c *Config) api() string {
	if c.PublicURL == "" {
		return "http://" + c.Addr
	}
	return strings.TrimSuffix(c.PublicURL, "/")
}

// mailer implements commands.Mailer over package mail.
type mailer struct {
	keeper interface {
		mail.Sender
		Forget(ctx context.Context, user [16]byte) error
	}
	leaves bool
}

var _ commands.Mailer = mailer{}

// openMail returns the mailer, for letters that follow no fact: there are some only
// where letters leave this machine, and the post that it sets delivers them for as
// long as Run runs. The others are openLetters'.
func (n *Node) openMail(options Options) (mailer, error) {
	from, err := n.config.sender()
	if err != nil {
		return mailer{}, err
	}
	if n.config.Mail != mailResend {
		n.outbox = &mail.Outbox{
			Dir: filepath.Join(n.config.Data, "outbox"), From: from, API: n.config.api(), Now: options.Now, Logger: options.Logger,
		}
		return mailer{keeper: n.outbox}, nil
	}
	resend, err := (&mail.Resend{Key: string(n.config.ResendKey), BaseURL: options.ResendURL, From: from, API: n.config.api()}).Open()
	if err != nil {
		return mailer{}, err
	}
	n.resend, n.post = resend, (&mail.Post{Sender: resend, Logger: options.Logger}).Open()
	return mailer{n.post, true}, nil
}

var mailKinds = map[commands.LetterKind]mail.Kind{
	commands.LetterVerify: mail.VerifyAddress, commands.LetterExists: mail.AccountExists, commands.LetterReset: mail.ResetPassword,
	commands.LetterInvitation: mail.Invitation, commands.LetterPasswordChanged: mail.PasswordChanged,
	commands.LetterMFAEnabled: mail.MFAEnabled, commands.LetterMFADisabled: mail.MFADisabled, commands.LetterBackupCodeUsed: mail.BackupCodeUsed,
	commands.LetterNewDevice: mail.NewDevice, commands.LetterNotice: mail.Notice,
}

func (m mailer) Send(ctx context.Context, l commands.Letter) error {
	return m.keeper.Send(ctx, letterOf(l))
}

func letterOf(l commands.Letter) mail.Letter {
	return mail.Letter{
		ID: l.ID, User: l.User.ID, Kind: mailKinds[l.Kind], To: l.To, Tenant: l.Tenant, Token: l.Token, Expires: l.Expires,
		About: l.About.Name, Setting: string(l.Setting), Seq: l.Seq, At: l.At, Whom: l.Whom.ID, IP: l.From.IP, Agent: l.From.UserAgent,
	}
}

func (m mailer) Forget(ctx context.Context, user domain.UserID) error {
	return m.keeper.Forget(ctx, user.ID)
}

func (m mailer) Leaves() bool { return m.leaves }
