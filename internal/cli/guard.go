package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/openova-io/helm-cnpg-pair/internal/guard"
)

func newGuard(p *parser) *cobra.Command {
	return &cobra.Command{
		Use:                   "guard",
		DisableFlagsInUseLine: true,
		Short:                 "Print the admission policies that protect pairs",
		Long: `Print ValidatingAdmissionPolicies for a Kubernetes cluster, 1.30 or newer. With them
the API server refuses updates that would make a second member take writes, and
the other mistakes that docs/reference.md lists. They need no settings.`,
		Example:           "  cnpg-pair guard | kubectl apply -f -",
		Args:              atMost(0),
		ValidArgsFunction: cobra.NoFileCompletions,
		Run:               func(*cobra.Command, []string) { p.chosen = text{strings.NewReader(guard.Manifests)} },
	}
}
