// Package flux writes the spec.postRenderers of a Flux HelmRelease that make,
// inside an unmodified helm-controller, the very pairs that package postrender
// makes of the same chart. helm-controller runs no programs, only kustomize
// patches; these patches copy whatever the chart renders, so that its upgrades
// reach both halves.
//
// It is a package of its own because it needs kustomize, whose start-up every
// helm call would pay for. It renders no charts and talks to no cluster.
package flux

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// PostRenderer is an entry of spec.postRenderers of a HelmRelease.
type PostRenderer struct {
	Kustomize Kustomize `json:"kustomize" yaml:"kustomize"`
}

// Kustomize holds the patches of a [PostRenderer], which are applied in turn.
type Kustomize struct {
	Patches []Patch `json:"patches" yaml:"patches"`
}

// Patch is a strategic merge or JSON 6902 patch, and what it is applied to.
type Patch struct {
	Target Selector `json:"target" yaml:"target"`
	Patch  string   `json:"patch" yaml:"patch"`
}

// Selector is the target of a [Patch]. Name and Namespace are regular
// expressions for the whole of a name.
type Selector struct {
	Group              string `json:"group" yaml:"group"`
	Version            string `json:"version" yaml:"version"`
	Kind               string `json:"kind" yaml:"kind"`
	Namespace          string `json:"namespace,omitempty" yaml:"namespace,omitempty"`
	Name               string `json:"name" yaml:"name"`
	AnnotationSelector string `json:"annotationSelector,omitempty" yaml:"annotationSelector,omitempty"`
}

// Generator makes the postRenderers for a chart's manifests, as helm template
// prints them.
type Generator struct {
	Config postrender.Config

	// Substitute writes the variables of Flux's postBuild substitution into the
	// patches instead of the trio, which Config need not hold then.
	Substitute bool

	// Warn, where set, is told of a trio that is switched on but not valid: a
	// [*postrender.TrioError].
	Warn func(error)

	noHooks bool // the HelmRelease keeps hooks from postRenderers
}

// PostRenderers returns the entries that pair every single Cluster of the
// manifests; none with the trio off or not valid. Before they are returned, they
// are run as helm-controller runs them, and what comes out is compared, object
// by object, with what a [postrender.Renderer] makes of the manifests.
//
// With Substitute it is Flux that fills in the trio, when it applies the
// HelmRelease, and the entries do nothing where it is off, or a region empty, or
// both the same.
//
// The errors are a [*postrender.TrioError] with Config.Strict or with another half
// than the primary active, a [*postrender.SettingError], and one or several
// [*postrender.Error]: manifests that cannot be read or that kustomize refuses,
// no Cluster to pair, a Cluster that cannot be paired, an outcome that differs.
func (g *Generator) PostRenderers(manifests ...postrender.Source) ([]PostRenderer, error) {
	on, err := g.on()
	if !on {
		return nil, err
	}
	return g.generate(manifests)
}

// on tells whether there is anything to generate.
func (g *Generator) on() (bool, error) {
	if err := g.Config.Validate(); err != nil {
		return false, err
	}
	if g.Substitute {
		if lenient := (postrender.Config{Active: g.Config.Active}); !lenient.MayDegrade() {
			return false, &postrender.SettingError{
				Cause: "with another half than the primary active, hot standby must not be turned off at run time",
				Cure:  "generate with fixed regions, without --substitute",
			}
		}
		return true, nil
	}
	on, err := g.Config.Check()
	if err != nil && !g.Config.MayDegrade() {
		return false, err
	}
	if err != nil && g.Warn != nil {
		g.Warn(err)
	}
	return on, nil
}

func (g *Generator) generate(manifests []postrender.Source) ([]PostRenderer, error) {
	cfg := g.Config
	cfg.Strict = true // nobody wants a patch in Git that leaves a Cluster single in silence
	if g.Substitute {
		cfg = standIns(cfg)
	}
	changes, chart, err := expand(cfg, manifests)
	if err != nil {
		return nil, err
	}
	before, err := load(joined(manifests))
	if err != nil {
		return nil, refused(manifests, err)
	}
	after, err := load(chart)
	if err != nil {
		return nil, refused(manifests, err)
	}
	if g.Substitute {
		for ref, object := range after {
			after[ref], _ = withVariables(object).(map[string]any)
		}
	}
	var clones, differences []Patch
	for _, changed := range changes {
		c, err := newChange(changed, before, after)
		if err != nil {
			return nil, err
		}
		if g.noHooks && c.isHook() {
			return nil, &postrender.Error{
				Source: names(manifests), Object: title(c.from),
				Err:  errors.New("it is a Helm hook, which no postRenderer sees with spec.postRenderStrategy nohooks"),
				Cure: "leave spec.postRenderStrategy at combined, its default",
			}
		}
		if g.Substitute {
			clones = append(clones, c.readKnob())
		}
		clones = append(clones, c.clones(g.Substitute)...)
		differences = append(differences, c.differences(g.Substitute)...)
	}
	var entries []PostRenderer
	for _, patches := range [][]Patch{clones, differences} {
		if len(patches) > 0 {
			entries = append(entries, PostRenderer{Kustomize{patches}})
		}
	}
	if g.Substitute {
		if err := onlyKnobVariables(entries, manifests); err != nil {
			return nil, err
		}
	}
	if err := g.check(entries, manifests); err != nil {
		return nil, err
	}
	return entries, nil
}

// expand returns what the Renderer changes, and the stream that it makes.
func expand(cfg postrender.Config, manifests []postrender.Source) ([]postrender.Change, []byte, error) {
	result, err := postrender.New(cfg).Render(manifests...)
	if err != nil {
		return nil, nil, err
	}
	var alone []string
	paired := false
	for _, d := range result.Decisions {
		paired = paired || d.Action == postrender.Paired
		alone = append(alone, fmt.Sprintf("%s:%d: Cluster %s is %s", d.Source, d.Line, d.Name, d.Reason))
	}
	if !paired {
		cause, cure := "no Cluster of postgresql.cnpg.io in the manifests", "give what the chart renders: helm template ... | cnpg-pair flux"
		if len(alone) > 0 {
			cause, cure = "no Cluster to pair: "+strings.Join(alone, "; "), ""
		}
		return nil, nil, &postrender.Error{Source: names(manifests), Err: errors.New(cause), Cure: cure}
	}
	return result.Changes, streamOf(result), nil
}

func streamOf(result *postrender.Result) []byte {
	var out bytes.Buffer
	result.WriteTo(&out) // a buffer takes everything
	return out.Bytes()
}

// joined is the stream that several sources make.
func joined(manifests []postrender.Source) []byte {
	result, _ := postrender.New(postrender.Config{}).Render(manifests...) // off: nothing can fail
	return streamOf(result)
}

func names(manifests []postrender.Source) string {
	var all []string
	for _, m := range manifests {
		all = append(all, m.Name)
	}
	return strings.Join(all, ", ")
}

// refused is for manifests that kustomize, and so helm-controller, does not take.
func refused(manifests []postrender.Source, err error) error {
	return &postrender.Error{
		Source: names(manifests), Err: fmt.Errorf("kustomize, which Flux runs, refuses the manifests: %w", err),
		Cure: "mend the chart: Flux cannot apply any postRenderer to it",
	}
}
