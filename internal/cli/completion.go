package cli

import (
	"github.com/spf13/cobra"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
)

func newCompletion() *cobra.Command {
	return &cobra.Command{
		Use:                   "completion SHELL",
		DisableFlagsInUseLine: true,
		Short:                 "Print the completion script for a shell",
		Long: `Print the script with which bash, zsh, fish or powershell completes commands,
flags and their values. It asks cnpg-pair for the completions, so you need not
install it again after an upgrade.`,
		Example: `  source <(cnpg-pair completion bash)
  cnpg-pair completion zsh > "${fpath[1]}/_cnpg-pair"
  cnpg-pair completion fish > ~/.config/fish/completions/cnpg-pair.fish`,
		Args:      atMost(1),
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			root, out := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(out, true)
			case "zsh":
				return root.GenZshCompletion(out)
			case "fish":
				return root.GenFishCompletion(out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(out)
			}
			return message.New(message.UnknownShell, "word", args[0])
		},
	}
}
