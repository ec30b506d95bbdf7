// Package flux writes the spec.postRenderers of a Flux HelmRelease that make,
// inside an unmodified helm-controller, exactly the pairs that package postrender
// makes of the same chart. helm-controller runs no programs, only kustomize
// patches; these patches copy whatever the chart renders, so that its upgrades
// reach both members.
//
// It is a package of its own because it needs kustomize, whose start-up every
// helm call would pay for. It renders no charts and talks to no cluster.
package flux

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// PostRenderer is an entry of spec.postRenderers of a HelmRelease.
type PostRenderer struct {
	Kustomize Kustomize `json:"kustomize" yaml:"kustomize"`
}

// Kustomize has the patches of a [PostRenderer], which are applied in turn.
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
	// patches instead of the hot-standby settings, so Config need not contain them.
	// Without it, Config.PromotionToken may be such a variable, as in ${TOKEN}.
	Substitute bool

	// Warn, if set, is called with the reason why hot standby is on but makes no pairs: a
	// [*postrender.ConfigError].
	Warn func(error)

	noHooks bool // the HelmRelease keeps hooks from postRenderers
}

// PostRenderers returns the entries that pair every single Cluster of the
// manifests; none with hot standby off or not valid. Before they are returned, they
// are run as helm-controller runs them, and what comes out is compared, object
// by object, with what a [postrender.Renderer] makes of the manifests.
//
// With Substitute, Flux fills in the hot-standby settings when it applies the
// HelmRelease, and the entries do nothing where the toggle is off, a region is
// empty, or both regions are the same.
//
// The errors are a [*postrender.ConfigError], where [postrender.Renderer.Render]
// has one, and one or several [*postrender.Error]: manifests that cannot be read or
// that kustomize refuses, no Cluster to pair, a Cluster that cannot be paired, an
// outcome that differs.
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
	if !g.Substitute {
		cfg := withStandInToken(g.Config)
		renderer := &postrender.Renderer{Config: cfg, Warn: g.Warn}
		_, err := renderer.Render() // of nothing: it checks the settings
		return cfg.Enabled(), err
	}
	other := postrender.Config{Active: g.Config.Active, Failover: g.Config.Failover, PromotionToken: g.Config.PromotionToken}
	if _, err := postrender.New(other).Render(); err != nil || other.PromotionToken != "" {
		return false, &postrender.ConfigError{Err: message.New(message.FluxSubstituteActive)}
	}
	return true, nil
}

func (g *Generator) generate(manifests []postrender.Source) ([]PostRenderer, error) {
	cfg := withStandInToken(g.Config)
	cfg.Strict = true // nobody wants a patch in Git that leaves a Cluster single in silence
	if g.Substitute {
		cfg = standIns(cfg)
	}
	changes, chart, err := render(cfg, manifests)
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
	variables := g.variables()
	for ref, object := range after {
		after[ref], _ = withVariables(object, variables).(map[string]any)
	}
	var clones, differences []Patch
	for _, changed := range changes {
		c, err := newChange(changed, before, after)
		if err != nil {
			return nil, err
		}
		if g.noHooks && c.isHook() {
			return nil, &postrender.Error{
				Source: names(manifests), Object: title(c.from), Err: message.New(message.FluxHook),
			}
		}
		if g.Substitute {
			clones = append(clones, c.readToggle())
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
		err = onlyOurVariables(entries, manifests, variables)
	} else {
		err = escapeVariables(entries, variables)
	}
	if err != nil {
		return nil, err
	}
	if err := g.check(entries, manifests); err != nil {
		return nil, err
	}
	return entries, nil
}

// render returns what the Renderer changes, and the stream that it makes.
func render(cfg postrender.Config, manifests []postrender.Source) ([]postrender.Change, []byte, error) {
	result, err := postrender.New(cfg).Render(manifests...)
	if err != nil {
		return nil, nil, err
	}
	var single []string
	paired := false
	for _, d := range result.Decisions {
		paired = paired || d.Action == postrender.Paired
		single = append(single, fmt.Sprintf("%s:%d: Cluster %s is %s", d.Source, d.Line, d.Name, d.Text()))
	}
	if !paired {
		none := message.New(message.FluxNoCluster)
		if len(single) > 0 {
			none = message.New(message.FluxNoneToPair, "clusters", strings.Join(single, "; "))
		}
		return nil, nil, &postrender.Error{Source: names(manifests), Err: none}
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
	return &postrender.Error{Source: names(manifests), Err: message.Wrap(message.FluxRefused, err)}
}
