package commands

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// concernsTenant reports whether a fact is told to those whom the tenant's
// notification_emails name.
func concernsTenant(e domain.Event) bool {
	switch e := e.(type) {
	case domain.AccountLocked, domain.RefreshTokenReused, domain.LockdownActivated, domain.LockdownLifted,
		domain.IntegrityViolated, domain.MFADisabled, domain.OwnerAdded:
		return true
	case domain.NewDeviceSeen:
		return !e.First
	case domain.TenantSettingsChanged:
		return e.Weakens || e.Key == domain.SettingRecipients
	}
	return false
}

// NoticeInterval is how soon after a notice another one of the same kind of fact
// goes out to a tenant: no flood of facts becomes one of letters. Of settings, which
// only admins change, every one is told: a first change must not hide a second.
const NoticeInterval = 10 * time.Minute

// notices writes the letters about a fact to whom the tenant named, but to nobody
// who has another letter of it. Whoever was named until this fact is told too, so that
// nobody falls silent unseen.
func (i *Identity) notices(ctx context.Context, r eventstore.Recorded, told string) ([]Letter, error) {
	id := domain.TenantID{ID: r.Header.Tenant}
	tenant, err := i.tenant(ctx, id)
	if err != nil {
		return nil, err
	}
	names, about := slices.Clone(tenant.Settings.Recipients), Letter{
		Kind: LetterNotice, Tenant: tenant.Name, About: r.Event.EventType(), Seq: r.Header.Seq, At: time.UnixMicro(int64(r.Header.TimeUS)),
	}
	if r.Aggregate().Kind == domain.KindUser {
		about.Whom = domain.UserID{ID: r.Header.AggregateID}
	}
	if e, ok := r.Event.(domain.TenantSettingsChanged); ok {
		about.Setting = e.Key
		var before []string
		if e.Key == domain.SettingRecipients && json.Unmarshal([]byte(e.Personal.Old), &before) == nil {
			names = append(names, before...)
		}
	}
	if len(names) == 0 || about.Setting == "" && !i.noticed.due(id, about.About.Name, r.Header.EventID, about.At) {
		return nil, nil
	}
	var list []Letter
	seen := map[string]bool{told: true, "": true}
	for _, name := range names {
		l := about
		if l.User, l.To, err = i.recipient(ctx, id, name); err != nil {
			return nil, err
		}
		if seen[l.To] {
			continue
		}
		seen[l.To] = true
		l.ID = domain.DerivedID(i.Tokens.Digest(append(r.Header.EventID[:], l.To...)))
		list = append(list, l)
	}
	return list, nil
}

// recipient returns whom a recipient names and their address, which is empty for a
// user who has none any more or may nothing.
func (i *Identity) recipient(ctx context.Context, tenant domain.TenantID, name string) (domain.UserID, string, error) {
	id, err := domain.ParseID(name)
	if err != nil {
		return domain.UserID{}, name, nil //nolint:nilerr // it is an address
	}
	user, err := i.userOf(ctx, tenant, domain.UserID{ID: id})
	if err != nil || user.Status != domain.Active {
		return domain.UserID{}, "", err
	}
	return user.ID, user.Email, nil
}

// noticed remembers the latest notice of each kind of fact to each tenant. It forgets
// with the process: the worst that follows is one letter more.
type noticed struct {
	mu   sync.Mutex
	last map[noticeOf]notice
}

type noticeOf struct {
	tenant domain.TenantID
	about  string
}

type notice struct {
	fact domain.ID
	at   time.Time
}

// due reports whether a fact is to be told of, and remembers that it was. Asked
// again about the same fact it says the same.
func (n *noticed) due(tenant domain.TenantID, about string, fact domain.ID, at time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	key := noticeOf{tenant, about}
	if last, ok := n.last[key]; ok && last.fact != fact && at.Sub(last.at).Abs() < NoticeInterval {
		return false
	}
	if n.last == nil || len(n.last) >= maxReminders {
		n.last = map[noticeOf]notice{}
	}
	n.last[key] = notice{fact, at}
	return true
}
