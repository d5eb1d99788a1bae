package vaulttest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// TestStoppingLosesNothing stops a vault under load: whoever was served gets a
// whole answer, nothing is done that nobody was told of, and all of it is there
// when the vault is back.
func TestStoppingLosesNothing(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a := v.Register(t, "owner@example.com")
		var mu sync.Mutex
		acknowledged := map[string]string{}
		enough := make(chan struct{})
		var group sync.WaitGroup
		for writer := range 8 {
			group.Go(func() {
				for n := 0; ; n++ {
					value := fmt.Sprintf(`{"v":"%d of %d"}`, n, writer)
					answer, err := a.Try(t.Context(), http.MethodPost, sealPath, `{"name":"n","values":`+value+`}`)
					if errors.Is(err, io.ErrUnexpectedEOF) {
						t.Errorf("an answer was cut: %v", err)
					}
					if err != nil {
						return
					}
					var sealed struct{ Data vaulttest.Entry }
					if answer.Status != http.StatusCreated || json.Unmarshal(answer.Body, &sealed) != nil {
						t.Errorf("got %d %s", answer.Status, answer.Body)
					}
					mu.Lock()
					acknowledged[sealed.Data.ID] = value
					if len(acknowledged) == 40 {
						close(enough)
					}
					mu.Unlock()
				}
			})
		}
		<-enough
		v.Stop()
		group.Wait()

		again := vaulttest.Start(t, node.Config{Data: v.Data, KMS: v.Config.KMS, DatabaseURL: v.Config.DatabaseURL})
		w := watch(t, again, a.TenantID)
		w.next = 0
		facts := 0
		for _, r := range w.since(t) {
			if r.Header.EventType == "CREDENTIAL_SEALED" {
				facts++
			}
		}
		if facts != len(acknowledged) {
			t.Errorf("%d credentials were sealed and %d acknowledged", facts, len(acknowledged))
		}
		c := again.As(a.Key)
		for id, want := range acknowledged {
			if got := value(t, c, id); got != want {
				t.Errorf("%s holds %s, want %s", id, got, want)
			}
		}
	})
}
