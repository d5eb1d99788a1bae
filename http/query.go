package http

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// parameters reads a query. The first wrong value is kept in err: it is never
// ignored, since an answer to another question would pass for this one's.
type parameters struct {
	values url.Values
	err    error
}

// parametersOf returns the query of r. One that does not parse is wrong as a whole.
func parametersOf(r *http.Request) *parameters {
	values, err := url.ParseQuery(r.URL.RawQuery)
	p := &parameters{values: values}
	if err != nil {
		p.wrong("the query is malformed")
	}
	return p
}

func (p *parameters) wrong(message string) {
	if p.err == nil {
		p.err = invalid(message)
	}
}

// text returns a parameter, or "".
func (p *parameters) text(name string) string {
	values := p.values[name]
	if len(values) > 1 {
		p.wrong(name + " was given twice")
	}
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// number returns a parameter between low and high, or other if it was not given.
func (p *parameters) number(name string, low, high, other int) int {
	s := p.text(name)
	if s == "" {
		return other
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < low || n > high {
		p.wrong(name + " must be " + strconv.Itoa(low) + " to " + strconv.Itoa(high))
	}
	return n
}

// seq returns a parameter that is a sequence number, or 0.
func (p *parameters) seq(name string) uint64 {
	s := p.text(name)
	if s == "" {
		return 0
	}
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || n == 0 {
		p.wrong(name + " is not one that an answer gave")
	}
	return n
}

// count returns a parameter that is a sequence number from 0 on, or 0.
func (p *parameters) count(name string) uint64 {
	s := p.text(name)
	if s == "" {
		return 0
	}
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		p.wrong(name + " must be a sequence number")
	}
	return n
}

// flag returns whether a parameter is true.
func (p *parameters) flag(name string) bool {
	switch p.text(name) {
	case "", "false", "0":
		return false
	case "true", "1":
		return true
	}
	p.wrong(name + " must be true or false")
	return false
}

// instant returns a parameter in RFC 3339, or a date, which means its first
// moment in UTC, or its last one if endOfDay. Two published clients do not escape
// a plus sign, so a space in its place is read as one. What lies before 1970 is
// the first microsecond after it: 0 is for none.
func (p *parameters) instant(name string, endOfDay bool) int64 {
	s := p.text(name)
	if s == "" {
		return 0
	}
	if day, err := time.Parse(time.DateOnly, s); err == nil {
		if endOfDay {
			day = day.Add(24 * time.Hour)
		}
		return max(1, day.UnixMicro())
	}
	t, err := time.Parse(time.RFC3339, strings.Replace(s, " ", "+", 1))
	if err != nil {
		p.wrong(name + " must be a date or an RFC 3339 time")
	}
	return max(1, t.UnixMicro())
}
