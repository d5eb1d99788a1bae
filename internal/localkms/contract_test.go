package localkms_test

import (
	"path/filepath"
	"testing"

	"github.com/quantaseal/quantaseal/internal/keyring"
	"github.com/quantaseal/quantaseal/internal/kmstest"
	"github.com/quantaseal/quantaseal/internal/localkms"
)

var (
	_ keyring.KMS     = (*localkms.KMS)(nil)
	_ keyring.RootKey = (*localkms.KMS)(nil)
)

func TestContract(t *testing.T) {
	k := mustOpen(t, filepath.Join(t.TempDir(), "kms"), localkms.Options{})
	kmstest.Contract(t, k, mustOpen(t, filepath.Join(t.TempDir(), "kms"), localkms.Options{}))
	kmstest.RootContract(t, k)
}
