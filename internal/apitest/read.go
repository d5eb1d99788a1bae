package apitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// document is what of an OpenAPI document is looked at.
type document struct {
	Paths      map[string]map[string]operationText `json:"paths"`
	Components struct {
		Responses map[string]responseText `json:"responses"`
	} `json:"components"`
}

type operationText struct {
	Body *struct {
		Content map[string]json.RawMessage `json:"content"`
	} `json:"requestBody"`
	Responses map[string]responseText `json:"responses"`
}

type responseText struct {
	Ref     string                     `json:"$ref"`
	Headers map[string]json.RawMessage `json:"headers"`
	Content map[string]json.RawMessage `json:"content"`
}

const sharedResponses = "#/components/responses/"

// read makes ready what a document says.
func read(text []byte) (*description, error) {
	var doc document
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	d := &description{operations: map[string][]*operation{}, compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}}
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource(where, whole); err != nil {
		return nil, err
	}
	for path, methods := range doc.Paths {
		for method, of := range methods {
			o := &operation{path: path, parts: strings.Split(path, "/"), answers: map[int]response{}}
			if of.Body != nil {
				o.request = pointer("paths", path, method, "requestBody", "content", inJSON, "schema")
			}
			for status, r := range of.Responses {
				if err := o.read(doc, status, r, "paths", path, method, "responses", status); err != nil {
					return nil, fmt.Errorf("reading %s %s: %w", method, path, err)
				}
			}
			method = strings.ToUpper(method)
			d.operations[method] = append(d.operations[method], o)
		}
	}
	return d, nil
}

// read takes in how one status looks, by what stands at a place.
func (o *operation) read(doc document, status string, r responseText, at ...string) error {
	if name, shared := strings.CutPrefix(r.Ref, sharedResponses); shared {
		of, ok := doc.Components.Responses[name]
		if !ok {
			return fmt.Errorf("there is no %s", r.Ref)
		}
		r, at = of, []string{"components", "responses", name}
	}
	out := response{schemas: map[string]string{}}
	for name := range r.Headers {
		out.headers = append(out.headers, name)
	}
	for kind := range r.Content {
		name, _, err := mime.ParseMediaType(kind)
		if err != nil {
			return err
		}
		out.schemas[name] = pointer(append(at[:len(at):len(at)], "content", kind, "schema")...)
	}
	number, err := strconv.Atoi(status)
	o.answers[number] = out
	return err
}
