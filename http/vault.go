package http

import (
	"context"
	"encoding/json"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
)

// sealRequest accepts the three spellings of a value that published clients use.
type sealRequest struct {
	Name      string          `json:"name"`
	Type      string          `json:"credential_type"`
	Values    json.RawMessage `json:"values"`
	Plaintext json.RawMessage `json:"plaintext"`
	Secret    json.RawMessage `json:"secret"`
	Metadata  json.RawMessage `json:"metadata"`
	TTLDays   *int            `json:"ttl_days"`
}

// command returns what is asked for. The caller wipes its value.
func (r sealRequest) command(in *call) (commands.Seal, error) {
	value, err := valueOf(spelling{"values", r.Values}, spelling{"plaintext", r.Plaintext}, spelling{"secret", r.Secret})
	cmd := commands.Seal{
		Actor: in.by, Name: r.Name, Type: r.Type, Value: value,
		Metadata: append(json.RawMessage(nil), r.Metadata...), Idempotency: in.idempotency(),
	}
	if cmd.Type == "" {
		cmd.Type = domain.DefaultType
	}
	if r.TTLDays != nil {
		cmd.TTLDays = *r.TTLDays
	}
	switch {
	case err != nil:
		return cmd, err
	case value == nil:
		return cmd, invalid("values is required")
	case len(r.Metadata) > 0 && r.Metadata[0] != '{':
		return cmd, invalid("metadata must be an object")
	case r.TTLDays != nil && cmd.TTLDays == 0:
		return cmd, invalid("ttl_days must be 1 to 365")
	}
	return cmd, nil
}

// wrong implements formed.
func (r sealRequest) wrong(ctx context.Context, s *Server, in *call) error {
	cmd, err := r.command(in)
	defer clear(cmd.Value)
	if err != nil {
		return err
	}
	return s.Vault.CheckSeal(ctx, cmd)
}

// seal handles POST /vault/seal.
func (s *Server) seal(ctx context.Context, in *call, req sealRequest) (reply[sealAnswer], error) {
	cmd, err := req.command(in)
	defer clear(cmd.Value)
	if err != nil {
		return reply[sealAnswer]{}, err
	}
	sealed, err := s.Vault.Seal(ctx, cmd)
	if err != nil {
		return reply[sealAnswer]{}, err
	}
	return reply[sealAnswer]{data: sealAnswer{entryOf(sealed), dialectOf(in.http)}, receipt: sealed.Receipt}, nil
}

// sealAnswer is the new entry, or its bare id for the clients that read that.
type sealAnswer struct {
	entry
	dialect dialect
}

// MarshalJSON writes what the caller's dialect reads.
func (a sealAnswer) MarshalJSON() ([]byte, error) {
	if a.dialect.sealsToText() {
		return json.Marshal(a.EntryID)
	}
	return json.Marshal(a.entry)
}

// spelling is one of several fields by which a value may come.
type spelling struct {
	field string
	raw   json.RawMessage
}

// valueOf returns the one value that was given as the JSON object under which it
// is sealed, in a buffer of its own, or nil if there was none. It refuses more
// than one.
func valueOf(spellings ...spelling) (commands.Secret, error) {
	var given *spelling
	for i := range spellings {
		if len(spellings[i].raw) == 0 || string(spellings[i].raw) == "null" {
			continue
		}
		if given != nil {
			return nil, invalid("give one of " + given.field + " and " + spellings[i].field)
		}
		given = &spellings[i]
	}
	if given == nil {
		return nil, nil
	}
	name := "value"
	if given.field == "secret" {
		name = "secret"
	}
	switch given.raw[0] {
	case '{':
		return append(commands.Secret(nil), given.raw...), nil
	case '"':
		if given.field == "values" {
			return nil, invalid("values must be an object")
		}
		value := make(commands.Secret, 0, len(given.raw)+len(name)+6)
		value = append(append(append(value, `{"`...), name...), `":`...)
		return append(append(value, given.raw...), '}'), nil
	}
	return nil, invalid(given.field + " must be an object")
}

// unseal handles GET /vault/{id}, which answers with values, and the routes that
// answer with plaintext.
func (s *Server) unseal(fields ...string) func(context.Context, *call, none) (reply[unsealed], error) {
	return func(ctx context.Context, in *call, _ none) (reply[unsealed], error) {
		return s.unsealAs(ctx, in, in.param("id"), fields...)
	}
}

type unsealRequest struct {
	EntryID      string `json:"entry_id"`
	CredentialID string `json:"credential_id"`
}

// unsealByBody handles POST /vault/unseal, which answers with secret.
func (s *Server) unsealByBody(ctx context.Context, in *call, req unsealRequest) (reply[unsealed], error) {
	id := req.EntryID
	if id == "" {
		id = req.CredentialID
	}
	if id == "" {
		return reply[unsealed]{}, invalid("entry_id is required")
	}
	return s.unsealAs(ctx, in, id, "secret")
}

func (s *Server) unsealAs(ctx context.Context, in *call, id string, fields ...string) (reply[unsealed], error) {
	got, err := s.Vault.Unseal(ctx, commands.Unseal{Actor: in.by, Reference: id})
	if err != nil {
		return reply[unsealed]{}, err
	}
	return reply[unsealed]{data: unsealed{got, fields}, receipt: got.Receipt}, nil
}

// unsealed is a value under the names that its route promises.
type unsealed struct {
	commands.Unsealed
	fields []string
}

// Answers hold some names and ids, and every character of a name may be escaped.
const roomForRest = 2048

func (a unsealed) room() int {
	return roomForRest + 6*(len(a.Credential.Name)+len(a.Credential.Type)) + len(a.fields)*(2*len(a.Value)+roomForRest)
}

// unsealedForm is how unsealed writes itself, but for the value.
type unsealedForm struct {
	CredentialID string  `json:"credential_id"`
	ID           string  `json:"id"`
	EntryID      string  `json:"entry_id"`
	Name         string  `json:"name"`
	Type         string  `json:"credential_type"`
	Algorithm    string  `json:"algorithm"`
	Version      uint16  `json:"version"`
	Accessed     instant `json:"last_accessed_at"`
	Expires      instant `json:"ttl_expires_at"`
	ExpiresAt    instant `json:"expires_at"`
}

func (a unsealed) appendJSON(b []byte) ([]byte, error) {
	defer clear(a.Value)
	c := a.Credential
	named, err := appendJSON(nil, unsealedForm{
		c.ID.Handle(), c.Entry().String(), c.Entry().String(), c.Name, c.Type, domain.SealAlgorithm, c.Version,
		instant(a.Receipt.TimeUS), instant(c.ExpiresAt), instant(c.ExpiresAt),
	})
	if err != nil {
		return b, err
	}
	b = append(b, named[:len(named)-1]...)
	for _, field := range a.fields {
		b = append(b, `,"`+field+`":`...)
		if field == "secret" {
			b = appendSingle(b, a.Value)
		} else {
			b = append(b, a.Value...)
		}
	}
	return append(b, '}'), nil
}

// appendSingle writes the value as one string: the only member if that is text,
// and otherwise the whole object as JSON text.
func appendSingle(b []byte, value []byte) []byte {
	var members map[string]json.RawMessage
	if json.Unmarshal(value, &members) == nil && len(members) == 1 {
		for _, only := range members {
			if only[0] == '"' {
				b = append(b, only...)
				clear(only)
				return b
			}
		}
	}
	for _, member := range members {
		clear(member)
	}
	return appendQuoted(b, value)
}

// appendQuoted writes JSON text as a JSON string, without a copy on the way.
func appendQuoted(b []byte, text []byte) []byte {
	b = append(b, '"')
	for _, c := range text {
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\t':
			b = append(b, '\\', 't')
		case '\r':
			b = append(b, '\\', 'r')
		default: // JSON text has no other control characters
			b = append(b, c)
		}
	}
	return append(b, '"')
}
