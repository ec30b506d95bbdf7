package postrender_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// BenchmarkRender: a stream of 2,000 documents with 20 Clusters, on and off.
// make bench times the program as a whole.
func BenchmarkRender(b *testing.B) {
	var stream bytes.Buffer
	for i := range 2000 {
		fmt.Fprintf(&stream, "---\n# Source: chart/templates/%d.yaml\n", i)
		if i%100 == 0 {
			fmt.Fprintf(&stream, "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata:\n  name: db-%d\nspec:\n  instances: 3\n  storage:\n    size: 1Gi\n", i)
			continue
		}
		fmt.Fprintf(&stream, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: scripts-%d\ndata:\n  run: |\n", i)
		for range 30 {
			stream.WriteString("    echo one more line of the script # ----------\n")
		}
	}
	for name, c := range map[string]postrender.Config{"on": cfg, "off": {}} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(stream.Len()))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := postrender.New(c).Run(bytes.NewBuffer(stream.Bytes())); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
