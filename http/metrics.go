package http

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/envelope"
	"github.com/quantaseal/quantaseal/queries"
)

// maxPeriod is how far back metrics go, in days.
const maxPeriod = 366

// usageMetrics are what users and API keys did, by the facts that they left.
type usageMetrics struct {
	Period     string         `json:"period"`
	Calls      int            `json:"api_calls"`
	Encrypted  int            `json:"encryption_ops"`
	Decrypted  int            `json:"decryption_ops"`
	Signed     int            `json:"sign_ops"`
	Verified   int            `json:"verify_ops"`
	Sealed     int            `json:"seal_operations"`
	Unsealed   int            `json:"unseal_operations"`
	Rotated    int            `json:"rotate_operations"`
	Operations map[string]int `json:"operations"` // facts by their action
	Days       map[string]int `json:"calls_by_day"`
}

// encryptionMetrics are what was done with encryption keys, and which there are.
type encryptionMetrics struct {
	Period     string         `json:"period"`
	Total      int            `json:"total_operations"`
	Algorithms map[string]int `json:"by_algorithm"`
	Used       []string       `json:"algorithms_used"`
	Generated  int            `json:"keys_generated"`
	Rotated    int            `json:"keys_rotated"`
	Active     []string       `json:"key_ids_active"`
	Average    *float64       `json:"avg_latency_ms"` // null: facts do not say how long something took
	P99        *float64       `json:"p99_latency_ms"`
}

// requestMetrics are how requests ended that left a fact.
type requestMetrics struct {
	Period     string         `json:"period"`
	Total      int            `json:"total_requests"`
	Calls      int            `json:"total_calls"` // the same
	Successful int            `json:"successful_requests"`
	Failed     int            `json:"failed_requests"`
	ErrorRate  *float64       `json:"error_rate"` // null where there was none
	Average    *float64       `json:"avg_response_time_ms"`
	P50        *float64       `json:"p50_latency_ms"`
	P99        *float64       `json:"p99_latency_ms"`
	Endpoints  map[string]int `json:"by_endpoint"`       // facts by their action
	Same       map[string]int `json:"calls_by_endpoint"` // the same
	Days       map[string]int `json:"calls_by_day"`
}

// vaultMetrics are how many credentials there are in the caller's environment, and
// what was done in the period.
type vaultMetrics struct {
	Period   string         `json:"period"`
	Total    int            `json:"total_entries"`
	Active   int            `json:"active_entries"`
	Expiring int            `json:"expiring_entries"` // within 30 days
	Soon     int            `json:"expiring_soon"`    // the same
	Types    map[string]int `json:"by_credential_type"`
	Sealed   int            `json:"seal_operations"`
	Unsealed int            `json:"unseal_operations"`
	Rotated  int            `json:"rotate_operations"`
}

// counted is what a period's facts come to.
type counted struct {
	queries.Usage
	period        string
	actions, days map[string]int
	kinds         map[string]int
}

// count reads the period that a request names, puts the reading on the record and
// counts.
func (s *Server) count(ctx context.Context, in *call, what string) (counted, reply[none], error) {
	none := reply[none]{}
	p := parametersOf(in.http)
	since, until, period := p.period(s.Now())
	if p.err != nil {
		return counted{}, none, p.err
	}
	receipt, err := s.Vault.RecordAuditQuery(ctx, in.by, "metrics "+what+" "+period)
	if err != nil {
		return counted{}, none, err
	}
	none.receipt = receipt
	s.catchUp(ctx, receipt)
	c := counted{period: period, actions: map[string]int{}, days: map[string]int{}, kinds: map[string]int{}}
	if c.Usage, err = s.Queries.Usage(ctx, in.by.Tenant, since, until); err != nil {
		return c, none, err
	}
	for _, f := range c.Facts {
		c.actions[domain.Action(f.Type)] += f.Facts
		c.days[time.Unix(f.Day*24*3600, 0).UTC().Format(time.DateOnly)] += f.Facts
		c.kinds[f.Type] += f.Facts
	}
	return c, none, nil
}

// usageMetrics handles GET /metrics/usage.
func (s *Server) usageMetrics(ctx context.Context, in *call, _ none) (reply[usageMetrics], error) {
	c, r, err := s.count(ctx, in, "usage")
	return reply[usageMetrics]{receipt: r.receipt, data: usageMetrics{
		Period: c.period, Calls: c.Requests, Encrypted: c.kinds["DATA_ENCRYPTED"] + c.kinds["DATA_REWRAPPED"], Decrypted: c.kinds["DATA_DECRYPTED"],
		Signed: c.kinds["DATA_SIGNED"], Verified: c.kinds["SIGNATURE_VERIFIED"] + c.kinds["SIGNATURE_VERIFY_FAILED"],
		Sealed: c.kinds["CREDENTIAL_SEALED"], Unsealed: c.kinds["CREDENTIAL_UNSEALED"], Rotated: c.kinds["CREDENTIAL_ROTATED"],
		Operations: c.actions, Days: c.days,
	}}, err
}

// encryptionMetrics handles GET /metrics/encryption.
func (s *Server) encryptionMetrics(ctx context.Context, in *call, _ none) (reply[encryptionMetrics], error) {
	c, r, err := s.count(ctx, in, "encryption")
	if err != nil {
		return reply[encryptionMetrics]{}, err
	}
	keys, err := s.Encryption.Generations(ctx, in.by)
	if err != nil {
		return reply[encryptionMetrics]{}, err
	}
	sealed := c.kinds["DATA_ENCRYPTED"] + c.kinds["DATA_REWRAPPED"] + c.kinds["DATA_DECRYPTED"]
	signed := c.kinds["DATA_SIGNED"] + c.kinds["SIGNATURE_VERIFIED"] + c.kinds["SIGNATURE_VERIFY_FAILED"]
	m := encryptionMetrics{
		Period: c.period, Total: sealed + signed, Algorithms: map[string]int{envelope.KEMAlgorithm: sealed, envelope.SignatureAlgorithm: signed},
		Used: []string{}, Active: []string{},
	}
	for _, name := range []string{envelope.KEMAlgorithm, envelope.SignatureAlgorithm} {
		if m.Algorithms[name] > 0 {
			m.Used = append(m.Used, name)
		}
	}
	for _, k := range keys.Keys {
		m.Generated++
		if k.ReplacedAt != 0 {
			m.Rotated++
		}
		if k.State == domain.KeyActive {
			m.Active = append(m.Active, k.ID.String())
		}
	}
	return reply[encryptionMetrics]{data: m, receipt: r.receipt}, nil
}

// requestMetrics handles GET /metrics/api and GET /metrics/api-usage.
func (s *Server) requestMetrics(ctx context.Context, in *call, _ none) (reply[requestMetrics], error) {
	c, r, err := s.count(ctx, in, "api")
	m := requestMetrics{
		Period: c.period, Total: c.Requests, Calls: c.Requests, Successful: c.Requests - c.Failed, Failed: c.Failed,
		Endpoints: c.actions, Same: c.actions, Days: c.days,
	}
	if c.Requests > 0 {
		rate := float64(c.Failed) / float64(c.Requests)
		m.ErrorRate = &rate
	}
	return reply[requestMetrics]{data: m, receipt: r.receipt}, err
}

// soon is how near an end is that metrics count as near.
const soon = 30 * 24 * time.Hour

// vaultMetrics handles GET /metrics/vault.
func (s *Server) vaultMetrics(ctx context.Context, in *call, _ none) (reply[vaultMetrics], error) {
	c, r, err := s.count(ctx, in, "vault")
	if err != nil {
		return reply[vaultMetrics]{}, err
	}
	rows, err := s.Queries.CredentialCounts(ctx, in.by.Tenant, in.by.Environment, s.Now(), s.Now().Add(soon))
	m := vaultMetrics{
		Period: c.period, Types: map[string]int{}, Sealed: c.kinds["CREDENTIAL_SEALED"], Unsealed: c.kinds["CREDENTIAL_UNSEALED"], Rotated: c.kinds["CREDENTIAL_ROTATED"],
	}
	for _, row := range rows {
		m.Total, m.Active, m.Expiring = m.Total+row.Total, m.Active+row.Active, m.Expiring+row.Expiring
		m.Types[row.Type] = row.Total
	}
	m.Soon = m.Expiring
	return reply[vaultMetrics]{data: m, receipt: r.receipt}, err
}

// period reads the span that metrics are asked for, as 24h, 30d, P30D or two dates
// or times with a slash between them. It returns it in Unix microseconds, the end
// being 0 for now, and as it was named.
func (p *parameters) period(now time.Time) (since, until int64, name string) {
	name = p.text("period")
	if name == "" {
		name = "30d"
	}
	if from, to, interval := strings.Cut(name, "/"); interval {
		both := parameters{values: map[string][]string{"period": {from}}}
		since = both.instant("period", false)
		both.values["period"] = []string{to}
		if until = both.instant("period", true); both.err != nil || since == 0 || until <= since {
			p.wrong("period must be two dates or times, the earlier one first")
		}
		return since, until, name
	}
	text := strings.ToLower(strings.TrimPrefix(name, "P"))
	unit := 24 * time.Hour
	if strings.HasSuffix(text, "h") {
		unit = time.Hour
	}
	n, err := strconv.Atoi(strings.TrimRight(text, "dh"))
	span := time.Duration(n) * unit
	if err != nil || len(text) != len(strconv.Itoa(n))+1 || n < 1 || n > maxPeriod*24 || span > maxPeriod*24*time.Hour {
		p.wrong("period must be such as 24h, 30d or P30D, at most 366 days, or an interval")
		return 0, 0, name
	}
	return now.Truncate(time.Minute).Add(-span).UnixMicro(), 0, name
}
