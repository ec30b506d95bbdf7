// Command cnpg-pair is a Helm post-renderer that turns every single
// CloudNativePG Cluster of the manifests that it reads into a primary and a
// replica in two regions. The library beside it, postrender, does the work.
package main

import (
	"os"

	"github.com/openova-io/helm-cnpg-pair/internal/cli"
)

// release is the version, where make dist has built the program.
var release string

func main() { os.Exit(cli.Main(release, cli.RunFlux)) }
