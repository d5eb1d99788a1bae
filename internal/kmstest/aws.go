package kmstest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"filippo.io/mldsa"
)

// credentials are the usual variables that AWS answers to. They are the same for all.
var credentials = map[string]string{
	"AWS_ACCESS_KEY_ID": "AKIDTEST", "AWS_SECRET_ACCESS_KEY": "secret-of-a-test", "AWS_EC2_METADATA_DISABLED": "true",
}

// introduce sets them for the whole process, which a test that runs beside others could not.
var introduce = sync.OnceValue(func() error {
	var errs []error
	for name, value := range credentials {
		errs = append(errs, os.Setenv(name, value))
	}
	return errors.Join(errs...)
})

const prefix = "arn:aws:kms:eu-central-1:111122223333:key/"

// AWS serves the protocol of AWS KMS. It has two symmetric keys and one that signs,
// of which it knows what AWS KMS would: it never gives one away.
type AWS struct {
	URL   string
	Key   string // ARN of a symmetric key
	Other string // ARN of another one
	Root  string // ARN of an ML_DSA_65 key

	symmetric map[string]cipher.AEAD
	signing   *mldsa.PrivateKey

	mu     sync.Mutex
	faults map[string]Fault
	calls  []Call
	busy   int
	peak   int
	closed chan struct{}
}

// Call is what somebody asked of the KMS, as its trail shows it.
type Call struct {
	Operation string
	Context   map[string]string
	Refused   string // the error's name; empty = answered
}

// NewAWS starts an AWS KMS that ends with the test, and gives the process credentials
// for it.
func NewAWS(t testing.TB) *AWS {
	t.Helper()
	if err := introduce(); err != nil {
		t.Fatal(err)
	}
	a := &AWS{symmetric: map[string]cipher.AEAD{}, faults: map[string]Fault{}, closed: make(chan struct{})}
	for _, arn := range []*string{&a.Key, &a.Other, &a.Root} {
		*arn = newARN()
	}
	for _, arn := range []string{a.Key, a.Other} {
		key := make([]byte, 32)
		_, _ = rand.Read(key) // ends the process rather than fail
		block, err := aes.NewCipher(key)
		if err != nil {
			t.Fatal(err)
		}
		if a.symmetric[arn], err = cipher.NewGCM(block); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if a.signing, err = mldsa.GenerateKey(mldsa.MLDSA65()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(a.serve))
	a.URL = server.URL
	t.Cleanup(func() {
		close(a.closed) // who hangs, goes
		server.Close()
	})
	return a
}

func newARN() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // ends the process rather than fail
	h := hex.EncodeToString(b[:])
	return prefix + strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

// Calls returns what was asked so far, of one operation or, if it is empty, of all.
func (a *AWS) Calls(operation string) []Call {
	a.mu.Lock()
	defer a.mu.Unlock()
	var calls []Call
	for _, c := range a.calls {
		if operation == "" || c.Operation == operation {
			calls = append(calls, c)
		}
	}
	return calls
}

// Peak returns how many requests were being served at the same time at most.
func (a *AWS) Peak() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.peak
}

// signed is the shape of a request that Signature Version 4 has signed for KMS.
var signed = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=AKIDTEST/\d{8}/eu-central-1/kms/aws4_request, ` +
	`SignedHeaders=[a-z0-9;-]*host;[a-z0-9;-]*x-amz-date;[a-z0-9;-]*x-amz-target, Signature=[0-9a-f]{64}$`)

// serve answers one request, or fails as it was told to.
func (a *AWS) serve(w http.ResponseWriter, r *http.Request) {
	operation, known := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "TrentService.")
	a.enter()
	defer a.leave()
	var in request
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&in); err != nil || !known || r.Method != http.MethodPost ||
		r.Header.Get("Content-Type") != "application/x-amz-json-1.1" {
		refuse(w, http.StatusBadRequest, "SerializationException")
		return
	}
	fault := a.fault(operation)
	if !fault.wait(r.Context(), a.closed) {
		a.record(operation, in, "hung")
		return
	}
	name, out := fault.before(), response(nil)
	switch {
	case name != "":
	case !signed.MatchString(r.Header.Get("Authorization")) || r.Header.Get("X-Amz-Date") == "":
		name = "MissingAuthenticationTokenException"
	default:
		out, name = a.answer(operation, in)
	}
	a.record(operation, in, name)
	if fault.Lose {
		panic(http.ErrAbortHandler) // it was done, and nobody hears of it
	}
	if name != "" {
		refuse(w, status(name), name)
		return
	}
	fault.after(out)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(out) // whoever asked has left
}

func (a *AWS) enter() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.busy++
	a.peak = max(a.peak, a.busy)
}

func (a *AWS) leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.busy--
}

func (a *AWS) record(operation string, in request, refused string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, Call{Operation: operation, Context: in.EncryptionContext, Refused: refused})
}

func status(name string) int {
	if name == "KMSInternalException" {
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}

func refuse(w http.ResponseWriter, status int, name string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": name, "message": "as the test wants it"}) // whoever asked has left
}
