package report

// Harmless is harmless.
var Harmless = harmless

// Wrapper returns what gives the lines that a text is broken into, with the width of
// each, in millimetres.
func (r *Report) Wrapper() (func(text string, width float64) (lines []string, widths []float64), error) {
	p, err := newPage(r)
	if err != nil {
		return nil, err
	}
	p.write(regular, 8, black)
	return func(text string, width float64) (lines []string, widths []float64) {
		for _, l := range p.wrap(text, width) {
			lines, widths = append(lines, l), append(widths, p.GetStringWidth(l))
		}
		return lines, widths
	}, nil
}

// Reading says how the chain was found.
func (r *Report) Reading() (short, sentence string) { return r.reading() }
