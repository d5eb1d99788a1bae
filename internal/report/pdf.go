package report

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
)

// Measures of a page, in millimetres.
const (
	pageWidth, pageHeight = 210.0, 297.0
	margin                = 18.0
	textWidth             = pageWidth - 2*margin
	bottom                = pageHeight - margin
)

// Faces of the one family of fonts, which has Latin, Greek and Cyrillic letters.
const (
	regular = ""
	bold    = "B"
	mono    = "mono"
)

// ink is a colour.
type ink struct{ r, g, b int }

var (
	black = ink{24, 28, 36}
	grey  = ink{104, 112, 124}
	pale  = ink{240, 243, 247}
	line  = ink{206, 212, 221}
	brand = ink{22, 56, 104}
	good  = ink{28, 120, 80}
	fair  = ink{176, 118, 14}
	poor  = ink{178, 46, 46}
)

// page writes a report as a PDF. What goes wrong is kept by pdf.
type page struct {
	*fpdf.Fpdf
	r     *Report
	font  *sfnt.Font
	glyph sfnt.Buffer
	size  float64 // of the text, in points
	face  string
	chunk int // sections begun
}

// PDF renders the report for people. The other files are attached to it.
func (r *Report) PDF(attached []File) ([]byte, error) {
	p, err := newPage(r)
	if err != nil {
		return nil, err
	}
	digest, err := r.Assessment.Digest()
	if err != nil {
		return nil, err
	}
	p.cover()
	p.result()
	p.scope()
	p.findings()
	p.controls()
	p.checks()
	p.evidence()
	p.keys(digest)
	p.verification(digest)
	p.history()
	var files []fpdf.Attachment
	for _, f := range attached {
		files = append(files, fpdf.Attachment{Content: f.Data, Filename: f.Name})
	}
	p.SetAttachments(files)
	var out bytes.Buffer
	if err := p.Output(&out); err != nil {
		return nil, fmt.Errorf("rendering a PDF: %w", err)
	}
	return out.Bytes(), nil
}

func newPage(r *Report) (*page, error) {
	font, err := sfnt.Parse(goregular.TTF)
	if err != nil {
		return nil, fmt.Errorf("reading a font: %w", err)
	}
	p := &page{Fpdf: fpdf.New("P", "mm", "A4", ""), r: r, font: font}
	for face, ttf := range map[string][]byte{regular: goregular.TTF, bold: gobold.TTF} {
		p.AddUTF8FontFromBytes("go", face, bytes.Clone(ttf)) // the loader writes into what it is given
	}
	p.AddUTF8FontFromBytes("gomono", "", bytes.Clone(gomono.TTF))
	made := time.UnixMicro(int64(r.Assessment.AsOf)).UTC()
	p.SetCreationDate(made)
	p.SetModificationDate(made)
	p.SetCatalogSort(true)
	p.SetMargins(margin, margin, margin)
	p.SetAutoPageBreak(false, margin)
	p.SetTitle(r.Assessment.FrameworkName+" evidence report", true)
	p.SetSubject("Compliance evidence of one tenant, as of event "+strconv.FormatUint(r.Assessment.AsOfSeq, 10), true)
	p.SetAuthor("QuantaSeal "+r.Generator, true)
	p.SetProducer("QuantaSeal "+r.Generator, true)
	p.SetLang("en")
	p.AliasNbPages("{pages}")
	p.SetFooterFunc(p.footer)
	return p, p.Error()
}

func (p *page) footer() {
	if p.PageNo() == 1 {
		return
	}
	p.write(regular, 7.5, grey)
	p.SetXY(margin, pageHeight-margin+6)
	p.CellFormat(textWidth, 4, p.shown(p.r.Assessment.FrameworkName+", as of event "+strconv.FormatUint(p.r.Assessment.AsOfSeq, 10)+
		". Evidence report, not an audit opinion."), "", 0, "L", false, 0, "")
	p.SetX(margin)
	p.CellFormat(textWidth, 4, strconv.Itoa(p.PageNo())+" / {pages}", "", 0, "R", false, 0, "")
}

// write chooses face, size and colour of the text.
func (p *page) write(face string, size float64, c ink) {
	p.face, p.size = face, size
	if face == mono {
		p.SetFont("gomono", "", size)
	} else {
		p.SetFont("go", face, size)
	}
	p.SetTextColor(c.r, c.g, c.b)
}

func (p *page) fill(c ink) { p.SetFillColor(c.r, c.g, c.b) }

// height is that of a line of the text, in millimetres.
func (p *page) height() float64 { return p.size * 0.352778 * 1.38 }

// shown returns text with every letter that the font lacks written as its number, so
// that none is lost or stands as an empty box. A name that holds others is whole in the
// attachments.
func (p *page) shown(text string) string {
	var b strings.Builder
	for _, c := range text {
		index, err := p.font.GlyphIndex(&p.glyph, c)
		switch {
		case c == '\n' || c == '\t':
			b.WriteByte(' ')
		case c == ' ' || err == nil && index != 0 && c > ' ' && c <= 0xffff:
			b.WriteRune(c)
		default:
			fmt.Fprintf(&b, "[U+%04X]", c)
		}
	}
	return b.String()
}

// wrap breaks text that is shown into lines that are no wider than width, between
// words, and within a word that is wider by itself.
func (p *page) wrap(text string, width float64) []string {
	var lines []string
	current := ""
	for word := range strings.FieldsSeq(p.shown(text)) {
		joined := word
		if current != "" {
			joined = current + " " + word
		}
		if p.GetStringWidth(joined) <= width {
			current = joined
			continue
		}
		if current != "" {
			lines = append(lines, current)
		}
		for current = word; p.GetStringWidth(current) > width; {
			head := p.fitting(current, width)
			lines, current = append(lines, current[:head]), current[head:]
		}
	}
	return append(lines, current)
}

// fitting returns how many bytes of a word fit into width, one letter at least.
func (p *page) fitting(word string, width float64) int {
	n := 0
	for i, c := range word {
		next := i + len(string(c))
		if n > 0 && p.GetStringWidth(word[:next]) > width {
			return n
		}
		n = next
	}
	return n
}

// room begins a page unless height is left on this one, and reports whether it did.
func (p *page) room(height float64) bool {
	if p.GetY()+height <= bottom {
		return false
	}
	p.AddPage()
	return true
}

// section begins a numbered section: on a page of its own, or below if at least a
// third of the page is left.
func (p *page) section(title string) {
	p.chunk++
	title = strconv.Itoa(p.chunk) + "  " + title
	if p.PageNo() == 1 || p.GetY() > bottom-80 {
		p.AddPage()
	} else {
		p.SetY(p.GetY() + 9)
	}
	p.Bookmark(title, 0, -1)
	p.write(bold, 14, brand)
	p.SetX(margin)
	p.CellFormat(textWidth, 8, title, "", 1, "L", false, 0, "")
	p.rule(brand)
	p.SetY(p.GetY() + 2.5)
}

func (p *page) rule(c ink) {
	p.SetDrawColor(c.r, c.g, c.b)
	p.SetLineWidth(0.25)
	p.Line(margin, p.GetY(), margin+textWidth, p.GetY())
}

// heading begins a part of a section that keeps together with height below it.
func (p *page) heading(text string, height float64) {
	p.room(8 + height)
	p.write(bold, 10, black)
	for _, l := range p.wrap(text, textWidth) {
		p.SetX(margin)
		p.CellFormat(textWidth, p.height(), l, "", 1, "L", false, 0, "")
	}
	p.SetY(p.GetY() + 0.8)
}

// prose writes a paragraph, line by line over as many pages as it takes.
func (p *page) prose(text string) { p.paragraph(9, black, text) }

func (p *page) paragraph(size float64, c ink, text string) {
	p.write(regular, size, c)
	for _, l := range p.wrap(text, textWidth) {
		if p.room(p.height()) {
			p.write(regular, size, c)
		}
		p.SetX(margin)
		p.CellFormat(textWidth, p.height(), l, "", 1, "L", false, 0, "")
	}
	p.SetY(p.GetY() + 1.6)
}
