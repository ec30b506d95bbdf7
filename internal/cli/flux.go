package cli

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// Flux is what the command flux is asked for.
type Flux struct {
	Config      postrender.Config
	Files       []string // the manifests
	HelmRelease string   // the file that has it, or nothing
	Patch       bool
	Substitute  bool
	Check       bool
}

func newFlux(p *parser) *cobra.Command {
	var f Flux
	release := &word{flag: "--helmrelease", argument: "FILE"}
	cmd := &cobra.Command{
		Use:   "flux [flags] [FILE...]",
		Short: "Print the postRenderers of a Flux HelmRelease",
		Long: `Print spec.postRenderers for a Flux HelmRelease. helm-controller runs kustomize
patches, not post-renderers; these patches make the pairs that cnpg-pair makes.
FILEs, or standard input, are what helm template prints for the chart.`,
		Example: `  # write them into a HelmRelease, and check in CI that they are not out of date
  helm template blog ./chart | cnpg-pair flux --helmrelease blog.yaml > new.yaml
  mv new.yaml blog.yaml
  helm template blog ./chart | cnpg-pair flux --helmrelease blog.yaml --check

  # let Flux fill in the hot-standby settings, with spec.postBuild
  helm template blog ./chart | cnpg-pair flux --substitute`,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.Var(release, "helmrelease", "print the HelmRelease in FILE, with its postRenderers replaced")
	flags.BoolVar(&f.Patch, "patch", false, "print a kustomize patch for the HelmRelease")
	flags.BoolVar(&f.Substitute, "substitute", false, "let Flux fill in the hot-standby settings, by spec.postBuild")
	flags.BoolVar(&f.Check, "check", false, "print nothing; fail if the HelmRelease is out of date")
	cmd.RunE = p.run(func(cfg postrender.Config, files []string) (command, error) {
		f.Config, f.Files, f.HelmRelease = cfg, files, release.value
		switch {
		case f.Check && f.HelmRelease == "":
			return f, message.New(message.CheckWithoutRelease)
		case f.Check && f.Patch:
			return f, message.New(message.CheckAndPatch)
		case release.given && f.HelmRelease == "":
			return f, message.New(message.HelmReleaseEmpty)
		case f.HelmRelease == "-" && (len(files) == 0 || slices.Contains(files, "-")):
			return f, message.New(message.StdinTwice)
		}
		return f, nil
	})
	return cmd
}

func (f Flux) run(p *Process) error { return p.flux(p, f) }

// RunFlux runs cnpg-pair-flux with the same arguments. It links kustomize, whose
// start-up every helm call would pay for.
func RunFlux(p *Process, _ Flux) error {
	const name = "cnpg-pair-flux"
	program := ""
	if self, err := os.Executable(); err == nil {
		program, _ = exec.LookPath(filepath.Join(filepath.Dir(self), name))
	}
	if program == "" {
		var err error
		if program, err = exec.LookPath(name); err != nil {
			return misuse(message.New(message.NoFluxProgram))
		}
	}
	cmd := exec.Command(program, p.Args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.Stdin, p.Stdout, p.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exitStatus(exit.ExitCode())
	}
	return err
}
