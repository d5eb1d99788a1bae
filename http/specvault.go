package http

import "github.com/quantaseal/quantaseal/internal/openapi"

type (
	valuesForm struct {
		unsealedForm
		Values    map[string]any `json:"values"`
		Plaintext map[string]any `json:"plaintext"`
	}
	plaintextForm struct {
		unsealedForm
		Plaintext map[string]any `json:"plaintext"`
	}
	secretForm struct {
		unsealedForm
		Secret string `json:"secret"`
	}
)

// pages are the parameters of a list.
func pages() []*openapi.Parameter {
	return []*openapi.Parameter{
		asked("limit", "Rows of a page; 100 if it is not given.", openapi.Number(1, maxPage)),
		asked("cursor", "meta.next_cursor of the page before.", openapi.Schema{Type: "string"}),
	}
}

func vaultArea() area {
	const sealed = `{"name":"stripe-production-key","credential_type":"api_key","values":{"key":"sk_live_abc123"},"ttl_days":90}`
	list := operation{
		summary: "List credentials", about: "Metadata, never values. The reading is on the record.", answer: []entry{},
		query: append(pages(), asked("include_inactive", "Also those that were retired or have expired.", openapi.Schema{Type: "boolean"}),
			asked("as_of", "As they were at this date's end or time.", openapi.Schema{Type: "string"})),
	}
	unseal := operation{
		summary: "Read a value", answer: plaintextForm{},
		about: "Verifies both signatures, opens the value in memory, records the access, and then answers. Refused while a browser only guesses (prefetch).",
	}
	rotate := operation{
		summary: "Rotate a credential", request: rotateRequest{}, answer: rotated{}, example: `{}`,
		about: "Seals the value, or a new one, under fresh keys and destroys the old key. The version has a new id; every older id leads to it.",
	}
	values, named := unseal, unseal
	values.answer = valuesForm{}
	named.answer, named.request, named.example = secretForm{}, unsealRequest{}, `{"entry_id":"0190f2a4-6e1c-8c3e-9d4b-5a1f0e2b0001"}`
	named.about += " The value is one text: the only member, if that is text, and else the whole object as JSON."
	return area{"vault", "Credentials, sealed with ML-KEM-768 and AES-256-GCM and signed with ML-DSA-65.", map[pattern]operation{
		{"POST", "/vault/seal"}: {
			summary: "Seal a credential", about: "Takes the value as one of values, plaintext and secret. The answer is the entry, or for the node, python and mcp dialects its id alone.",
			request: sealRequest{}, required: []string{"name"}, example: sealed, status: 201, answer: sealAnswer{}, idempotent: true, dialect: true,
		},
		{"GET", "/vault/list"}:                list,
		{"GET", "/vault/entries"}:             list,
		{"GET", "/vault/:id"}:                 values,
		{"GET", "/vault/unseal/:id"}:          unseal,
		{"POST", "/vault/unseal/:id"}:         unseal,
		{"POST", "/vault/unseal"}:             named,
		{"POST", "/vault/rotate/:id"}:         rotate,
		{"POST", "/vault/entries/:id/rotate"}: rotate,
		{"DELETE", "/vault/:id"}:              {summary: "Destroy a credential", about: "Its key is destroyed before the answer. A superseded id succeeds and touches nothing that lives.", answer: ended{}},
		{"DELETE", "/vault/entries/:id"}:      {summary: "Retire a credential", about: "It can be restored for 30 days; then it is destroyed.", answer: ended{}},
		{"POST", "/vault/:id/restore"}:        {summary: "Restore a retired credential", answer: entry{}},
		{"GET", "/vault/:id/versions"}:        {summary: "List a credential's versions", about: "Old values cannot be read again.", answer: []version{}},
		{"GET", "/vault/:id/access"}: {
			summary: "Read who could read a credential, and who did", answer: accessAnswer{}, about: "By the rules that decide about requests, folded from the chain. Counts as 5 requests.",
			query: []*openapi.Parameter{
				asked("at", "At this date's end or time; now if it is not given.", openapi.Schema{Type: "string"}),
				asked("since", "Readings from here on.", openapi.Schema{Type: "string"}),
			},
		},
		{"GET", "/vault/:id/history"}: {summary: "Read what happened to a credential", about: "Also once it is over.", query: auditParameters(false), answer: []auditEntry{}},
	}}
}
