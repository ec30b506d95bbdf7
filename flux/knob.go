package flux

import (
	"errors"
	"strings"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// The knob: Flux fills in the trio when it applies the HelmRelease, by a
// Kustomization's postBuild. A kustomize patch knows no conditions, but its
// target may ask for annotations. So a first patch writes what the variables say
// into annotations, every later one asks for them, and the last takes them away.
// Where nothing substitutes the variables they switch nothing on.

const (
	annotationKnob    = "cnpg-pair.openova.io/hot-standby"
	annotationPrimary = "cnpg-pair.openova.io/primary-region"
	annotationReplica = "cnpg-pair.openova.io/replica-region"

	// knobIsOn selects by the knob: the words of section 1 of the contract as
	// people write them, since a selector does not fold cases.
	knobIsOn = annotationKnob + " in (true,True,TRUE,1,yes,Yes,YES,on,On,ON)," +
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

// withVariables puts the variables where the stand-ins are.
func withVariables(value any) any {
	switch v := value.(type) {
	case map[string]any:
		c := make(map[string]any, len(v))
		for key, value := range v {
			c[key] = withVariables(value)
		}
		return c
	case []any:
		c := make([]any, len(v))
		for i, item := range v {
			c[i] = withVariables(item)
		}
		return c
	case string:
		switch v {
		case postrender.EnvPrimaryRegion:
			return variablePrimary
		case postrender.EnvReplicaRegion:
			return variableReplica
		}
	}
	return value
}

// readKnob is the patch that writes the trio into annotations of the object.
// Whether a region is empty, or the other one, comes out of writing both into one
// mapping, in which the later of two equal keys wins.
func (c *change) readKnob() Patch {
	const (
		scratch = "/regions"
		at      = scratch + "/at-"
	)
	return Patch{c.target(c.from), patchText("what the knob says, for the targets below", []any{
		op("add", annotation(annotationKnob), "value", variableEnable),
		op("add", scratch, "value", map[string]any{}),
		op("add", at+variablePrimary, "value", "primary"),
		op("add", at+variableReplica, "value", "replica"),
		op("add", at, "value", "empty"),
		op("copy", annotation(annotationPrimary), "from", at+variablePrimary),
		op("copy", annotation(annotationReplica), "from", at+variableReplica),
		op("remove", scratch),
	})}
}

// annotate puts the annotations into what a copy is made from.
func annotate(object map[string]any, keys ...string) {
	metadata := object["metadata"].(map[string]any)
	annotations := copyMap(metadata["annotations"])
	for _, key := range keys {
		annotations[key] = ""
	}
	metadata["annotations"] = annotations
}

// dropKnob is the patch that takes the annotations away again from the object,
// whether it has changed or not; copies of other names lose them by their own
// patches.
func (c *change) dropKnob() Patch {
	var ops []any
	for _, name := range []string{annotationKnob, annotationPrimary, annotationReplica} {
		ops = append(ops, op("remove", annotation(name)))
	}
	return Patch{c.target(c.from), patchText("the knob's annotations go", ops)}
}

func annotation(name string) string { return "/metadata/annotations/" + pointer(name) }

// onlyKnobVariables fails where a patch carries what Flux would take for a
// variable of its own.
func onlyKnobVariables(entries []PostRenderer, manifests []postrender.Source) error {
	ours := strings.NewReplacer(variableEnable, "", variablePrimary, "", variableReplica, "")
	for _, entry := range entries {
		for _, patch := range entry.Kustomize.Patches {
			rest := ours.Replace(patch.Patch)
			if strings.Contains(rest, "${") || strings.Contains(rest, "$$") {
				return &postrender.Error{
					Source: names(manifests), Object: patch.Target.Kind + " " + patch.Target.Name,
					Err:  errors.New("one of its lists holds ${ or $$, which Flux's substitution would take for its own"),
					Cure: "generate with fixed regions, without --substitute, or let CI render the chart",
				}
			}
		}
	}
	return nil
}

// knobCase is a state of the knob, and what the expander is to make of it.
type knobCase struct {
	when      string // for messages
	cfg       postrender.Config
	variables *strings.Replacer // as Flux substitutes them; nil: it does not
}

// knobCases are the states in which the entries are tried.
func knobCases(cfg postrender.Config) []knobCase {
	const one, other = "region-one", "region-two"
	state := func(when, enable, primary, replica string) knobCase {
		c := knobCase{"with " + when + ", ", cfg, strings.NewReplacer(variableEnable, enable, variablePrimary, primary, variableReplica, replica)}
		c.cfg.EnableHotStandby = postrender.Truthy(enable)
		c.cfg.PrimaryRegion, c.cfg.ReplicaRegion = primary, replica
		return c
	}
	never := state("the variables never substituted", "", "", "")
	never.variables = nil
	return []knobCase{
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
func (c knobCase) substituted(entries []PostRenderer) []PostRenderer {
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
