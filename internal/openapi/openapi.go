// Package openapi writes an OpenAPI 3.1 document whose schemas are read from the
// Go types that requests are decoded into and answers are written from.
//
// Its one law: it knows the specification and nothing of the vault.
package openapi

// Version is the version of the specification that documents are written in.
const Version = "3.1.1"

// Document is the root of a description.
type Document struct {
	OpenAPI    string              `json:"openapi"`
	Info       Info                `json:"info"`
	Servers    []Server            `json:"servers"`
	Tags       []Tag               `json:"tags"`
	Paths      Ordered[*Path]      `json:"paths"`
	Components Components          `json:"components"`
	Security   []map[string]Scopes `json:"security"`
}

// Info says what is described.
type Info struct {
	Title       string  `json:"title"`
	Version     string  `json:"version"`
	Summary     string  `json:"summary"`
	Description string  `json:"description"`
	License     License `json:"license"`
}

// License names a licence by its SPDX identifier.
type License struct {
	Name       string `json:"name"`
	Identifier string `json:"identifier"`
}

// Server is where the paths are served, relative to the document.
type Server struct {
	URL string `json:"url"`
}

// Tag is a group of operations.
type Tag struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

// Scopes are those of a security requirement; ours has none.
type Scopes = []string

// Path is what can be done at one path: operations by method, in lower case.
type Path = Ordered[*Operation]

// Operation is one route.
type Operation struct {
	ID          string              `json:"operationId"`
	Tags        []string            `json:"tags"`
	Summary     string              `json:"summary"`
	Description string              `json:"description,omitempty"`
	Parameters  []*Parameter        `json:"parameters,omitempty"`
	Body        *RequestBody        `json:"requestBody,omitempty"`
	Responses   Ordered[*Response]  `json:"responses"`
	Security    []map[string]Scopes `json:"security,omitempty"`
	Access      any                 `json:"x-access,omitempty"` // who may; an extension of ours
}

// Parameter is a part of a request beside its body, or a reference to one.
type Parameter struct {
	Ref         string  `json:"$ref,omitempty"`
	Name        string  `json:"name,omitempty"`
	In          string  `json:"in,omitempty"` // path, query, header or cookie
	Description string  `json:"description,omitempty"`
	Required    bool    `json:"required,omitempty"`
	Schema      *Schema `json:"schema,omitempty"`
}

// RequestBody is the body of a request.
type RequestBody struct {
	Required bool               `json:"required,omitempty"`
	Content  Ordered[MediaType] `json:"content"`
}

// MediaType is a body of one type.
type MediaType struct {
	Schema  *Schema `json:"schema,omitempty"`
	Example any     `json:"example,omitempty"`
}

// Response is an answer, or a reference to one.
type Response struct {
	Ref         string             `json:"$ref,omitempty"`
	Description string             `json:"description,omitempty"`
	Headers     Ordered[*Header]   `json:"headers,omitzero"`
	Content     Ordered[MediaType] `json:"content,omitzero"`
}

// Header is a header of an answer, or a reference to one.
type Header struct {
	Ref         string  `json:"$ref,omitempty"`
	Description string  `json:"description,omitempty"`
	Schema      *Schema `json:"schema,omitempty"`
}

// Components are what other parts refer to.
type Components struct {
	Schemas    Ordered[*Schema]        `json:"schemas"`
	Responses  Ordered[*Response]      `json:"responses"`
	Parameters Ordered[*Parameter]     `json:"parameters"`
	Headers    Ordered[*Header]        `json:"headers"`
	Security   Ordered[SecurityScheme] `json:"securitySchemes"`
}

// SecurityScheme is a way of saying who asks.
type SecurityScheme struct {
	Type        string `json:"type"`
	Description string `json:"description,omitempty"`
	In          string `json:"in,omitempty"`
	Name        string `json:"name,omitempty"`
	Scheme      string `json:"scheme,omitempty"`
	Format      string `json:"bearerFormat,omitempty"`
}
