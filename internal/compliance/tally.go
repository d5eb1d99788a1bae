package compliance

import "slices"

// maxCited is how many facts a finding cites at most, the newest of them.
const maxCited = 200

// tally counts facts of a kind by the hour, and how many of them are in order. A
// window over it begins with a full hour: to keep each stamp would cost as much as
// the facts themselves.
type tally struct {
	hours []hourly // ascending
	bad   []Ref    // the newest that are not in order
}

type hourly struct {
	hour       int64 // Unix hours
	total, bad int
}

// add counts a fact, which is no older than those before it.
func (t *tally) add(r Ref, ok bool) {
	h := r.Time / hour
	if len(t.hours) == 0 || t.hours[len(t.hours)-1].hour < h {
		t.hours = append(t.hours, hourly{hour: h})
		old, _ := slices.BinarySearchFunc(t.hours, (r.Time-horizon)/hour, func(b hourly, h int64) int { return int(b.hour - h) })
		t.hours = slices.Delete(t.hours, 0, old)
	}
	last := &t.hours[len(t.hours)-1]
	last.total++
	if !ok {
		last.bad++
		t.bad = remember(t.bad, r)
	}
}

// since returns what was counted from an instant on, and the facts not in order.
func (t *tally) since(from int64) (total, bad int, cited []Ref) {
	first, _ := slices.BinarySearchFunc(t.hours, from/hour, func(b hourly, h int64) int { return int(b.hour - h) })
	for _, b := range t.hours[first:] {
		total += b.total
		bad += b.bad
	}
	for _, r := range t.bad {
		if r.Time/hour >= from/hour {
			cited = append(cited, r)
		}
	}
	return total, bad, cited
}

// remember adds r to the newest facts of a kind.
func remember(refs []Ref, r Ref) []Ref {
	if len(refs) == 2*maxCited { // seldom, so that adding costs the same however many there are
		refs = slices.Delete(refs, 0, maxCited)
	}
	return append(refs, r)
}

// newest are the newest of many facts, however they come, in the order of the chain.
type newest struct {
	refs []Ref
	more int // that are not among them
}

// add takes a fact. Of many that come in no order few are newer than the newest so
// far, so that most cost a comparison.
func (n *newest) add(r Ref) {
	at, _ := slices.BinarySearchFunc(n.refs, r.Seq, func(a Ref, seq uint64) int { return compare(a.Seq, seq) })
	if len(n.refs) < maxCited {
		n.refs = slices.Insert(n.refs, at, r)
		return
	}
	if n.more++; at > 0 {
		copy(n.refs, n.refs[1:at])
		n.refs[at-1] = r
	}
}
