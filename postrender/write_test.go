package postrender_test

import (
	"errors"
	"testing"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// TestWriteToFull: wherever a disk is full, the error says so, and the number of bytes is
// that of those which are there.
func TestWriteToFull(t *testing.T) {
	result, err := postrender.New(cfg).Render(
		postrender.Source{Name: "a.yaml", Data: []byte(head + "spec:\n  instances: 1\n")},
		postrender.Source{Name: "b.yaml", Data: []byte("kind: ConfigMap\napiVersion: v1\n")})
	if err != nil {
		t.Fatal(err)
	}
	all := &failingWriter{1 << 20}
	size, err := result.WriteTo(all)
	if err != nil || size < 1000 || size != int64(1<<20-all.left) {
		t.Fatalf("%d bytes, %v", size, err)
	}
	for room := range int(size) {
		if n, err := result.WriteTo(&failingWriter{room}); !errors.Is(err, errFull) || n != int64(room) {
			t.Fatalf("room for %d bytes: %d written, %v", room, n, err)
		}
	}
}
