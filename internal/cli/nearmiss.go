package cli

import (
	"slices"
	"strings"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/internal/topology"
)

// ownPrefix begins the variables that are nobody else's, and platformPrefix those of
// the platform, of which three are settings. No others are looked at: an environment
// is long, and this happens at every start.
const ownPrefix, platformPrefix = "CNPG_PAIR_", "SOVEREIGN_"

// testVariables are those of this project's tests.
var testVariables = []string{"CNPG_PAIR_CACHE", "CNPG_PAIR_KUBECONFIG"}

// nearMisses finds what was meant as a setting and is none: a variable with a
// misspelt name, and a word of the toggle that is neither on nor off.
func nearMisses(environ []string, toggle string) []error {
	var all []error
	if !topology.IsSwitchWord(toggle) && strings.TrimSpace(toggle) != "" {
		all = append(all, message.New(message.ToggleWord, "word", toggle))
	}
	for _, setting := range environ {
		name, value, _ := strings.Cut(setting, "=")
		if !strings.HasPrefix(name, ownPrefix) && !strings.HasPrefix(name, platformPrefix) {
			continue
		}
		if value == "" || slices.Contains(topology.Variables, name) || slices.Contains(testVariables, name) {
			continue
		}
		var near []string
		for _, other := range nearest(name, topology.Variables) {
			if len(other)-len(name) <= 2 { // cobra also offers what a word is the beginning of
				near = append(near, other)
			}
		}
		switch {
		case len(near) > 0:
			all = append(all, message.New(message.MisspeltVariable, "name", name, "nearest", strings.Join(near, " or ")))
		case strings.HasPrefix(name, ownPrefix):
			all = append(all, message.New(message.UnknownVariable, "name", name))
		}
	}
	return all
}

// warned is a command, and what to say first.
type warned struct {
	command
	warnings []error
}

func (w warned) run(p *Process) error {
	for _, warning := range w.warnings {
		p.Warn(warning)
	}
	return w.command.run(p)
}
