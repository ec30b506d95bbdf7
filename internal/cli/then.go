package cli

import (
	"bytes"
	"errors"
	"io"
	"os/exec"
	"strings"

	"github.com/spf13/pflag"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
)

// Helm takes one post-renderer. The flag --then runs others behind it, without a
// shell, in which a pipe would lose the exit status of all programs but the last.

// program is one that takes manifests on its standard input and prints manifests.
type program struct {
	name string
	args []string
}

// programs are the values of --then, in order.
type programs []program

var _ pflag.Value = (*programs)(nil)

func (ps *programs) String() string { return "" }
func (ps *programs) Type() string   { return "PROGRAM" }
func (ps *programs) Set(name string) error {
	if name == "" {
		return message.New(message.ThenEmpty)
	}
	*ps = append(*ps, program{name: name})
	return nil
}

// programArgs is the flag --then-arg: each of its values goes to the last program.
type programArgs struct{ *programs }

func (ps programArgs) Type() string { return "WORD" }
func (ps programArgs) Set(arg string) error {
	all := *ps.programs
	if len(all) == 0 {
		return message.New(message.ThenArgFirst, "word", arg)
	}
	all[len(all)-1].args = append(all[len(all)-1].args, arg)
	return nil
}

// write prints manifests: through the programs, if there are any, and then only if
// all of them have succeeded.
func (ps programs) write(p *Process, manifests io.WriterTo) error {
	if len(ps) == 0 {
		_, err := manifests.WriteTo(p.Stdout)
		return err
	}
	var stream bytes.Buffer
	manifests.WriteTo(&stream) // a buffer takes everything
	for _, next := range ps {
		out, err := next.run(p, &stream)
		if err != nil {
			return err
		}
		stream = *out
	}
	_, err := stream.WriteTo(p.Stdout)
	return err
}

// run returns what the program prints. Its error has the exit status of the program.
func (n program) run(p *Process, stdin io.Reader) (*bytes.Buffer, error) {
	var out, said bytes.Buffer
	cmd := exec.Command(n.name, n.args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, io.MultiWriter(p.Stderr, &said)
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return &out, nil
	case !errors.As(err, &exit):
		return nil, misuse(message.Wrap(message.ThenNotRun, err))
	}
	failed := message.Wrap(message.ThenFailed, err, "program", n.name)
	if isHelm4(p.Getenv) { // which shows nothing but what is on stdout
		failed = message.Wrap(message.ThenSaid, err, "program", n.name, "said", strings.TrimSpace(said.String()))
	}
	return nil, &failure{failed, max(exit.ExitCode(), 1)} // -1 for a signal
}

// failure is an error with an exit status.
type failure struct {
	error
	status int
}
