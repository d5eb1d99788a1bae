package report

// column is one of a table's.
type column struct {
	title string
	width float64 // of textWidth, in shares of all
	face  string
	size  float64 // of its text; 0 = 8
}

// inset is the space around the text of a cell, in millimetres.
const inset = 1.2

// table writes rows under a head that is repeated on every page. A row is never
// broken over two pages; where the last of a group of rows would be alone, that is how
// it falls.
func (p *page) table(columns []column, rows [][]string) {
	widths, sum := make([]float64, len(columns)), 0.0
	for _, c := range columns {
		sum += c.width
	}
	for i, c := range columns {
		widths[i] = textWidth * c.width / sum
	}
	head := func() {
		p.write(bold, 7.5, brand)
		p.fill(pale)
		y, h := p.GetY(), p.height()+2*inset
		p.Rect(margin, y, textWidth, h, "F")
		x := margin
		for i, c := range columns {
			p.SetXY(x+inset, y+inset)
			p.CellFormat(widths[i]-2*inset, p.height(), c.title, "", 0, "L", false, 0, "")
			x += widths[i]
		}
		p.SetXY(margin, y+h)
	}
	p.room(22)
	head()
	for _, row := range rows {
		cells, height := make([][]string, len(columns)), 0.0
		for i, c := range columns {
			p.cell(c, black)
			cells[i] = p.wrap(row[i], widths[i]-2*inset)
			height = max(height, float64(len(cells[i]))*p.height()+2*inset)
		}
		if p.room(height) {
			head()
		}
		y, x := p.GetY(), margin
		for i, c := range columns {
			p.cell(c, toneOf(row[i]))
			for n, l := range cells[i] {
				p.SetXY(x+inset, y+inset+float64(n)*p.height())
				p.CellFormat(widths[i]-2*inset, p.height(), l, "", 0, "L", false, 0, "")
			}
			x += widths[i]
		}
		p.SetXY(margin, y+height)
		p.rule(line)
	}
	p.SetY(p.GetY() + 3)
}

func (p *page) cell(c column, tone ink) {
	size := c.size
	if size == 0 {
		size = 8
	}
	p.write(c.face, size, tone)
}

// toneOf returns the colour of a word that says how something stands. The word says
// it all; the colour only helps to find it.
func toneOf(word string) ink {
	switch word {
	case "compliant", "pass":
		return good
	case "partial":
		return fair
	case "non compliant", "fail", "no evidence":
		return poor
	case "not applicable":
		return grey
	}
	return black
}

// pairs writes names with what they stand for.
func (p *page) pairs(rows [][2]string) {
	const name = 42.0
	for _, row := range rows {
		p.write(regular, 9, black)
		lines := p.wrap(row[1], textWidth-name)
		h := p.height()
		p.room(float64(len(lines)) * h)
		y := p.GetY()
		p.write(regular, 9, grey)
		p.SetXY(margin, y)
		p.CellFormat(name, h, row[0], "", 0, "L", false, 0, "")
		p.write(regular, 9, black)
		for n, l := range lines {
			p.SetXY(margin+name, y+float64(n)*h)
			p.CellFormat(textWidth-name, h, l, "", 0, "L", false, 0, "")
		}
		p.SetXY(margin, y+float64(len(lines))*h+0.7)
	}
	p.SetY(p.GetY() + 2)
}

// bar writes a name, a bar of 0 to 100 and the number.
func (p *page) bar(name string, score int, note string) {
	const label, bar = 62.0, 70.0
	p.room(6)
	y := p.GetY()
	p.write(regular, 8.5, black)
	lines := p.wrap(name, label-2)
	for n, l := range lines {
		p.SetXY(margin, y+float64(n)*p.height())
		p.CellFormat(label, p.height(), l, "", 0, "L", false, 0, "")
	}
	p.fill(pale)
	p.Rect(margin+label, y+0.9, bar, 2.8, "F")
	p.fill(scoreTone(score))
	p.Rect(margin+label, y+0.9, bar*float64(score)/100, 2.8, "F")
	p.SetXY(margin+label+bar+2, y)
	p.CellFormat(textWidth-label-bar-2, p.height(), note, "", 0, "L", false, 0, "")
	p.SetXY(margin, y+max(5, float64(len(lines))*p.height()+0.6))
}

func scoreTone(score int) ink {
	switch {
	case score >= 80:
		return good
	case score >= 60:
		return fair
	}
	return poor
}
