package localkms

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"fmt"

	"golang.org/x/crypto/argon2"
)

// The key file: magic ‖ u8 version ‖ u8 protection ‖ 0[2] ‖ u32 key version ‖
// identifier[32], then the master key as it is (protection 0), or u32 passes ‖
// u32 KiB ‖ u32 threads ‖ salt[16] ‖ nonce[12] ‖ master key under Argon2id and
// AES-256-GCM (protection 1), with all that precedes the nonce authenticated.
const (
	fileMagic      = "QSKM"
	fileVersion    = 1
	filePlain      = 0
	filePassphrase = 1
	fileID         = 12
	fileBody       = fileID + 32
	plainSize      = fileBody + keySize
	fileSalt       = fileBody + 12
	fileNonce      = fileSalt + 16
	fileCT         = fileNonce + 12
	protectedSize  = fileCT + keySize + tagSize
)

// cost is what one guess of a passphrase costs (RFC 9106).
type cost struct{ passes, kib, threads uint32 }

var (
	// defaultCost takes about a second.
	defaultCost = cost{passes: 3, kib: 256 << 10, threads: 4}
	// maxCost keeps a foreign file from exhausting the machine.
	maxCost = cost{passes: 64, kib: 4 << 20, threads: 64}
)

func (c cost) sane() bool {
	return c.passes > 0 && c.passes <= maxCost.passes && c.kib > 0 && c.kib <= maxCost.kib &&
		c.threads > 0 && c.threads <= maxCost.threads
}

// key derives the key that encrypts a master key.
func (c cost) key(passphrase, salt []byte) []byte {
	return argon2.IDKey(passphrase, salt, c.passes, c.kib, uint8(c.threads), keySize)
}

// encodeFile returns the key file that holds master.
func encodeFile(master *[keySize]byte, o Options) ([]byte, error) {
	var fresh [fileCT - fileSalt]byte
	_, _ = rand.Read(fresh[:]) // ends the process rather than fail
	return encodeFileWith(master, o, &fresh)
}

func encodeFileWith(master *[keySize]byte, o Options, fresh *[fileCT - fileSalt]byte) ([]byte, error) {
	id, err := identify(master)
	if err != nil {
		return nil, err
	}
	b := append([]byte(fileMagic), fileVersion, filePlain, 0, 0)
	b = binary.BigEndian.AppendUint32(b, keyVersion)
	b = append(b, id[:]...)
	if len(o.Passphrase) == 0 {
		return append(b, master[:]...), nil
	}
	b[5] = filePassphrase
	c := o.cost
	if c == (cost{}) {
		c = defaultCost
	}
	for _, n := range []uint32{c.passes, c.kib, c.threads} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	b = append(b, fresh[:]...)
	key := c.key(o.Passphrase, b[fileSalt:fileNonce])
	defer clear(key)
	gcm, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	return gcm.Seal(b, b[fileNonce:fileCT], master[:], b[:fileNonce]), nil
}

// decodeFile returns the master key in b. It returns ErrDamaged unless b is what
// encodeFile writes, ErrPassphrase unless passphrase is the one it was written with.
func decodeFile(b, passphrase []byte) (master [keySize]byte, err error) {
	if len(b) < fileBody || string(b[:4]) != fileMagic || b[4] != fileVersion ||
		binary.BigEndian.Uint16(b[6:]) != 0 || binary.BigEndian.Uint32(b[8:]) != keyVersion {
		return master, ErrDamaged
	}
	switch {
	case b[5] == filePlain && len(b) == plainSize:
		if len(passphrase) > 0 {
			return master, fmt.Errorf("the key file has no passphrase yet: %w", ErrPassphrase)
		}
		copy(master[:], b[fileBody:])
	case b[5] == filePassphrase && len(b) == protectedSize:
		if len(passphrase) == 0 {
			return master, fmt.Errorf("the key file needs its passphrase: %w", ErrPassphrase)
		}
		if master, err = decryptMaster(b, passphrase); err != nil {
			return master, err
		}
	default:
		return master, ErrDamaged
	}
	id, err := identify(&master)
	if err != nil || subtle.ConstantTimeCompare(id[:], b[fileID:fileBody]) != 1 {
		clear(master[:])
		return master, ErrDamaged
	}
	return master, nil
}

func decryptMaster(b, passphrase []byte) (master [keySize]byte, err error) {
	c := cost{
		passes:  binary.BigEndian.Uint32(b[fileBody:]),
		kib:     binary.BigEndian.Uint32(b[fileBody+4:]),
		threads: binary.BigEndian.Uint32(b[fileBody+8:]),
	}
	if !c.sane() {
		return master, ErrDamaged
	}
	key := c.key(passphrase, b[fileSalt:fileNonce])
	defer clear(key)
	gcm, err := newGCM(key)
	if err != nil {
		return master, err
	}
	plaintext, err := gcm.Open(nil, b[fileNonce:fileCT], b[fileCT:], b[:fileNonce])
	if err != nil {
		return master, ErrPassphrase
	}
	copy(master[:], plaintext)
	clear(plaintext)
	return master, nil
}
