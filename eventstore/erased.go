package eventstore

import (
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// forgetErased drops what this node's memory may still say of a person whose keys
// were destroyed: decoded facts, folded aggregates, and the keys. From then on it
// reads what everybody else can read.
func (l *Log) forgetErased(tenant domain.TenantID, subject domain.UserID) {
	for _, t := range []domain.TenantID{tenant, {}} { // the address was claimed on the system chain
		l.Keys.ForgetSubject(t, subject)
	}
	l.tail.clear()
	l.forgetAll()
}

// erasureIn returns whose erasure a record is of, that another node wrote. It is
// not verified: a false one costs some reading.
func erasureIn(index chain.Index, r chain.Record) (subject domain.UserID, ok bool) {
	if domain.AggregateKind(index.AggregateKind) != domain.KindUser || index.AggregateVersion == 0 {
		return domain.UserID{}, false
	}
	h, err := chain.ParseHeader(r.Header)
	if err != nil || h.EventType != (domain.SubjectErased{}).EventType().Name {
		return domain.UserID{}, false
	}
	return domain.UserID{ID: index.AggregateID}, true
}
