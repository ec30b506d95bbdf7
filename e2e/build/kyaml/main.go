// Command kyaml reads a stream with kyaml's ByteReader, puts a label on each
// Cluster, and writes it with its ByteWriter: what a program does that is
// written against kyaml, for make bench.
package main

import (
	"fmt"
	"os"

	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

func main() {
	label := func(objects []*yaml.RNode) ([]*yaml.RNode, error) {
		for _, object := range objects {
			if object.GetKind() != "Cluster" {
				continue
			}
			if err := object.PipeE(yaml.SetLabel("openova.io/region", "fsn1")); err != nil {
				return nil, err
			}
		}
		return objects, nil
	}
	err := kio.Pipeline{
		Inputs:  []kio.Reader{&kio.ByteReader{Reader: os.Stdin, OmitReaderAnnotations: true}},
		Filters: []kio.Filter{kio.FilterFunc(label)},
		Outputs: []kio.Writer{kio.ByteWriter{Writer: os.Stdout}},
	}.Execute()
	if err != nil {
		fmt.Fprintln(os.Stderr, "kyaml:", err)
		os.Exit(1)
	}
}
