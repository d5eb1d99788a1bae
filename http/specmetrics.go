package http

import "github.com/quantaseal/quantaseal/internal/openapi"

func metricsArea() area {
	period := []*openapi.Parameter{asked("period", "24h, 30d, P30D, or two dates or times with a slash between them; 30d if it is not given.", openapi.Text("30d"))}
	about := "Counted from the facts that users and API keys left. What takes no fact, as how long an answer took, is null. The reading is on the record."
	api := operation{summary: "Count requests", about: about, query: period, answer: requestMetrics{}}
	return area{"metrics", "What a tenant did, folded from its chain.", map[pattern]operation{
		{"GET", "/metrics/usage"}:      {summary: "Count operations", about: about, query: period, answer: usageMetrics{}},
		{"GET", "/metrics/encryption"}: {summary: "Count what was done with encryption keys", about: about, query: period, answer: encryptionMetrics{}},
		{"GET", "/metrics/api"}:        api,
		{"GET", "/metrics/api-usage"}:  api,
		{"GET", "/metrics/vault"}:      {summary: "Count credentials", about: about + " Credentials are those of the caller's environment.", query: period, answer: vaultMetrics{}},
	}}
}
