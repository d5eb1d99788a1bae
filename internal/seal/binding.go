package seal

// Identity says which sealed version a record is. It is what whoever asks for a
// version knows without having seen the record, so it is compared on opening.
type Identity struct {
	LogID      [32]byte // of the deployment
	Tenant     [16]byte
	Credential [16]byte
	Version    uint64 // 1 and up
}

// Binding is everything that a record is bound to: its identity, and what was
// true when it was made. The latter is not compared on opening; the record hash
// that the log gives commits to it.
type Binding struct {
	Identity
	SealedAtUS  uint64   // Unix microseconds
	ExpiresAtUS uint64   // Unix microseconds; 0 = never
	TKEpoch     uint32   // of the tenant key that wrapped the slot at first
	KMSKeyRef   [32]byte // of the KMS key above it, see KMSKeyRef
	Test        bool     // sealed in the test environment
}

// Slot is what opens one record and nothing else: the ML-KEM-768 seed d‖z
// (FIPS 203, 64 bytes) and the second input secret of the key derivation (32
// bytes). It is stored wrapped, and destroying it destroys the credential.
type Slot [SlotSize]byte

// SlotSize is the size of a Slot in bytes.
const SlotSize = kemSeedSize + KeySize

// Wipe overwrites s with zeros.
func (s *Slot) Wipe() { clear(s[:]) }

func (s *Slot) seed() []byte   { return s[:kemSeedSize] }
func (s *Slot) second() []byte { return s[kemSeedSize:] }

// Sealed is a new record and what belongs to it.
type Sealed struct {
	Record []byte   // message ‖ ML-DSA-65 signature ‖ HMAC, to be stored as it is
	Slot   Slot     // to be wrapped, stored apart from the record, and wiped
	Hash   [32]byte // T("vault-record", Record), which the event commits to
	EKHash [32]byte // T("ek", encapsulation key), the record's KEM key id
}
