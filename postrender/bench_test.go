package postrender

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
)

// The steps of a render, each over streams of two lengths: the metric
// ns/document tells whether one grows faster than the stream. make bench times
// the program as a whole.

func BenchmarkRead(b *testing.B) {
	stages(b, func(b *testing.B, source Source) {
		for b.Loop() {
			manifest.Read([]manifest.Source{manifest.Source(source)})
		}
	})
}

func BenchmarkSelect(b *testing.B) {
	stages(b, func(b *testing.B, source Source) {
		topology, _ := benchConfig.topology()
		stream, _ := manifest.Read([]manifest.Source{manifest.Source(source)})
		for b.Loop() {
			selectClusters(topology, stream)
		}
	})
}

// BenchmarkProcess is all steps but the last; BenchmarkWrite is the last.
func BenchmarkProcess(b *testing.B) {
	stages(b, func(b *testing.B, source Source) {
		for b.Loop() {
			if _, err := New(benchConfig).process([]Source{source}, false); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	stages(b, func(b *testing.B, source Source) {
		p, err := New(benchConfig).process([]Source{source}, false)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if _, err := p.result.WriteTo(io.Discard); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkRun(b *testing.B) {
	for name, cfg := range map[string]Config{"on": benchConfig, "off": {}} {
		b.Run(name, func(b *testing.B) {
			stages(b, func(b *testing.B, source Source) {
				for b.Loop() {
					if _, err := New(cfg).Run(bytes.NewBuffer(source.Data)); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

var benchConfig = Config{EnableHotStandby: true, PrimaryRegion: "fsn1", ReplicaRegion: "hel1"}

// stages runs a benchmark over 1,000 and over 16,000 documents, each fiftieth a Cluster.
func stages(b *testing.B, stage func(*testing.B, Source)) {
	for _, documents := range []int{1_000, 16_000} {
		var stream bytes.Buffer
		for i := range documents {
			fmt.Fprintf(&stream, "---\n# Source: chart/templates/%d.yaml\n", i)
			if i%50 == 0 {
				fmt.Fprintf(&stream, "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata:\n  name: db-%d\nspec:\n  instances: 3\n  storage:\n    size: 1Gi\n", i)
				continue
			}
			fmt.Fprintf(&stream, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: scripts-%d\ndata:\n  run: |\n", i)
			for range 30 {
				stream.WriteString("    echo one more line of the script # ----------\n")
			}
		}
		b.Run(fmt.Sprintf("documents=%d", documents), func(b *testing.B) {
			b.SetBytes(int64(stream.Len()))
			b.ReportAllocs()
			stage(b, Source{Name: "stdin", Data: stream.Bytes()})
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*documents), "ns/document")
		})
	}
}
