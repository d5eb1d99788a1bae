package compliance

import (
	"bytes"
	"crypto/sha3"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/quantaseal/quantaseal/domain"
)

// Severity is how much a check weighs, in words.
type Severity string

// Critical is the one severity that is all or nothing, and caps a score.
const Critical Severity = "critical"

// Support says how far a control is within the vault's sight.
type Support string

// The two kinds of support.
const (
	Direct  Support = "direct"  // the checks decide whether the control holds here
	Partial Support = "partial" // the checks show a part; people and other systems hold the rest
)

// Catalogue is what is looked at, and what it is evidence for. Make one with Load.
type Catalogue struct {
	Version    string           `json:"version"`
	Weights    map[Severity]int `json:"weights"`
	Checks     []Check          `json:"checks"`
	Frameworks []Framework      `json:"frameworks"`

	digest domain.Digest
	checks map[string]*Check
}

// Check is one thing that the facts of a tenant can show.
type Check struct {
	ID                string              `json:"id"` // QS-, the family and a number
	Slug              string              `json:"slug"`
	Family            string              `json:"family"`
	Title             string              `json:"title"`
	Severity          Severity            `json:"severity"`
	Kind              string              `json:"kind"` // population, replay, occurrence or configuration
	Tier              int                 `json:"tier"` // 1 = from the facts of requests; 2 = of jobs of the platform; 3 = of routes to come
	Responsibility    string              `json:"responsibility"`
	Strength          string              `json:"strength"` // operation, configuration or attestation
	Params            map[string]int64    `json:"params"`
	Lists             map[string][]string `json:"lists"`
	Rule              []string            `json:"rule"` // what the ratio is, in lines
	NotApplicableWhen string              `json:"not_applicable_when"`
	Remediation       string              `json:"remediation"`
}

// Framework is what a score is given for.
type Framework struct {
	ID         string                      `json:"id"`
	Name       string                      `json:"name"`
	Version    string                      `json:"version"`
	Publisher  string                      `json:"publisher"`
	Aliases    []string                    `json:"aliases"` // normal, see Normal
	Unit       string                      `json:"unit"`    // what it counts, as a plural
	Total      int                         `json:"total"`   // how many of them it has
	Counted    string                      `json:"counted"` // how they were counted
	Outside    string                      `json:"outside"` // what the vault cannot see of it
	Disclaimer string                      `json:"disclaimer"`
	Params     map[string]map[string]int64 `json:"params"` // of a check, in place of its own
	Controls   []Control                   `json:"controls"`
}

// Control is one demand of a framework that the vault has evidence for.
type Control struct {
	ID       string   `json:"id"`
	Unit     string   `json:"unit"` // that it is a part of; "" = itself
	OSCALID  string   `json:"oscal_id"`
	Category string   `json:"category"`
	Title    string   `json:"title"` // ours, never the framework's text
	Support  Support  `json:"support"`
	Checks   []string `json:"checks"`
}

//go:embed catalogue.json
var embedded []byte

// Load reads the catalogue that the program was built with. It returns a fault if
// the catalogue contradicts itself or the checks that there are.
func Load() (*Catalogue, error) { return read(embedded) }

func read(data []byte) (*Catalogue, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var c Catalogue
	if err := dec.Decode(&c); err != nil {
		return nil, fmt.Errorf("reading the compliance catalogue: %w", err)
	}
	c.digest, c.checks = sha3.Sum256(data), make(map[string]*Check, len(c.Checks))
	for i := range c.Checks {
		c.checks[c.Checks[i].ID] = &c.Checks[i]
	}
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("the compliance catalogue: %w", err)
	}
	return &c, nil
}

// Digest returns the SHA3-256 of the catalogue's bytes.
func (c *Catalogue) Digest() domain.Digest { return c.digest }

// Normal returns the one spelling of a framework's name: lower case, with an
// underscore for every hyphen, dot and space.
func Normal(name string) string {
	return strings.NewReplacer("-", "_", ".", "_", " ", "_").Replace(strings.ToLower(name))
}

// ErrFramework refuses a name that is no framework's.
var ErrFramework = &domain.Error{Kind: domain.Invalid, Message: "unknown compliance framework"}

// Framework returns the framework that name stands for, in any spelling of its id
// or of an alias. It refuses with ErrFramework.
func (c *Catalogue) Framework(name string) (*Framework, error) {
	normal := Normal(name)
	for i := range c.Frameworks {
		if f := &c.Frameworks[i]; f.ID == normal || slices.Contains(f.Aliases, normal) {
			return f, nil
		}
	}
	return nil, ErrFramework
}

// InView returns how many of the framework's units its controls speak about.
func (f *Framework) InView() int {
	units := map[string]bool{}
	for _, c := range f.Controls {
		unit := c.Unit
		if unit == "" {
			unit = c.ID
		}
		units[unit] = true
	}
	return len(units)
}

// mapped returns the ids of the checks that f's controls rest on, sorted.
func (f *Framework) mapped() (ids []string) {
	for _, c := range f.Controls {
		ids = append(ids, c.Checks...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
