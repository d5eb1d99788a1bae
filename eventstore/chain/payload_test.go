package chain_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

var strictPayloads = []string{
	`{}`, ` { } `, "\t{\r\n}\n",
	`{"a":1,"b":[true,false,null,-1,0,"x",{}],"c":{"a":{"a":[]}}}`,
	`{"":""}`, `{"a":" ","b":"\"\\\/\b\f\n\r\t"}`,
	`{"a":9007199254740992,"b":-9007199254740992}`,
	`{"a":"\u0041\ud83d\ude00 ü 😀 <&>"}`, `{"ü":1,"u":2}`, `{"a":[],"A":[]}`,
	`{"a":"` + strings.Repeat("x", 70_000) + `"}`,
	`{"a":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}`,
}

var loosePayloads = []string{
	``, ` `, `null`, `[]`, `""`, `1`, `true`, `{`, `}`, `{}{}`, `{} x`, `{}` + "\x00", "\ufeff{}",
	`{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{"a":1 "b":2}`, `{"a" 1}`, `{a:1}`, `{'a':1}`, `{1:1}`, `{"a":1;"b":2}`, `{,"a":1}`,
	`{"a":[1,]}`, `{"a":[,1]}`, `{"a":[1 2]}`, `{"a":[}`, `{"a":[1}`, `{"a":[`, `{"a":{`, `{"a":`, `{"a`, `{"a\`, `{"a\"`,
	`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"\u0061":1,"a":2}`, `{"b":{"a":1,"a":1}}`, `{"":1,"":2}`, `{"/":1,"\/":2}`,
	`{"a":1.0}`, `{"a":1e2}`, `{"a":1E2}`, `{"a":.5}`, `{"a":-0}`, `{"a":01}`, `{"a":-}`, `{"a":+1}`, `{"a":00}`, `{"a":-01}`, `{"a":0x1}`, `{"a":1_0}`,
	`{"a":9007199254740993}`, `{"a":-9007199254740993}`, `{"a":18446744073709551617}`, `{"a":99999999999999999999999999}`,
	`{"a":NaN}`, `{"a":Infinity}`, `{"a":tru}`, `{"a":True}`, `{"a":nul}`, `{"a":nulll}`, `{"a":undefined}`,
	"{\"a\":\"\x80\"}", "{\"\xff\":1}", "{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\n\"}", "{\"a\":\"\x00\"}", "{\"a\":\"\x1f\"}", "{\u00a0}", "{\v}",
	`{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\u12g4"}`, `{"a":"\U0041"}`, `{"a":"\`, `{"a":"\u`,
	`{"a":"\ud800"}`, `{"a":"\udc00"}`, `{"a":"\ud800\ud800"}`, `{"a":"\ud800x"}`, `{"a":"\udc00\ud800"}`, `{"a":"\ud800\n"}`, `{"a":"\ud800\u0041"}`,
	`{"a":1/**/}`, `{"a":1}//`, `{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`,
}

func TestCheckPayload(t *testing.T) {
	for _, p := range strictPayloads {
		if err := chain.CheckPayload(chain.ContentJSON, []byte(p)); err != nil {
			t.Errorf("%.60q: got %v, want none", p, err)
		}
		if err := chain.CheckPayload(chain.ContentCBOR, []byte(p)); err == nil {
			t.Errorf("%.60q: passed as dCBOR", p)
		}
	}
	for _, p := range loosePayloads {
		if err := chain.CheckPayload(chain.ContentJSON, []byte(p)); err == nil {
			t.Errorf("%.60q passed", p)
		}
	}
}

// Any number of names is told apart, and a repeated one is found among them.
func TestManyNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.String(), 1, 60, rapid.ID).Draw(t, "names")
		object := func(names []string) []byte {
			var members []string
			for i, n := range names {
				name, err := json.Marshal(n)
				if err != nil {
					t.Fatal(err)
				}
				members = append(members, fmt.Sprintf("%s:%d", name, i))
			}
			return []byte("{" + strings.Join(members, ",") + "}")
		}
		if err := chain.CheckPayload(chain.ContentJSON, object(names)); err != nil {
			t.Fatalf("%s: %v", object(names), err)
		}
		again := append(names, rapid.SampledFrom(names).Draw(t, "again"))
		if err := chain.CheckPayload(chain.ContentJSON, object(again)); err == nil {
			t.Fatalf("%s passed", object(again))
		}
	})
}

// What passes is JSON to everyone, and means the same when it is written again.
func FuzzCheckPayload(f *testing.F) {
	for _, p := range strictPayloads {
		f.Add([]byte(p))
	}
	for _, p := range loosePayloads {
		f.Add([]byte(p))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		if chain.CheckPayload(chain.ContentJSON, payload) != nil {
			return
		}
		decoder := json.NewDecoder(strings.NewReader(string(payload)))
		decoder.UseNumber()
		var value map[string]any
		if err := decoder.Decode(&value); err != nil || value == nil {
			t.Fatalf("%q passed, and is no object: %v", payload, err)
		}
		if strings.ContainsRune(fmt.Sprint(value), '\ufffd') && !strings.Contains(string(payload), "\ufffd") && !strings.Contains(strings.ToLower(string(payload)), `\ufffd`) {
			t.Fatalf("%q passed, and readers replace a part of it", payload)
		}
		again, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if err := chain.CheckPayload(chain.ContentJSON, again); err != nil {
			t.Fatalf("%q passed, but not as %q", payload, again)
		}
	})
}
