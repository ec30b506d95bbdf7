package cli

import (
	"github.com/spf13/cobra"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

type explain struct {
	config postrender.Config
	files  []string
	json   bool
}

func newExplain(p *parser) *cobra.Command {
	output := &word{flag: "--output", argument: "FORMAT", value: "table"}
	cmd := &cobra.Command{
		Use:   "explain [flags] [FILE...]",
		Short: "Show what happens to each Cluster, and why",
		Long: `Show for each Cluster whether it becomes a pair, is left alone, or cannot be
paired, and why. For each pair, show its members, what it needs from the
Kubernetes clusters, and what happens to a running release. With hot
standby off, every Cluster is shown as left alone.`,
		Example: `  cnpg-pair explain blog.yaml
  helm template blog ./chart | cnpg-pair explain --active none
  cnpg-pair explain --output json blog.yaml | jq -r '.[] | .name + ": " + .reason'`,
		RunE: p.run(func(cfg postrender.Config, files []string) (command, error) {
			if output.value != "table" && output.value != "json" {
				return nil, message.New(message.UnknownFormat, "word", output.value)
			}
			return explain{cfg, files, output.value == "json"}, nil
		}),
	}
	cmd.Flags().Var(output, "output", "table, or json in the shape of docs/explain.schema.json")
	offer(cmd, "output", "table", "json")
	return cmd
}

func (e explain) run(p *Process) error {
	sources, err := p.Read(e.files...)
	if err != nil {
		return err
	}
	decisions, err := (&postrender.Renderer{Config: e.config, Warn: p.Warn}).Explain(sources...)
	switch {
	case err != nil:
		return err
	case e.json:
		return writeJSON(p.Stdout, decisions)
	}
	return writeTable(p.Stdout, decisions)
}
