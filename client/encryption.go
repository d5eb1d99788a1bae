package client

import (
	"context"
	"net/http"
)

// Encrypted is an envelope as one text, which the caller keeps.
type Encrypted struct {
	Token   string  `json:"ciphertext"`
	KeyID   string  `json:"key_id"`
	Receipt Receipt `json:"-"`
}

// Encrypt puts data, at most 131,072 bytes, into an envelope. bound are texts that
// are authenticated with it and travel along; nil = none. Nothing of it is kept: a
// lost answer leaves a fact and no envelope.
func (c *Client) Encrypt(ctx context.Context, data []byte, bound map[string]string) (e Encrypted, err error) {
	body := struct {
		Data     []byte            `json:"data"`
		Encoding string            `json:"encoding"`
		Context  map[string]string `json:"encryption_context,omitempty"`
	}{data, "base64", bound}
	a, err := c.call(ctx, request{method: http.MethodPost, path: "/encryption/encrypt?representation=token", body: body}, &e)
	e.Receipt = a.receipt()
	return e, err
}

// Decrypt verifies an envelope and returns what it holds, which the caller wipes. All
// that does not verify is refused in one way.
func (c *Client) Decrypt(ctx context.Context, token string) ([]byte, error) {
	var opened struct {
		Plaintext []byte `json:"plaintext"`
	}
	body := map[string]string{"ciphertext": token, "encoding": "base64"}
	_, err := c.call(ctx, request{method: http.MethodPost, path: "/encryption/decrypt", body: body}, &opened)
	return opened.Plaintext, err
}

// Signatures are the two signatures of a document. Both count, or neither.
type Signatures struct {
	PQC     []byte  `json:"pqc_signature"`  // ML-DSA-65
	HMAC    []byte  `json:"hmac_signature"` // HMAC-SHA-512
	KeyID   string  `json:"key_id"`
	Receipt Receipt `json:"-"`
}

// Sign signs data, at most 131,072 bytes.
func (c *Client) Sign(ctx context.Context, data []byte) (s Signatures, err error) {
	body := map[string]any{"data": data, "encoding": "base64"}
	a, err := c.call(ctx, request{method: http.MethodPost, path: "/encryption/sign", body: body}, &s)
	s.Receipt = a.receipt()
	return s, err
}

// Verify reports whether both signatures of data hold under a key of the tenant's.
func (c *Client) Verify(ctx context.Context, data []byte, s Signatures) (bool, error) {
	var verdict struct {
		Valid bool `json:"valid"`
	}
	body := map[string]any{"data": data, "encoding": "base64", "pqc_signature": s.PQC, "hmac_signature": s.HMAC}
	_, err := c.call(ctx, request{method: http.MethodPost, path: "/encryption/verify", body: body}, &verdict)
	return verdict.Valid, err
}
