package cli

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openova-io/helm-cnpg-pair/internal/krm"
	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// filter is cnpg-pair without a command word.
type filter struct {
	config   postrender.Config
	settings settings // for a ResourceList, whose own settings beat the environment's
	files    []string
	then     programs
	misspelt error // what is wrong if the first file does not exist and may be meant as a command
}

func newFilter(p *parser) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cnpg-pair [flags] [FILE...]",
		Short: "Give the PostgreSQL of a Helm chart a hot standby in a second region",
		Long: `cnpg-pair reads rendered manifests from FILEs or standard input. It turns each
single CloudNativePG Cluster into a primary and a replica in two regions, and
prints the result. With hot standby off, and the primary active, it prints
exactly what it has read.

As a KRM function of kustomize or kpt it reads a ResourceList: the data of its
functionConfig then override the variables.

Exit status: 0 for success, 1 if the input or the hot-standby settings are
wrong, 2 if the command line, or a value in a variable, is; that of a program
of --then if it fails. Manifests are printed on success only.`,
		Example: `  export SOVEREIGN_ENABLE_HOT_STANDBY=true
  export SOVEREIGN_PRIMARY_REGION=fsn1 SOVEREIGN_REPLICA_REGION=hel1
  # Helm 3 runs this program
  helm install blog ./chart --post-renderer /usr/local/bin/cnpg-pair
  # Helm 4 runs the installed plugin
  helm install blog ./chart --post-renderer cnpg-pair

  # in a pipe: look first, then apply
  helm template blog ./chart | cnpg-pair diff
  helm template blog ./chart | cnpg-pair --strict | kubectl apply -f -

  # another post-renderer behind it
  helm upgrade blog ./chart --post-renderer cnpg-pair \
    --post-renderer-args --then --post-renderer-args /usr/local/bin/other

  # without variables
  cnpg-pair --enable-hot-standby --primary-region fsn1 --replica-region hel1 blog.yaml`,
		Args: cobra.ArbitraryArgs, // a command word or a file
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault // files, beside the commands
		},
	}
	var then programs
	cmd.Flags().Var(&then, "then", "another post-renderer, which gets the result; repeat it for more")
	cmd.Flags().Var(programArgs{&then}, "then-arg", "an argument of the --then before it; repeat it for more")
	offer(cmd, "then-arg")
	cmd.RunE = p.run(func(cfg postrender.Config, files []string) (command, error) {
		f := filter{config: cfg, settings: p.settings, files: files, then: then}
		if len(files) > 0 && files[0] != "-" && !strings.ContainsAny(files[0], "./") {
			f.misspelt = misspeltCommand(files[0], nearest(files[0], commandNames(cmd)))
		}
		return f, nil
	})
	return cmd
}

func commandNames(root *cobra.Command) []string {
	var names []string
	for _, c := range root.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	return names
}

func (f filter) run(p *Process) error {
	if !f.config.Enabled() && len(f.files) == 0 && len(f.then) == 0 && isPipe(p.Stdin) {
		stream := bufio.NewReader(p.Stdin)
		head, _ := stream.Peek(stream.Size()) // an error comes again with the reading
		if !krm.MayBegin(head) {
			return f.copy(p, stream)
		}
		source, err := readStream(stream)
		if err != nil {
			return err
		}
		return f.render(p, source)
	}
	if f.misspelt != nil {
		if _, err := os.Stat(f.files[0]); errors.Is(err, fs.ErrNotExist) {
			return misuse(f.misspelt)
		}
	}
	sources, err := p.Read(f.files...)
	if err != nil {
		return err
	}
	return f.render(p, sources...)
}

func (f filter) render(p *Process, sources ...postrender.Source) error {
	if len(sources) == 1 {
		list, is, err := krm.Read(sources[0].Data)
		switch {
		case err != nil:
			return errorInList(sources[0], err, "ResourceList")
		case is:
			return f.function(p, sources[0], list)
		}
	}
	renderer := &postrender.Renderer{Config: f.config, Warn: p.Warn}
	result, err := renderer.Render(sources...)
	if err != nil {
		return err
	}
	return f.then.write(p, result)
}

// isPipe is true for a stream that need not be read to its end before the first
// byte is written, because it does not fail in the middle as a file may.
func isPipe(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&fs.ModeNamedPipe != 0
}

// copy prints what it reads.
func (f filter) copy(p *Process, stdin io.Reader) error {
	renderer := &postrender.Renderer{Config: f.config, Warn: p.Warn}
	if _, err := renderer.Render(); err != nil { // of nothing: it checks the settings
		return err
	}
	buffer := make([]byte, 1<<16) // what a pipe holds
	// without their other methods, which would take a smaller buffer
	_, err := io.CopyBuffer(struct{ io.Writer }{p.Stdout}, struct{ io.Reader }{stdin}, buffer)
	return readError("stdin", err)
}

func misspeltCommand(word string, nearest []string) error {
	if len(nearest) == 0 {
		return message.New(message.UnknownCommand, "word", word)
	}
	return message.New(message.MisspeltCommand, "word", word, "nearest", strings.Join(nearest, " or "))
}
