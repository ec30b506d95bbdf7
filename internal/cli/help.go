package cli

import (
	"cmp"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
)

// printHelp prints the help of a command: with its own flags only, because the
// settings would fill the screen.
func printHelp(cmd *cobra.Command, _ []string) {
	const width = 80
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "%s\n\nUsage:\n  %s\n", cmd.Long, cmd.UseLine())
	flags := cmd.LocalNonPersistentFlags()
	if !cmd.HasParent() {
		fmt.Fprintf(out, "  %s COMMAND [flags] [ARGUMENT...]\n\nCommands:\n", cmd.Name())
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() || c.Name() == "help" {
				fmt.Fprintf(out, "  %-*s  %s\n", cmd.NamePadding(), c.Name(), c.Short)
			}
		}
		flags = cmd.PersistentFlags()
	}
	if flags.HasAvailableFlags() {
		fmt.Fprintf(out, "\nFlags:\n%s", flags.FlagUsagesWrapped(width))
	}
	switch {
	case !cmd.HasParent():
		fmt.Fprintln(out, "\nA flag overrides the variable in parentheses.")
	case strings.Contains(cmd.Use, "[flags]"):
		fmt.Fprintf(out, "\nThe settings and their variables: %s --help\n", cmd.Root().Name())
	}
	fmt.Fprintf(out, "\nExamples:\n%s\n", cmd.Example)
}

func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:                   "help [COMMAND]",
		DisableFlagsInUseLine: true,
		Short:                 "Print the help of a command",
		Long:                  "Print the help of a command, as COMMAND --help does.",
		Example:               "  cnpg-pair help explain",
		Args:                  atMost(1),
		ValidArgsFunction: func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return commandNames(cmd.Root()), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			topic, _, err := cmd.Root().Find(args)
			if err == nil && len(args) > 0 && !topic.HasParent() {
				err = message.New(message.UnknownTopic, "word", args[0])
			}
			if err != nil {
				return err
			}
			return topic.Help()
		},
	}
}

func newVersion(p *parser) *cobra.Command {
	return &cobra.Command{
		Use:                   "version",
		DisableFlagsInUseLine: true,
		Short:                 "Print the version",
		Long:                  "Print the version, and the version of Go that the program was built with.",
		Example:               "  cnpg-pair version",
		Args:                  atMost(0),
		ValidArgsFunction:     cobra.NoFileCompletions,
		Run:                   func(*cobra.Command, []string) { p.chosen = versionText{} },
	}
}

type versionText struct{}

func (versionText) run(p *Process) error {
	info, _ := debug.ReadBuildInfo()
	_, err := fmt.Fprintln(p.Stdout, version(p.release, info))
	return err
}

// version tells what was built. A release knows its version from make dist,
// because the build's own record would depend on the checkout.
func version(release string, info *debug.BuildInfo) string {
	if info == nil {
		return "cnpg-pair (unknown build)"
	}
	text := "cnpg-pair " + cmp.Or(release, info.Main.Version) + " " + info.GoVersion
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" || setting.Key == "vcs.time" {
			text += " " + setting.Value
		}
	}
	return text
}
