package report

import "strconv"

// reading says how the chain was found when it was read: in a few words, and in a
// sentence. A report of a chain that did not hold must not read like another.
func (r *Report) reading() (short, sentence string) {
	for _, c := range r.Assessment.Caps {
		if c.ID == "integrity" {
			return "NOT verified: " + c.Reason, "THE CHAIN DID NOT HOLD when it was verified: " + c.Reason +
				". The score is 0 for that alone; what is said of single checks rests on facts that may have been altered."
		}
	}
	return "events 0 to " + strconv.FormatUint(r.Assessment.AsOfSeq, 10) + ": links, hashes and signatures",
		"The chain was verified, link by link and signature by signature, while it was read."
}
