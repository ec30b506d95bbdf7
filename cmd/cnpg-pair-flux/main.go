// Command cnpg-pair-flux is cnpg-pair with kustomize linked in, so that it does
// the work of the command flux itself. cnpg-pair runs it for that command.
package main

import (
	"os"

	"github.com/openova-io/helm-cnpg-pair/internal/cli"
)

// release is the version, where make dist has built the program.
var release string

func main() { os.Exit(cli.Main(release, generate)) }
