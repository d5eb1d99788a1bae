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

// newest are the newest of many facts, however they come.
type newest struct {
	kept  []*Ref // at most twice as many as are cited
	full  bool   // those before floor cannot be among them
	floor uint64
	of    int // how many there were
}

// add takes a fact, which nobody changes. Those that may be among the newest are put
// in order only when they have become many, so that most cost a comparison.
func (n *newest) add(r *Ref) {
	if n.of++; n.full && r.Seq <= n.floor {
		return
	}
	if n.kept = append(n.kept, r); len(n.kept) == 2*maxCited {
		n.order()
		n.full, n.floor = true, n.kept[0].Seq
	}
}

// order puts what is kept in the order of the chain, and drops what is too old. Of
// facts at one place of two chains the last that came is the first.
func (n *newest) order() {
	if n.full {
		slices.Reverse(n.kept[:maxCited]) // these came first, and are in order
	}
	slices.Reverse(n.kept)
	slices.SortStableFunc(n.kept, func(a, b *Ref) int { return compare(a.Seq, b.Seq) })
	n.kept = append(n.kept[:0], n.kept[max(0, len(n.kept)-maxCited):]...)
}

// list returns them in the order of the chain, and how many are not among them.
func (n *newest) list() (refs []Ref, more int) {
	n.order()
	for _, r := range n.kept {
		refs = append(refs, *r)
	}
	return refs, n.of - len(refs)
}
