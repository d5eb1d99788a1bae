package http

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quantaseal/quantaseal/internal/openapi"
)

// zeroTime stands for no time of a last change.
var zeroTime time.Time

// shownOperation is an operation where it stands.
type shownOperation struct {
	*openapi.Operation
	Method, Path string
}

// inTag returns the operations of a tag in the order of the document.
func inTag(d *openapi.Document, tag string) (list []shownOperation) {
	for path, operations := range d.Paths.All() {
		for method, o := range operations.All() {
			if slices.Contains(o.Tags, tag) {
				list = append(list, shownOperation{o, strings.ToUpper(method), path})
			}
		}
	}
	return list
}

// typeShown says in a few words what a schema takes.
func typeShown(s *openapi.Schema) string {
	if s == nil {
		return ""
	}
	switch {
	case s.Ref != "":
		return s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
	case len(s.AnyOf) > 0:
		parts := make([]string, len(s.AnyOf))
		for i, part := range s.AnyOf {
			parts[i] = typeShown(part)
		}
		return strings.Join(parts, " or ")
	case s.Enum != nil:
		parts := make([]string, len(s.Enum))
		for i, value := range s.Enum {
			parts[i] = fmt.Sprint(value)
		}
		return strings.Join(parts, ", ")
	}
	kind := fmt.Sprint(s.Type)
	if several, ok := s.Type.([]string); ok {
		kind = strings.Join(several, " or ")
	}
	if s.Type == nil {
		kind = "anything"
	}
	switch {
	case s.Items != nil:
		return "list of " + typeShown(s.Items)
	case s.Format != "":
		return kind + ", " + s.Format
	case s.Minimum != nil && s.Maximum != nil:
		return fmt.Sprintf("%s, %d to %d", kind, *s.Minimum, *s.Maximum)
	case s.Encoding != "":
		return kind + ", " + s.Encoding
	}
	return kind
}
