package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

// failuresEach is how often one account is guessed at: one more would lock it.
const failuresEach = 4

// asked is one kind of request, which must be answered alike for every address.
type asked struct {
	name, path string
	status     int
	body       func(email string) map[string]string
}

var kinds = []asked{
	{"login, wrong password", "login", http.StatusUnauthorized, func(email string) map[string]string {
		return map[string]string{"email": email, "password": "not the password"}
	}},
	{"register", "register", http.StatusCreated, registration},
	{"forgot", "password/forgot", http.StatusAccepted, func(email string) map[string]string {
		return map[string]string{"email": email}
	}},
}

func registration(email string) map[string]string {
	return map[string]string{"email": email, "password": "timing-passphrase-6Wq", "tenant_name": "Timing"}
}

// measure sends rounds pairs of each kind, known and unknown in a drawn order, and
// writes a line for each.
func measure(ctx context.Context, out io.Writer, url string, rounds int) error {
	accounts := (rounds + failuresEach - 1) / failuresEach
	for i := range accounts {
		if _, err := send(ctx, url, kinds[1], known(i)); err != nil {
			return err
		}
	}
	_, _ = fmt.Fprintf(out, "%d pairs of each\n| request | known, ms: median | p95 | unknown, ms: median | p95 | difference of medians, µs | Welch's t |\n|---|---|---|---|---|---|---|\n", rounds)
	for _, k := range kinds {
		var took [2][]float64 // of known and unknown addresses, in milliseconds
		for i := range rounds {
			first := rand.IntN(2)
			for _, which := range []int{first, 1 - first} {
				email := known(i / failuresEach)
				if which == 1 {
					email = fmt.Sprintf("nobody-%d-%d@timing.example", i, len(k.name))
				}
				d, err := send(ctx, url, k, email)
				if err != nil {
					return err
				}
				took[which] = append(took[which], float64(d)/float64(time.Millisecond))
			}
		}
		t := welch(took[0], took[1])
		slices.Sort(took[0])
		slices.Sort(took[1])
		_, _ = fmt.Fprintf(out, "| %s | %.2f | %.2f | %.2f | %.2f | %.0f | %.1f |\n", k.name, at(took[0], 50), at(took[0], 95),
			at(took[1], 50), at(took[1], 95), 1000*(at(took[0], 50)-at(took[1], 50)), t)
	}
	return nil
}

func known(i int) string { return fmt.Sprintf("known-%d@timing.example", i) }

// send sends one request and returns how long its whole answer took.
func send(ctx context.Context, url string, k asked, email string) (time.Duration, error) {
	body, err := json.Marshal(k.body(email))
	if err != nil {
		return 0, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/api/v2/auth/"+k.path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	begun := time.Now()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	took := time.Since(begun)
	_ = answer.Body.Close()
	if err == nil && answer.StatusCode != k.status {
		err = fmt.Errorf("%s was answered %d", k.name, answer.StatusCode)
	}
	return took, err
}

// at returns the percentile of sorted values.
func at(sorted []float64, percent int) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	return sorted[(len(sorted)-1)*percent/100]
}

// welch returns Welch's t of two samples: beyond ±4.5 they hardly are of one kind.
func welch(a, b []float64) float64 {
	meanA, spreadA := moments(a)
	meanB, spreadB := moments(b)
	return (meanA - meanB) / math.Sqrt(spreadA/float64(len(a))+spreadB/float64(len(b)))
}

func moments(values []float64) (mean, variance float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		variance += (v - mean) * (v - mean) / float64(len(values)-1)
	}
	return mean, variance
}
