package cli

import (
	"github.com/spf13/cobra"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

type diff struct {
	config postrender.Config
	files  []string
}

func newDiff(p *parser) *cobra.Command {
	return &cobra.Command{
		Use:   "diff [flags] [FILE...]",
		Short: "Show what would change, as a unified diff",
		Long: `Show what cnpg-pair would change in rendered manifests, as a unified diff that
you can apply with patch(1). Nothing is printed if nothing would change. On a
terminal the diff is coloured, unless the variable NO_COLOR is set.

No line of a Secret is printed, and control characters are printed as escapes.
A line that begins with "!" says so, and patch refuses such a diff.`,
		Example: `  helm template blog ./chart | cnpg-pair diff
  cnpg-pair diff blog.yaml > blog.patch
  cnpg-pair diff --active replica blog.yaml`,
		RunE: p.run(func(cfg postrender.Config, files []string) (command, error) { return diff{cfg, files}, nil }),
	}
}

func (d diff) run(p *Process) error {
	sources, err := p.Read(d.files...)
	if err != nil {
		return err
	}
	renderer := &postrender.Renderer{Config: d.config, Warn: p.Warn}
	result, err := renderer.Render(sources...)
	if err != nil {
		return err
	}
	return result.WriteDiff(p.Stdout, p.terminal && p.Getenv("NO_COLOR") == "")
}
