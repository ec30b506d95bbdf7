package flux

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// With Substitute, a Kustomization's postBuild fills in the toggle and the regions
// when Flux applies the HelmRelease. A kustomize patch knows no conditions, but its
// target may ask for annotations. So a first patch writes the values of the
// variables into annotations, every later one asks for them, and the last removes
// them. Where nothing substitutes the variables they switch nothing on.

const (
	annotationToggle  = "cnpg-pair.openova.io/hot-standby"
	annotationPrimary = "cnpg-pair.openova.io/primary-region"
	annotationReplica = "cnpg-pair.openova.io/replica-region"

	// toggleIsOn selects by the toggle: its words as people write them, since a
	// selector does not fold cases.
	toggleIsOn = annotationToggle + " in (true,True,TRUE,1,yes,Yes,YES,on,On,ON)," +
		annotationPrimary + "=primary," + annotationReplica + "=replica"
)

// The variables; each needs a default, because Flux may be strict about unset
// ones.
const (
	variableEnable  = "${" + postrender.EnvEnableHotStandby + ":=false}"
	variablePrimary = "${" + postrender.EnvPrimaryRegion + ":=}"
	variableReplica = "${" + postrender.EnvReplicaRegion + ":=}"
)

// standIns are the settings with which the pair is made whose regions will be
// variables: label values, as the expander asks for, that read well in messages.
func standIns(cfg postrender.Config) postrender.Config {
	cfg.EnableHotStandby, cfg.PrimaryRegion, cfg.ReplicaRegion = true, postrender.EnvPrimaryRegion, postrender.EnvReplicaRegion
	return cfg
}

// variables are what stands in the patches for the stand-ins.
func (g *Generator) variables() map[string]string {
	all := make(map[string]string)
	if g.Substitute {
		all[postrender.EnvPrimaryRegion], all[postrender.EnvReplicaRegion] = variablePrimary, variableReplica
	}
	if name, is := tokenVariable(g.Config); is {
		all[standInToken] = name
	}
	return all
}

// withVariables puts the variables where the stand-ins are.
func withVariables(value any, variables map[string]string) any {
	switch v := value.(type) {
	case map[string]any:
		c := make(map[string]any, len(v))
		for key, value := range v {
			c[key] = withVariables(value, variables)
		}
		return c
	case []any:
		c := make([]any, len(v))
		for i, item := range v {
			c[i] = withVariables(item, variables)
		}
		return c
	case string:
		if variable := variables[v]; variable != "" {
			return variable
		}
	}
	return value
}

// readToggle is the patch that writes the hot-standby settings into annotations of
// the object. To find out whether a region is empty, or the same as the other one,
// it writes both into one mapping, in which the later of two equal keys wins.
func (c *change) readToggle() Patch {
	const (
		scratch = "/regions"
		at      = scratch + "/at-"
	)
	return Patch{c.target(c.from), patchText("write the hot-standby settings into annotations, which the targets below select", []any{
		op("add", annotation(annotationToggle), "value", variableEnable),
		op("add", scratch, "value", map[string]any{}),
		op("add", at+variablePrimary, "value", "primary"),
		op("add", at+variableReplica, "value", "replica"),
		op("add", at, "value", "empty"),
		op("copy", annotation(annotationPrimary), "from", at+variablePrimary),
		op("copy", annotation(annotationReplica), "from", at+variableReplica),
		op("remove", scratch),
	})}
}

// annotate adds annotations to the object that a copy is made from.
func annotate(object map[string]any, keys ...string) {
	metadata := object["metadata"].(map[string]any)
	annotations := copyMap(metadata["annotations"])
	for _, key := range keys {
		annotations[key] = ""
	}
	metadata["annotations"] = annotations
}

// dropToggle is the patch that removes the annotations from the object again,
// whether it has changed or not; copies with other names lose them by their own
// patches.
func (c *change) dropToggle() Patch {
	var ops []any
	for _, name := range []string{annotationToggle, annotationPrimary, annotationReplica} {
		ops = append(ops, op("remove", annotation(name)))
	}
	return Patch{c.target(c.from), patchText("remove the annotations for the hot-standby settings", ops)}
}

func annotation(name string) string { return "/metadata/annotations/" + pointer(name) }

// onlyOurVariables fails where a patch contains what Flux would take for a variable
// of its own.
func onlyOurVariables(entries []PostRenderer, manifests []postrender.Source, variables map[string]string) error {
	known := []string{variableEnable, ""}
	for _, variable := range variables {
		known = append(known, variable, "")
	}
	ours := strings.NewReplacer(known...)
	for _, entry := range entries {
		for _, patch := range entry.Kustomize.Patches {
			rest := ours.Replace(patch.Patch)
			if hasVariables(rest) {
				return &postrender.Error{
					Source: names(manifests), Object: patch.Target.Kind + " " + patch.Target.Name, Err: message.New(message.FluxVariables),
				}
			}
		}
	}
	return nil
}

// escapeVariables writes what the chart itself has of the substitution's signs in a way
// that stays the same whether a Kustomization substitutes variables in the HelmRelease
// or not: each dollar sign as an escape of the YAML in the patch.
func escapeVariables(entries []PostRenderer, variables map[string]string) error {
	ours := make(map[string]bool)
	for _, variable := range variables {
		ours[variable] = true
	}
	for _, entry := range entries {
		for i := range entry.Kustomize.Patches {
			patch := &entry.Kustomize.Patches[i]
			if !hasVariables(patch.Patch) {
				continue
			}
			title, text, _ := strings.Cut(patch.Patch, "\n")
			var document yaml.Node
			if err := yaml.Unmarshal([]byte(text), &document); err != nil {
				return err
			}
			dollar := unusedRune(text)
			var escape func(n *yaml.Node)
			escape = func(n *yaml.Node) {
				if n.Kind == yaml.ScalarNode && hasVariables(n.Value) && !ours[n.Value] {
					n.Value, n.Style = strings.ReplaceAll(n.Value, "$", dollar), yaml.DoubleQuotedStyle
				}
				for _, child := range n.Content {
					escape(child)
				}
			}
			escape(&document)
			patch.Patch = title + "\n" + strings.ReplaceAll(yamlOf(&document), dollar, `\x24`)
		}
	}
	return nil
}

// hasVariables is true for a text in which Flux's substitution replaces something.
func hasVariables(text string) bool {
	return strings.Contains(text, "${") || strings.Contains(text, "$$")
}

// unusedRune returns a character, of those that nobody has given a meaning, that is
// not in a text.
func unusedRune(text string) string {
	r := '\ue000'
	for strings.ContainsRune(text, r) {
		r++
	}
	return string(r)
}

// toggleCase is a state of the hot-standby settings, and the settings that the Renderer gets for it.
type toggleCase struct {
	when      string // for messages
	cfg       postrender.Config
	variables *strings.Replacer // as Flux substitutes them; nil: it does not
}

// toggleCases are the states in which the entries are tried.
func toggleCases(cfg postrender.Config) []toggleCase {
	const one, other = "region-one", "region-two"
	state := func(when, enable, primary, replica string) toggleCase {
		c := toggleCase{"with " + when + ", ", cfg, strings.NewReplacer(variableEnable, enable, variablePrimary, primary, variableReplica, replica)}
		c.cfg.EnableHotStandby = enable == "true"
		c.cfg.PrimaryRegion, c.cfg.ReplicaRegion = primary, replica
		return c
	}
	never := state("the variables never substituted", "", "", "")
	never.variables = nil
	return []toggleCase{
		state("hot standby on", "true", one, other),
		state("hot standby off", "false", one, other),
		state("no variable set", "false", "", ""),
		state("equal regions", "true", one, one),
		state("no primary region", "true", "", other),
		state("no replica region", "true", one, ""),
		state("no regions", "true", "", ""),
		never,
	}
}

// substituted returns the entries as Flux has them in that state.
func (c toggleCase) substituted(entries []PostRenderer) []PostRenderer {
	if c.variables == nil {
		return entries
	}
	var all []PostRenderer
	for _, entry := range entries {
		var patches []Patch
		for _, patch := range entry.Kustomize.Patches {
			patch.Patch = c.variables.Replace(patch.Patch)
			patches = append(patches, patch)
		}
		all = append(all, PostRenderer{Kustomize{patches}})
	}
	return all
}
