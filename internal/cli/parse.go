package cli

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/internal/topology"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// command is what a command line asks for.
type command interface{ run(*Process) error }

// parser turns a command line into a command.
type parser struct {
	getenv   func(string) string
	environ  []string
	settings settings
	version  bool
	chosen   command
}

// parse reads the command line. Its errors are mistakes of the caller.
func parse(args []string, getenv func(string) string, environ []string) (command, error) {
	var answer bytes.Buffer // cobra's: help and completion
	p := &parser{getenv: getenv, environ: environ, chosen: text{&answer}}
	root := newRoot(p)
	root.SetArgs(append([]string{}, args...)) // for nil, cobra takes those of the process
	root.SetOut(&answer)
	root.SetErr(io.Discard) // completion tells the author of a shell there what it did
	err := root.Execute()
	return p.chosen, err
}

func newRoot(p *parser) *cobra.Command {
	root := newFilter(p)
	root.Flags().SortFlags = false
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(flagError)
	root.SetHelpFunc(printHelp)
	root.SetHelpCommand(newHelp())
	p.settings = addSettings(root)
	flags := root.PersistentFlags()
	flags.SortFlags = false
	flags.BoolVar(&p.version, "version", false, "print the version")
	flags.BoolP("help", "h", false, "print this text")
	root.AddCommand(newDiff(p), newExplain(p), newFlux(p), newGuard(p), newCompletion(), newVersion(p))
	return root
}

// run returns the RunE of a command that has settings and files.
func (p *parser) run(command func(cfg postrender.Config, files []string) (command, error)) func(*cobra.Command, []string) error {
	return func(_ *cobra.Command, files []string) error {
		if p.version {
			p.chosen = versionText{}
			return nil
		}
		if i := slices.IndexFunc(files, topology.IsSwitchWord); i >= 0 {
			return message.New(message.UnexpectedArgument, "word", files[i])
		}
		cfg, err := p.settings.config(p.getenv)
		if err != nil {
			return err
		}
		if p.chosen, err = command(cfg, files); err != nil {
			return err
		}
		misses := nearMisses(p.environ, p.settings.lookup(p.getenv)(postrender.EnvEnableHotStandby))
		switch {
		case len(misses) > 0 && cfg.Strict:
			return errors.Join(misses...)
		case len(misses) > 0:
			p.chosen = warned{p.chosen, misses}
		}
		return nil
	}
}

// text is a command whose answer is known.
type text struct{ io.WriterTo }

func (t text) run(p *Process) error {
	_, err := t.WriteTo(p.Stdout)
	return err
}

// atMost refuses more arguments than a command takes.
func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return message.New(message.ExtraArgument, "word", args[n], "command", cmd.CommandPath())
		}
		return nil
	}
}

// offer is what completion offers as the value of a flag: no files.
func offer(cmd *cobra.Command, flag string, words ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // there is no such flag
	}
}

// flagError says in our words what is wrong with a flag.
func flagError(cmd *cobra.Command, err error) error {
	var own *message.Message
	var unknown *pflag.NotExistError
	var missing *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	var syntax *pflag.InvalidSyntaxError
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &unknown):
		return unknownFlag(cmd, unknown)
	case errors.As(err, &missing):
		return message.New(message.FlagWithoutValue, "flag", "--"+missing.GetSpecifiedName(), "command", cmd.CommandPath())
	case errors.As(err, &invalid):
		return message.New(message.FlagWord, "flag", "--"+invalid.GetFlag().Name, "word", invalid.GetValue())
	case errors.As(err, &syntax):
		return message.New(message.FlagSyntax, "word", syntax.GetSpecifiedFlag(), "command", cmd.CommandPath())
	}
	return err
}

func unknownFlag(cmd *cobra.Command, err *pflag.NotExistError) error {
	name, flag := err.GetSpecifiedName(), "--"+err.GetSpecifiedName()
	if letters := err.GetSpecifiedShortnames(); letters != "" {
		name, flag = letters, "-"+letters
	}
	if name == "rejoin" {
		return message.New(message.RejoinGone, "name", flag)
	}
	for _, other := range cmd.Root().Commands() {
		if other.Flags().Lookup(name) != nil {
			return message.New(message.MisplacedFlag, "flag", "--"+name, "command", other.Name())
		}
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := nearest(name, names); len(near) > 0 {
		return message.New(message.MisspeltFlag, "flag", flag, "nearest", "--"+strings.Join(near, " or --"))
	}
	return message.New(message.UnknownFlag, "flag", flag, "command", cmd.CommandPath())
}

// nearest returns the words that a misspelt one may have been meant for.
func nearest(misspelt string, words []string) []string {
	finder := &cobra.Command{SuggestionsMinimumDistance: 2} // cobra measures the names of commands only
	for _, word := range words {
		finder.AddCommand(&cobra.Command{Use: word, Run: func(*cobra.Command, []string) {}})
	}
	return finder.SuggestionsFor(misspelt)
}
