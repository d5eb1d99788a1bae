package http

import (
	"math"

	"github.com/quantaseal/quantaseal/internal/compliance"
	"github.com/quantaseal/quantaseal/internal/openapi"
	"github.com/quantaseal/quantaseal/queries"
)

// auditFilters are what facts a stream can be asked for.
func auditFilters(resource bool) []*openapi.Parameter {
	var some []*openapi.Parameter
	for _, p := range auditParameters(resource) {
		switch p.Name {
		case "event_type", "action", "outcome", "user", "actor_id", "resource_id", "resource_type":
			some = append(some, p)
		}
	}
	return some
}

// auditParameters are what the log can be asked, with or without for which resource.
func auditParameters(resource bool) []*openapi.Parameter {
	text := openapi.Schema{Type: "string"}
	all := append(pages(),
		asked("offset", "Rows to leave out. Pages stay as they were when the first one was read.", openapi.Number(0, 1_000_000)),
		asked("order", "asc or desc; asc shows the newest rows of a page, the oldest of them first.", openapi.OneOf("desc", "asc")),
		asked("from_seq", "Read the chain forward from here.", openapi.Schema{Type: "integer"}),
		asked("event_type", "A kind of fact, as CREDENTIAL_UNSEALED or vault.unseal.", openapi.Text("CREDENTIAL_UNSEALED")),
		asked("action", "The same.", openapi.Text("vault.unseal")),
		asked("outcome", "How it ended.", openapi.OneOf("success", "failure", "denied", "failed")),
		asked("hours", "Not older than that.", openapi.Number(1, 24*3660)),
		asked("start_date", "Not before this date or time.", text),
		asked("end_date", "Not after this time, or this date's end.", text),
		asked("user", "Acts of a user and of the user's API keys, by id or address.", text),
		asked("actor_id", "The same.", text),
		asked("include", "signature: also where an answer leaves it out by its length.", openapi.OneOf("signature")),
	)
	if resource {
		all = append(all, asked("resource_id", "About this thing: its id or handle.", text), asked("resource_type", "Of this kind, beside resource_id.", text))
	}
	return all
}

func auditArea() area {
	logs := operation{
		summary: "Read the log", query: auditParameters(true), answer: []auditEntry{}, dialect: true,
		about: "The newest facts first, each verified as it was read. Editors and viewers see their own acts. The reading is on the record.",
	}
	ndjson := schemaOf(openapi.Schema{Type: "string", Description: "One JSON object a line: the bundle's head, a line for each event, and the proof of an anchor."})
	return area{"audit", "The chain of signed facts, and what proves that it is whole.", map[pattern]operation{
		{"GET", "/audit"}:          logs,
		{"GET", "/audit/logs"}:     logs,
		{"GET", "/audit/logs/:id"}: {summary: "Read one fact", answer: auditProof{}, missing: true, about: "With everything that proves it but the signing key."},
		{"POST", "/audit/export"}: {
			summary: "Take the record away", request: exportRequest{}, required: []string{"format"}, example: `{"format":"bundle"}`, answer: exportData{},
			raw: []rawAnswer{
				{200, jsonKind, []auditProof{}, "A file, where delivery is stream."},
				{200, "application/x-ndjson", ndjson, "The bundle, which qsverify reads, or a fact a line."},
				{200, "text/csv; charset=utf-8", schemaOf(openapi.Schema{Type: "string"}), "A table."},
			},
			about: "As bundle, csv, json, ndjson or ocsf. csv and json come in the envelope up to 8 MiB, the rest as a file with the receipt of the export in X-QuantaSeal-Receipt; delivery inline or stream chooses. A file that breaks off cuts the connection, so half an export never passes for a whole one.",
		},
		{"GET", "/audit/stream"}: {
			summary: "Follow the log", conflicts: true, query: append(auditFilters(true),
				asked("from_seq", "Begin here; at the end of the log if neither it nor Last-Event-ID is given.", openapi.Schema{Type: "integer"}),
				asked("format", "In place of Accept.", openapi.OneOf("ndjson", "sse"))),
			raw: []rawAnswer{
				{200, "application/x-ndjson", ndjson, "Frames: stream, event, progress, end."},
				{200, "text/event-stream", schemaOf(openapi.Schema{Type: "string"}), "The same as server-sent events."},
			},
			about: "Each fact with what proves it, as it becomes durable. Ends within seconds when the reader may no more. 409 where the log ends before from_seq.",
		},
		{"GET", "/audit/checkpoint"}: {summary: "Read the newest checkpoint", answer: checkpointAnswer{}, missing: true},
		{"GET", "/audit/verify"}: {
			summary: "Verify what is stored", answer: Verification{},
			about: "The chain and all that lies beside it: records, keys, read models, anchors. It takes as long as the chain is long, counts as 20 requests, and goes once a minute.",
		},
		{"GET", "/audit/proof/:seq"}: {
			summary: "Prove that a fact is anchored", answer: proofAnswer{}, missing: true,
			query: []*openapi.Parameter{asked("checkpoint_size", "The size of a checkpoint that the newest is to be shown to go on from.", openapi.Schema{Type: "integer"})},
		},
		{"GET", "/audit/proof/consistency"}: {
			summary: "Prove that one checkpoint goes on from another", answer: consistencyAnswer{}, missing: true,
			query: []*openapi.Parameter{
				{Name: "from", In: "query", Required: true, Description: "The size of the smaller.", Schema: schemaOf(openapi.Schema{Type: "integer"})},
				asked("to", "The size of the larger; the newest if it is not given.", openapi.Schema{Type: "integer"}),
			},
		},
		{"GET", "/checkpoint"}: {
			summary: "Read the newest checkpoint as a note", missing: true, about: "The log of anchors as C2SP tlog-tiles lays it out.",
			raw: []rawAnswer{{200, "text/plain; charset=utf-8", schemaOf(openapi.Schema{Type: "string"}), "A signed note."}},
		},
		{"GET", "/tile/*path"}: {
			summary: "Read a tile of the log of anchors", missing: true,
			raw: []rawAnswer{{200, "application/octet-stream", schemaOf(openapi.Schema{Type: "string"}), "Hashes or leaves."}},
		},
	}}
}

func complianceArea() area {
	which := func(more ...*openapi.Parameter) []*openapi.Parameter {
		return append([]*openapi.Parameter{asked("framework", "Which one, where the path does not say.", openapi.Text("soc2"))}, more...)
	}
	date := openapi.Schema{Type: "string", Description: "A date or a time."}
	catalogue := asked("catalogue", "By which catalogue: current, its version or its digest. This server has one.", openapi.Text("current"))
	asOf := []*openapi.Parameter{
		asked("at", "As of this date or time.", date), asked("as_of", "The same.", date),
		asked("as_of_seq", "As of this fact of the chain, at the instant of its recording.", openapi.Number(0, math.MaxInt64)),
		asked("period", "So many days before, each of which is scored too.", openapi.Text("90d")), catalogue,
	}
	score := operation{
		summary: "Score a framework", answer: score{}, missing: true, about: "Folded from the chain. The score is put on the record.",
		query: which(append(asOf, asked("detail", "full shows every control and check.", openapi.OneOf("brief", "full")))...),
	}
	history := operation{
		summary: "Read how a score went", answer: []queries.HistoryPoint{}, missing: true,
		query: which(asked("days", "How far back; 90 if it is not given.", openapi.Number(1, queries.MaxHistory)), catalogue),
	}
	diff := operation{
		summary: "Read what moved a score", answer: compliance.Change{}, missing: true,
		query: which(asked("from", "From this date or time.", date), asked("to", "To this one; now if it is not given.", date), catalogue),
	}
	made := operation{
		summary: "Make a report", answer: reportAnswer{}, missing: true, conflicts: true, idempotent: true,
		about: "Signed, and on the record with the digests of its files before it is answered. The files are had by URLs that are good for an hour. It counts as 50 requests.",
		query: which(append(asOf, asked("days", "The same as period, as a number; 90 if neither is given.", openapi.Number(1, queries.MaxHistory)),
			asked("format", "json is the answer described here; any other is the file itself.", openapi.OneOf("json", "pdf", "csv", "evidence", "oscal")),
		)...),
		raw: reportRaw(200),
	}
	posted := made
	posted.request, posted.example = reportRequest{}, `{"framework":"soc2"}`
	created := posted
	created.status, created.raw = 201, reportRaw(201)
	anything := schemaOf(openapi.Schema{Type: "string"})
	return area{"compliance", "How well the chain supports what frameworks ask for.", map[pattern]operation{
		{"GET", "/compliance/score"}:              score,
		{"GET", "/compliance/score/:framework"}:   score,
		{"GET", "/compliance/history"}:            history,
		{"GET", "/compliance/history/:framework"}: history,
		{"GET", "/compliance/diff"}:               diff,
		{"GET", "/compliance/diff/:framework"}:    diff,
		{"GET", "/compliance/report"}:             made,
		{"POST", "/compliance/report/:framework"}: posted,
		{"POST", "/compliance/reports"}:           created,
		{"POST", "/compliance/reports/generate"}:  created,
		{"GET", "/compliance/reports"}: {
			summary: "List the reports", answer: []reportAnswer{}, about: "The newest first, without their controls.",
			query: []*openapi.Parameter{asked("limit", "Rows of a page.", openapi.Number(1, maxReports)), asked("offset", "Rows to leave out.", openapi.Number(0, 1_000_000))},
		},
		{"GET", "/compliance/reports/:id"}: {summary: "Read a report", answer: reportAnswer{}, missing: true, about: "With fresh URLs. The score that it tells is put on the record."},
		{"GET", "/blobs/*key"}: {
			summary: "Read a file by its signed URL", about: "The URL is proof enough. Every other, and one whose time is over, is denied.",
			query: []*openapi.Parameter{asked("expires", "As the URL says.", openapi.Schema{Type: "string"}), asked("signature", "As the URL says.", openapi.Schema{Type: "string"})},
			raw: []rawAnswer{
				{200, "application/pdf", anything, "The file."},
				{200, fileKinds[".csv"], anything, "The file."},
				{200, fileKinds[".json"], schemaOf(openapi.Schema{Type: "object"}), "The file."},
			},
		},
		{"GET", "/compliance/frameworks"}: {summary: "List the frameworks", answer: []framework{}},
	}}
}

// reportRaw are the forms of a report beside the envelope.
func reportRaw(status int) []rawAnswer {
	text := schemaOf(openapi.Schema{Type: "string"})
	return []rawAnswer{
		{status, "application/pdf", text, "The report, or one of its files."},
		{status, fileKinds[".csv"], text, "The report, or one of its files."},
	}
}

func systemArea() area {
	return area{"system", "The server itself.", map[pattern]operation{
		{"GET", "/health"}: {
			summary: "Ask whether the server can do its work", about: "Whoever is authenticated also sees how busy it is.", bare: true,
			raw: []rawAnswer{{200, jsonKind, healthAnswer{}, "It can."}, {503, jsonKind, healthAnswer{}, "No fact could be recorded."}},
		},
		{"GET", "/openapi.json"}: {summary: "Read this description", bare: true, raw: []rawAnswer{{200, jsonKind, schemaOf(openapi.Schema{Type: "object"}), "An OpenAPI document."}}},
		{"GET", "/docs"}:         {summary: "Read it as a page", bare: true, raw: []rawAnswer{{200, "text/html; charset=utf-8", schemaOf(openapi.Schema{Type: "string"}), "A page that needs no network and runs no script."}}},
	}}
}
