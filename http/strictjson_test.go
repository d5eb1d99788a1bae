package http

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
)

type nested struct {
	Key string `json:"key"`
}

type sample struct {
	Name    string            `json:"name"`
	Values  json.RawMessage   `json:"values"`
	Secret  secretText        `json:"secret"`
	Days    *int              `json:"ttl_days"`
	Small   int8              `json:"small"`
	On      bool              `json:"on"`
	Tags    []string          `json:"tags"`
	Labels  map[string]string `json:"labels"`
	Inner   nested            `json:"inner"`
	Pointer *nested           `json:"pointer"`
	List    []nested          `json:"list"`
	User    domain.UserID     `json:"user"`
	Hidden  string            `json:"-"`
	Untold  string
}

const userText = "6f1c0e6e-8a51-8d1c-9a55-0d7c1e9b0001"

func TestDecodeStrict(t *testing.T) {
	user, err := domain.ParseID(userText)
	if err != nil {
		t.Fatal(err)
	}
	days := 90
	for body, want := range map[string]sample{
		``:       {},
		" \n":    {},
		`null`:   {},
		` null `: {},
		`{}`:     {},
		`{"name":null,"ttl_days":null,"tags":null,"values":null,"secret":null,"inner":null,"pointer":null}`: {},
		` { "name" : "a" , "on" : true } `:                    {Name: "a", On: true},
		`{"\u006eame":"a"}`:                                   {Name: "a"},
		`{"name":"\"\\\/\b\f\n\r\t\u0000\u00e9\uD834\uDd1e"}`: {Name: "\"\\/\b\f\n\r\t\x00é\U0001d11e"},
		`{"secret":"päss\u0077ord"}`:                          {Secret: secretText("pässword")},
		`{"secret":""}`:                                       {Secret: secretText{}},
		`{"values": {"k" : [1.5e+3, -0, "x"]} }`:              {Values: json.RawMessage(`{"k" : [1.5e+3, -0, "x"]}`)},
		`{"values":"one"}`:                                    {Values: json.RawMessage(`"one"`)},
		`{"values":{"key":1,"Key":2}}`:                        {Values: json.RawMessage(`{"key":1,"Key":2}`)},
		`{"ttl_days":90,"small":-128}`:                        {Days: &days, Small: -128},
		`{"tags":["a","b"],"labels":{"a":"b"}}`:               {Tags: []string{"a", "b"}, Labels: map[string]string{"a": "b"}},
		`{"tags":[]}`:                                         {Tags: []string{}},
		`{"inner":{"key":"k"},"pointer":{"key":"p"},"list":[{"key":"l"},{}]}`: {Inner: nested{"k"}, Pointer: &nested{"p"}, List: []nested{{"l"}, {}}},
		`{"user":"` + userText + `"}`:                                         {User: domain.UserID{ID: user}},
	} {
		var got sample
		if err := decodeStrict([]byte(body), &got); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
}

func TestMalformedBodies(t *testing.T) {
	for name, body := range map[string]string{
		"open object":          `{`,
		"open string":          `{"name":"a`,
		"escape at the end":    `{"name":"a\`,
		"no value":             `{"name":}`,
		"no colon":             `{"name" "a"}`,
		"no comma":             `{"name":"a" "on":true}`,
		"comma at the end":     `{"name":"a",}`,
		"comma in list":        `{"tags":["a",]}`,
		"bare key":             `{name:"a"}`,
		"single quotes":        `{'name':'a'}`,
		"comment":              `{}//`,
		"trailing value":       `{}{}`,
		"trailing text":        `null x`,
		"byte order mark":      "\ufeff{}",
		"short literal":        `{"on":tru}`,
		"long literal":         `{"on":truee}`,
		"not a number":         `{"small":NaN}`,
		"leading zero":         `{"small":01}`,
		"leading plus":         `{"small":+1}`,
		"open fraction":        `{"small":1.}`,
		"open exponent":        `{"small":1e}`,
		"lone minus":           `{"small":-}`,
		"control character":    "{\"name\":\"a\nb\"}",
		"escaped control":      "{\"name\":\"a\\\nb\"}",
		"unknown escape":       `{"name":"\x41"}`,
		"short unicode escape": `{"name":"\u00e"}`,
		"lone high surrogate":  `{"name":"\ud834"}`,
		"lone low surrogate":   `{"name":"\udd1e"}`,
		"two high surrogates":  `{"name":"\ud834\ud834"}`,
		"surrogate bytes":      "{\"name\":\"\xed\xa0\xb4\"}",
		"invalid UTF-8":        "{\"name\":\"\xff\"}",
		"invalid UTF-8 in key": "{\"\xff\":1}",
		"overlong UTF-8":       "{\"name\":\"\xc0\xaf\"}",
		"key twice":            `{"name":"a","name":"b"}`,
		"key twice, escaped":   `{"name":"a","n\u0061me":"b"}`,
		"unknown key twice":    `{"x":1,"x":1}`,
		"key twice inside":     `{"values":{"a":{"k":1,"k":2}}}`,
		"key twice of many":    `{"values":{` + manyKeys(40) + `,"k3":0}}`,
		"too deep":             `{"values":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`,
		"too many tokens":      `{"values":[` + strings.Repeat("0,", 10_000) + `0]}`,
	} {
		var got sample
		if err := decodeStrict([]byte(body), &got); !errors.Is(err, errMalformed) {
			t.Errorf("%s: got %v, want %v", name, err, errMalformed)
		}
	}
}

func TestBodiesAtTheLimits(t *testing.T) {
	for name, body := range map[string]string{
		"depth":     `{"values":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}`,
		"tokens":    `{"values":[` + strings.Repeat("0,", 9996) + `0]}`,
		"many keys": `{"values":{` + manyKeys(1000) + `}}`,
	} {
		var got sample
		if err := decodeStrict([]byte(body), &got); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func manyKeys(n int) string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = `"k` + strconv.Itoa(i) + `":0`
	}
	return strings.Join(keys, ",")
}

func TestWrongFields(t *testing.T) {
	const unknown = "the request body has an unknown field"
	for body, want := range map[string]string{
		`[]`:                          "the request body must be a JSON object",
		`"name"`:                      "the request body must be a JSON object",
		`7`:                           "the request body must be a JSON object",
		`{"Name":"a"}`:                unknown,
		`{"name":"a","Name":"b"}`:     unknown,
		`{"sk_live_secret":1}`:        unknown,
		`{"Hidden":"a"}`:              unknown,
		`{"Untold":"a"}`:              unknown,
		`{"-":"a"}`:                   unknown,
		`{"inner":{"Key":"k"}}`:       unknown,
		`{"list":[{"KEY":"k"}]}`:      unknown,
		`{"name":1}`:                  "name has the wrong type",
		`{"name":["a"]}`:              "name has the wrong type",
		`{"secret":{}}`:               "secret has the wrong type",
		`{"secret":[1,2]}`:            "secret has the wrong type",
		`{"on":"true"}`:               "on has the wrong type",
		`{"on":1}`:                    "on has the wrong type",
		`{"ttl_days":"90"}`:           "ttl_days has the wrong type",
		`{"ttl_days":90.0}`:           "ttl_days has the wrong type",
		`{"ttl_days":1e2}`:            "ttl_days has the wrong type",
		`{"ttl_days":1e999}`:          "ttl_days has the wrong type",
		`{"small":128}`:               "small has the wrong type",
		`{"tags":"a"}`:                "tags has the wrong type",
		`{"tags":{"a":1}}`:            "tags has the wrong type",
		`{"tags":["a",2]}`:            "tags has the wrong type",
		`{"tags":["a",null]}`:         "tags has the wrong type",
		`{"labels":{"a":1}}`:          "labels has the wrong type",
		`{"inner":"k"}`:               "inner has the wrong type",
		`{"pointer":[]}`:              "pointer has the wrong type",
		`{"list":{}}`:                 "list has the wrong type",
		`{"user":"00"}`:               "user has the wrong type",
		`{"name":1,"x":2,"on":"yes"}`: "name has the wrong type",
	} {
		var got sample
		err := decodeStrict([]byte(body), &got)
		if e, ok := errors.AsType[*domain.Error](err); !ok || e.Kind != domain.Invalid || e.Message != want {
			t.Errorf("%s: got %v, want %s", body, err, want)
		}
	}
}

// A body that is both wrong and malformed is malformed: 400 comes before 422.
func TestMalformedBeforeWrong(t *testing.T) {
	if err := decodeStrict([]byte(`{"Name":1,"name":2}}`), &sample{}); !errors.Is(err, errMalformed) {
		t.Errorf("got %v, want %v", err, errMalformed)
	}
}

func TestDecodeStrictNeedsAStruct(t *testing.T) {
	var text string
	for _, dst := range []any{nil, sample{}, &text, (*sample)(nil)} {
		if err := decodeStrict([]byte(`{}`), dst); err == nil || refusalFor(err) != errInternal {
			t.Errorf("%T: got %v, want a fault", dst, err)
		}
	}
}

// Clearing the body clears what was captured from it.
func TestCapturesAliasTheBody(t *testing.T) {
	body := []byte(`{"values":{"key":"sk_live"},"secret":"hunter2"}`)
	var got sample
	if err := decodeStrict(body, &got); err != nil {
		t.Fatal(err)
	}
	clear(body)
	if strings.Trim(string(got.Values)+string(got.Secret), "\x00") != "" {
		t.Errorf("got %q and %q, want zeros", got.Values, got.Secret)
	}
	if cap(got.Values) != len(got.Values) || cap(got.Secret) != len(got.Secret) {
		t.Error("an append to a captured value would write into the body")
	}
}
