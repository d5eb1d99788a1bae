package backup

import (
	"bufio"
	"bytes"
	"crypto/sha3"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/minio/sio"
)

// A row is its kind, how many fields it has, and each field behind its length, all
// ones standing for none at all. The last row is of kind 0 and holds how many came
// before it.
const (
	endKind   = 0
	none      = 1<<32 - 1
	maxField  = 4 << 20
	maxFields = 32
)

func dare(key []byte) sio.Config {
	return sio.Config{MinVersion: sio.Version20, CipherSuites: []byte{sio.AES_256_GCM}, Key: key}
}

// Writer writes a part.
type Writer struct {
	file   *os.File
	sum    hash.Hash
	size   int64
	sealed io.WriteCloser
	out    *bufio.Writer
	rows   uint64
}

// Create begins a part in dir under a key of 32 bytes that is used for nothing else.
func Create(dir, part string, key []byte) (*Writer, error) {
	file, err := os.OpenFile(Path(dir, part), os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	w := &Writer{file: file, sum: sha3.New256()}
	if w.sealed, err = sio.EncryptWriter(w, dare(key)); err != nil {
		return nil, errors.Join(fmt.Errorf("encrypting a backup: %w", err), file.Close())
	}
	w.out = bufio.NewWriterSize(w.sealed, 1<<16)
	return w, nil
}

// Write takes what is encrypted. It is for the encryption alone.
func (w *Writer) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	_, _ = w.sum.Write(p[:n]) // a hash never fails to write
	w.size += int64(n)
	return n, err
}

// Row writes a row of a kind from 1 to 255. A field that is nil comes back as nil.
func (w *Writer) Row(kind byte, fields ...[]byte) error {
	w.rows++
	return w.row(kind, fields)
}

func (w *Writer) row(kind byte, fields [][]byte) error {
	head := []byte{kind, byte(len(fields))}
	for _, f := range fields {
		size := uint32(none)
		if f != nil {
			size = uint32(len(f))
		}
		head = binary.BigEndian.AppendUint32(head, size)
	}
	if _, err := w.out.Write(head); err != nil {
		return err
	}
	for _, f := range fields {
		if _, err := w.out.Write(f); err != nil {
			return err
		}
	}
	return nil
}

// Finish ends the part, durably, and returns what the manifest says of it, but for
// its wrapped key.
func (w *Writer) Finish() (Part, error) {
	err := w.row(endKind, [][]byte{Number(int64(w.rows))})
	err = errors.Join(err, w.out.Flush(), w.sealed.Close(), w.file.Sync(), w.file.Close())
	return Part{Rows: w.rows, Bytes: w.size, SHA3: w.sum.Sum(nil)}, err
}

// Abandon gives the part up.
func (w *Writer) Abandon() { _ = w.file.Close() }

// Reader reads a part.
type Reader struct {
	file *os.File
	in   *bufio.Reader
	rows uint64
	over bool
}

// Open opens a part under its key. The whole file is compared with the manifest first.
func Open(dir, name string, part Part, key []byte) (*Reader, error) {
	file, err := os.Open(Path(dir, name))
	if err != nil {
		return nil, err
	}
	sum := sha3.New256()
	size, err := io.Copy(sum, file)
	if err == nil && (size != part.Bytes || !bytes.Equal(sum.Sum(nil), part.SHA3)) {
		err = fmt.Errorf("%w: %s is not the one that the manifest names", ErrDamaged, name)
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	var plain io.Reader
	if err == nil {
		plain, err = sio.DecryptReader(file, dare(key))
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &Reader{file: file, in: bufio.NewReaderSize(plain, 1<<16)}, nil
}

// Next returns the next row, and io.EOF after the last one. What it returns is the
// caller's. It returns ErrDamaged for what no Writer wrote.
func (r *Reader) Next() (kind byte, fields [][]byte, err error) {
	if r.over {
		return 0, nil, io.EOF
	}
	kind, fields, err = r.row()
	if err != nil {
		return 0, nil, fmt.Errorf("%w: row %d: %w", ErrDamaged, r.rows, err)
	}
	if kind != endKind {
		r.rows++
		return kind, fields, nil
	}
	if len(fields) != 1 || !bytes.Equal(fields[0], Number(int64(r.rows))) {
		return 0, nil, fmt.Errorf("%w: %d rows, and the end says otherwise", ErrDamaged, r.rows)
	}
	if _, err := r.in.ReadByte(); !errors.Is(err, io.EOF) {
		return 0, nil, fmt.Errorf("%w: something follows the end", ErrDamaged)
	}
	r.over = true
	return 0, nil, io.EOF
}

func (r *Reader) row() (kind byte, fields [][]byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(r.in, head[:]); err != nil {
		return 0, nil, err
	}
	if head[1] > maxFields {
		return 0, nil, fmt.Errorf("%d fields", head[1])
	}
	sizes := make([]byte, 4*int(head[1]))
	if _, err := io.ReadFull(r.in, sizes); err != nil {
		return 0, nil, err
	}
	fields = make([][]byte, head[1])
	for i := range fields {
		size := binary.BigEndian.Uint32(sizes[4*i:])
		switch {
		case size == none:
			continue
		case size > maxField:
			return 0, nil, fmt.Errorf("a field of %d bytes", size)
		}
		fields[i] = make([]byte, size)
		if _, err := io.ReadFull(r.in, fields[i]); err != nil {
			return 0, nil, err
		}
	}
	return head[0], fields, nil
}

// Close closes the file.
func (r *Reader) Close() error { return r.file.Close() }

// Number is a field that holds n.
func Number(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

// ParseNumber reads what Number writes, and false for all else.
func ParseNumber(b []byte) (int64, bool) {
	if len(b) != 8 {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(b)), true
}
