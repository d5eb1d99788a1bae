package compliance

import "github.com/quantaseal/quantaseal/domain"

// ResultDigest is the digest of an assessment, written with its algorithm.
type ResultDigest domain.Digest

// MarshalText writes sha3-256, a colon and 64 hexadecimal digits.
func (d ResultDigest) MarshalText() ([]byte, error) {
	return []byte("sha3-256:" + domain.Digest(d).String()), nil
}

// Point is where a score stood at an instant, without what it is made of.
type Point struct {
	Score        int          `json:"score"`
	ScoreExact   float64      `json:"score_exact"` // before caps, two digits, rounded down
	Grade        string       `json:"grade"`
	Status       Status       `json:"status"`
	Provisional  bool         `json:"provisional"`
	Caps         []Cap        `json:"caps"`
	AsOf         Instant      `json:"as_of"`
	AsOfSeq      uint64       `json:"as_of_seq"`
	ResultDigest ResultDigest `json:"result_digest"` // of the whole assessment
}

// Point returns where a stands.
func (a Assessment) Point() (Point, error) {
	digest, err := a.Digest()
	return Point{
		a.Score, a.ScoreExact, a.Grade, a.Status, a.Provisional, a.Caps, a.AsOf, a.AsOfSeq, ResultDigest(digest),
	}, err
}

// Period is how a score stood at the beginning of each day of some time.
type Period struct {
	From      Instant `json:"from"`
	To        Instant `json:"to"`
	Days      int     `json:"days"`
	Scored    int     `json:"days_scored"` // of which the chain tells
	Mean      int     `json:"mean"`        // rounded down
	Min       int     `json:"min"`
	DaysBelow int     `json:"days_below_70"`
}

// PeriodOf returns the period of so many days until an instant, by the points of those
// that there are.
func PeriodOf(to Instant, days int, points []Point) Period {
	p := Period{From: to - Instant(int64(days)*day), To: to, Days: days, Scored: len(points)}
	sum := 0
	for i, at := range points {
		sum += at.Score
		if i == 0 || at.Score < p.Min {
			p.Min = at.Score
		}
		if at.Score < 70 {
			p.DaysBelow++
		}
	}
	if p.Scored > 0 {
		p.Mean = sum / p.Scored
	}
	return p
}
