package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// tenant is the account that a run works with.
type tenant struct {
	key       string
	ids       []string // of the credentials sealed before reading begins
	decrypted string   // body of a request to decrypt
	verified  string   // body of a request to verify
}

func setUp(addr string, credentials int) (tenant, error) {
	c, err := dial(addr, "")
	if err != nil {
		return tenant{}, err
	}
	defer c.close()
	var session struct {
		Data struct {
			Token string `json:"token"`
		} `json:"data"`
	}
	email := fmt.Sprintf("bench-%d@example.com", time.Now().UnixNano())
	answer, err := c.post("/api/v2/auth/register", `{"email":"`+email+`","password":"measured twice, cut once","tenant_name":"Bench"}`)
	if err != nil {
		return tenant{}, err
	}
	if err := json.Unmarshal(answer, &session); err != nil {
		return tenant{}, err
	}
	c.key = session.Data.Token
	var key struct {
		Data struct {
			Secret string `json:"secret"`
		} `json:"data"`
	}
	if answer, err = c.post("/api/v2/security/api-keys", `{"name":"bench"}`); err != nil {
		return tenant{}, err
	}
	if err := json.Unmarshal(answer, &key); err != nil {
		return tenant{}, err
	}
	t := tenant{key: key.Data.Secret}
	c.key = t.key
	for i := range credentials {
		answer, err := c.post("/api/v2/vault/seal", sealBody(int64(i)))
		if err != nil {
			return tenant{}, err
		}
		var sealed struct {
			Data struct {
				ID string `json:"credential_id"`
			} `json:"data"`
		}
		if err := json.Unmarshal(answer, &sealed); err != nil {
			return tenant{}, err
		}
		t.ids = append(t.ids, sealed.Data.ID)
	}
	return t, t.protect(c)
}

// document is what is encrypted and signed.
const document = `{"data":"customer 4711, IBAN DE02 1203 0000 0000 2020 51, sensitive"}`

// protect encrypts and signs what is decrypted and verified later.
func (t *tenant) protect(c *client) error {
	answer, err := c.post("/api/v2/encryption/encrypt?representation=token", document)
	if err != nil {
		return err
	}
	var made struct {
		Data struct {
			Ciphertext string `json:"ciphertext"`
			PQC        string `json:"pqc_signature"`
			HMAC       string `json:"hmac_signature"`
		} `json:"data"`
	}
	if err := json.Unmarshal(answer, &made); err != nil {
		return err
	}
	t.decrypted = `{"ciphertext":"` + made.Data.Ciphertext + `"}`
	if answer, err = c.post("/api/v2/encryption/sign", document); err != nil {
		return err
	}
	if err := json.Unmarshal(answer, &made); err != nil {
		return err
	}
	t.verified = document[:len(document)-1] + `,"pqc_signature":"` + made.Data.PQC + `","hmac_signature":"` + made.Data.HMAC + `"}`
	return nil
}

func sealBody(n int64) string {
	return `{"name":"bench-` + strconv.FormatInt(n, 10) + `","credential_type":"api_key","values":{"key":"sk_live_0123456789abcdef0123456789abcdef"},"ttl_days":90}`
}

func measureEngine(ctx context.Context, s settings, engine, dir string, report Report) ([]Row, error) {
	v, err := startServer(ctx, s, engine, dir)
	if err != nil {
		return nil, err
	}
	defer v.stop()
	t, err := setUp(v.addr, s.credentials)
	if err != nil {
		return nil, err
	}
	lines := t.lines()
	var rows []Row
	for _, line := range lines {
		if s.operations != nil && !slices.Contains(s.operations, line.name) {
			continue
		}
		for _, connections := range s.connections {
			cpu, own := v.cpu(), ownCPU()
			o, err := load(ctx, v.addr, t.key, connections, s.seconds, line.op)
			if err != nil {
				return rows, err
			}
			n := float64(max(len(o.latencies), 1))
			r := Row{
				Engine: engine, Operation: line.name, Connections: connections,
				PerSecond: n / o.took.Seconds(), P50: o.at(0.5), P99: o.at(0.99), Failed: o.failed,
				ServerCPU: float64((v.cpu() - cpu).Microseconds()) / n, LoadCPU: float64((ownCPU() - own).Microseconds()) / n,
				PeakMB: v.peak(), Limit: report.limit(line.name),
			}
			if r.Limit > 0 {
				r.Ratio = r.PerSecond / r.Limit
			}
			r.print()
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// line is one operation to be measured. op reports whether it succeeded.
type line struct {
	name string
	op   func(*client, int64) bool
}

// lines returns all there is to measure, in the order in which it is printed.
func (t tenant) lines() []line {
	posts := func(path, body, holds string) func(*client, int64) bool {
		return func(c *client, _ int64) bool {
			status, answer, err := c.do(http.MethodPost, "/api/v2/encryption/"+path, body)
			return err == nil && status == http.StatusOK && bytes.Contains(answer, []byte(holds))
		}
	}
	return []line{
		{"seal", func(c *client, n int64) bool {
			status, _, err := c.do(http.MethodPost, "/api/v2/vault/seal", sealBody(n))
			return err == nil && status == http.StatusCreated
		}},
		{"unseal", func(c *client, n int64) bool {
			status, _, err := c.do(http.MethodGet, "/api/v2/vault/"+t.ids[n%int64(len(t.ids))], "")
			return err == nil && status == http.StatusOK
		}},
		{"list", func(c *client, _ int64) bool {
			status, _, err := c.do(http.MethodGet, "/api/v2/vault/list?limit=20", "")
			return err == nil && status == http.StatusOK
		}},
		{"append", func(c *client, n int64) bool { // a refused restore of nothing: one signed fact and no more
			status, _, err := c.do(http.MethodPost, "/api/v2/vault/cred_"+fmt.Sprintf("%028x0000", n)+"/restore", "")
			return err == nil && status == http.StatusForbidden
		}},
		{"encrypt", posts("encrypt?representation=token", document, `"qs1.`)},
		{"decrypt", posts("decrypt", t.decrypted, `sensitive`)},
		{"sign", posts("sign", document, `"pqc_signature"`)},
		{"verify", posts("verify", t.verified, `"valid":true`)},
	}
}
