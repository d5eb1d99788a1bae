package compliance

// Change is how a framework's score went from one instant to another, and the
// facts that moved it.
type Change struct {
	Framework        string         `json:"framework"`
	FrameworkName    string         `json:"framework_name"`
	FrameworkVersion string         `json:"framework_version"`
	From             Point          `json:"from"`
	To               Point          `json:"to"`
	Change           int            `json:"change"` // of the score, in points
	Checks           []MovedCheck   `json:"checks"`
	Controls         []MovedControl `json:"controls"`
	Catalogue        CatalogueRef   `json:"catalogue"`
}

// MovedCheck is a check that something moved.
type MovedCheck struct {
	ID     string  `json:"id"`
	Title  string  `json:"title"`
	From   Outcome `json:"from"`
	To     Outcome `json:"to"`
	ByTime bool    `json:"moved_by_time"` // it moved because time went by or the platform's facts did, whatever the tenant's did besides
	Moves  []Move  `json:"moves"`         // in the order of the chain
}

// Outcome is what a check came to.
type Outcome struct {
	Result     Result  `json:"result"`
	Ratio      float64 `json:"ratio"` // 0 to 1, six digits, rounded down
	Population int     `json:"population"`
}

// Move is what moved a check, judged at the instant at which the change ends: one
// fact, or where too many facts moved too much, so many from one to another.
type Move struct {
	First moving  `json:"first"`
	Last  moving  `json:"last"`
	Facts int     `json:"facts"`
	From  Outcome `json:"from"`
	To    Outcome `json:"to"`
}

// moving cites a fact that moved a check.
type moving struct{ Ref }

// MarshalJSON writes the citation.
func (m moving) MarshalJSON() ([]byte, error) { return m.as("moving") }

// MovedControl is a control that stands otherwise than before.
type MovedControl struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	From  Status `json:"from"`
	To    Status `json:"to"`
}

// Change ends the trail where it has come to.
func (t *Trail) Change() (Change, error) {
	t.ask()
	t.found = t.examine(t.catalogue, t.framework, t.to) // that the chain broke is no fact
	end := t.assess(t.catalogue, t.framework, t.to, t.found)
	from, err := t.origin.Point()
	if err != nil {
		return Change{}, err
	}
	to, err := end.Point()
	if err != nil {
		return Change{}, err
	}
	c := Change{
		Framework: end.Framework, FrameworkName: end.FrameworkName, FrameworkVersion: end.FrameworkVersion,
		From: from, To: to, Change: to.Score - from.Score, Checks: []MovedCheck{}, Controls: []MovedControl{}, Catalogue: end.Catalogue,
	}
	for _, id := range t.framework.mapped() {
		byTime := !t.first[id].alike(t.timed[id])
		if moves := t.moves[id]; byTime || len(moves) > 0 {
			if moves == nil {
				moves = []Move{}
			}
			c.Checks = append(c.Checks, MovedCheck{id, t.catalogue.checks[id].Title, t.first[id].outcome(), t.found[id].outcome(), byTime, moves})
		}
	}
	for i, was := range t.origin.Controls {
		if is := end.Controls[i]; was.Status != is.Status {
			c.Controls = append(c.Controls, MovedControl{is.ID, is.Title, was.Status, is.Status})
		}
	}
	return c, nil
}
