package compliance

import "maps"

// Trail leads a state from one instant to another and finds the facts that move a
// framework's checks on the way. Make one with [State.Trail].
//
// It asks the checks after every so many facts, and where one has moved it halves
// these facts until one is left. What moves and moves back between two questions
// is not seen.
type Trail struct {
	*State // where the trail has come to

	catalogue *Catalogue
	framework *Framework
	to        int64
	stride    int
	questions int // that may still be asked to narrow a move down
	spare     int // as many are kept for checks that came out otherwise

	origin Assessment
	first  map[string]finding // as the trail began
	timed  map[string]finding // the same facts, when it ends
	start  *State             // where the facts in hand begin
	found  map[string]finding // there
	facts  []Fact             // in hand
	moves  map[string][]Move
}

// How a trail looks for what moved: how often it asks on its way, at most and as long as it
// is told the truth of its length; how few facts it asks after; and how many questions
// it asks to narrow moves down. To ask costs what the state remembers: of one that
// remembers much it asks fewer.
const (
	strides       = 32
	leastStride   = 64
	mostQuestions = 128
	much          = 5_000
	leastAsked    = 8
)

// affordable returns how many of n questions can be asked of s.
func (s *State) affordable(n int) int { return max(leastAsked, n*much/(much+s.Size())) }

// Trail begins a trail where s is, at an instant that is not before its last fact,
// and which ends at another, not before the first. The facts on it are about so
// many; if they are more, it only takes longer. The trail does not change s.
func (s *State) Trail(c *Catalogue, f *Framework, from, to int64, length uint64) *Trail {
	first := s.examine(c, f, from)
	timed := s.examine(c, f, to)
	questions := s.affordable(mostQuestions)
	return &Trail{
		State: s.Clone(), catalogue: c, framework: f, to: to, stride: int(max(leastStride, length/uint64(s.affordable(strides)))), questions: questions, spare: questions / 2,
		origin: s.assess(c, f, from, first), first: first, timed: timed, start: s.Clone(), found: timed, moves: map[string][]Move{},
	}
}

// Apply follows the trail by the next fact.
func (t *Trail) Apply(f Fact) {
	f.isMinimal()
	t.State.Apply(f)
	if t.facts = append(t.facts, f); len(t.facts) == t.stride {
		t.ask()
	}
}

// ask asks the checks where the trail has come to, and narrows down what moved.
func (t *Trail) ask() {
	if len(t.facts) == 0 {
		return
	}
	found := t.examine(t.catalogue, t.framework, t.to)
	t.narrow(t.start, t.facts, t.found, found)
	t.start, t.found, t.facts = t.Clone(), found, t.facts[:0]
}

// narrow finds among facts that follow start those which moved a check from what
// it found before to what it found after them.
func (t *Trail) narrow(start *State, facts []Fact, before, after map[string]finding) {
	if !maps.EqualFunc(before, after, finding.alike) {
		turned := !maps.EqualFunc(before, after, func(a, b finding) bool { return a.result == b.result })
		if len(facts) > 1 && (t.questions > t.spare || turned && t.questions > 0) {
			t.questions--
			middle := start.Clone()
			for _, f := range facts[:len(facts)/2] {
				middle.Apply(f)
			}
			between := middle.examine(t.catalogue, t.framework, t.to)
			t.narrow(start, facts[:len(facts)/2], before, between)
			t.narrow(middle, facts[len(facts)/2:], between, after)
			return
		}
		for id, was := range before {
			if is := after[id]; !was.alike(is) {
				t.moves[id] = append(t.moves[id], Move{moving{facts[0].Ref}, moving{facts[len(facts)-1].Ref}, len(facts), was.outcome(), is.outcome()})
			}
		}
	}
}

// alike reports whether two findings are worth the same.
func (f finding) alike(g finding) bool { return f.result == g.result && f.ratio.Cmp(g.ratio) == 0 }

func (f finding) outcome() Outcome { return Outcome{f.result, decimal(f.ratio, 6), f.population} }
