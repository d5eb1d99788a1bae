package http

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html/template"
	"net/http"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"

	"github.com/quantaseal/quantaseal/internal/openapi"
)

// described is the API's description: as a document for programs, and as a page
// for people. It is the same for every server of this version, and made once.
var described = sync.OnceValues(func() (*description, error) {
	doc, err := document()
	if err != nil {
		return nil, err
	}
	d := &description{}
	if d.document, err = json.Marshal(doc); err != nil {
		return nil, err
	}
	var page bytes.Buffer
	if err := docsPage.Execute(&page, shownPage{doc, template.CSS(docsStyle)}); err != nil { //nolint:gosec // our own file
		return nil, err
	}
	d.page = page.Bytes()
	return d, nil
})

type description struct{ document, page []byte }

// OpenAPI returns the description of the API, as GET /openapi.json serves it. The
// caller must not change it.
func OpenAPI() ([]byte, error) {
	d, err := described()
	if err != nil {
		return nil, err
	}
	return d.document, nil
}

//go:embed docs.css
var docsStyle string

//go:embed docs.html
var docsText string

// docsPolicy lets the page have its one style, named by its digest, and nothing else:
// no script, no picture, nothing from anywhere.
var docsPolicy = func() string {
	sum := sha256.Sum256([]byte(docsStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// openAPI handles GET /openapi.json, and docs GET /docs. Neither has an envelope,
// nor a limit: both are bytes that are there.
func (s *Server) openAPI(c *gin.Context) {
	s.sendDescription(c, jsonKind, func(d *description) []byte { return d.document })
}

func (s *Server) docs(c *gin.Context) {
	c.Writer.Header().Set("Content-Security-Policy", docsPolicy)
	s.sendDescription(c, "text/html; charset=utf-8", func(d *description) []byte { return d.page })
}

func (s *Server) sendDescription(c *gin.Context, kind string, part func(*description) []byte) {
	d, err := described()
	if err != nil {
		s.refuse(c, err)
		return
	}
	body, h := part(d), c.Writer.Header()
	sum := sha256.Sum256(body)
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "no-cache") // ask again, and be told that nothing changed
	h.Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
	http.ServeContent(c.Writer, c.Request, "", zeroTime, bytes.NewReader(body))
}

// shownPage is what the page shows.
type shownPage struct {
	*openapi.Document
	Style template.CSS
}

var docsPage = template.Must(template.New("docs").Funcs(template.FuncMap{
	"upper": strings.ToUpper,
	"paragraphs": func(text string) []string {
		return strings.Split(text, "\n\n")
	},
	"typeOf":    typeShown,
	"indented":  indented,
	"component": func(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] },
	"inTag":     inTag,
	"parameter": func(d *openapi.Document, p *openapi.Parameter) *openapi.Parameter {
		if p.Ref == "" {
			return p
		}
		of, _ := d.Components.Parameters.Get(p.Ref[strings.LastIndexByte(p.Ref, '/')+1:])
		return of
	},
}).Parse(docsText))

// indented writes v as JSON for people.
func indented(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(b.String())
}
