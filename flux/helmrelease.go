package flux

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

const releaseGroup = "helm.toolkit.fluxcd.io"

// HelmRelease returns the file release, which holds one HelmRelease and maybe
// other documents, with the postRenderers of [Generator.PostRenderers] in it, for
// the chart's manifests. Other postRenderers stay, before ours; those of an
// earlier call are replaced. Every other line stays as it is. With the trio off
// or not valid ours are taken out, and a file that has none comes back as it was.
//
// Its errors are those of PostRenderers, and a [*postrender.Error] for a file
// that does not hold one HelmRelease.
func (g *Generator) HelmRelease(release postrender.Source, manifests ...postrender.Source) ([]byte, error) {
	r, err := readRelease(release)
	if err != nil {
		return nil, err
	}
	wanted, err := g.behind(r, manifests)
	if err != nil {
		return nil, err
	}
	if len(wanted) == 0 && len(r.ours) == 0 {
		return release.Data, nil
	}
	all := r.with(wanted)
	if len(all) == 0 {
		return r.object.Set("spec.postRenderers", nil)
	}
	return r.object.Set("spec.postRenderers", all)
}

// Check returns an error unless the HelmRelease in the file release holds the
// very postRenderers that [Generator.HelmRelease] would put there.
func (g *Generator) Check(release postrender.Source, manifests ...postrender.Source) error {
	r, err := readRelease(release)
	if err != nil {
		return err
	}
	wanted, err := g.behind(r, manifests)
	if err != nil {
		return err
	}
	what := stale(r.ours, wanted)
	if what == "" && r.misplaced {
		what = "they stand before others"
	}
	if what == "" {
		return nil
	}
	return r.fail(fmt.Errorf("its postRenderers are stale: %s", what),
		"make them anew: cnpg-pair flux --helmrelease "+release.Name+", with the same flags and manifests")
}

// Patch returns a strategic merge patch, for kustomize, that gives a HelmRelease
// the postRenderers of [Generator.PostRenderers]. A patch replaces the whole
// list, so that of a HelmRelease with others must be made for it: release, which
// may be nil, is the file that holds it. The result is nil with the trio off or
// not valid.
func (g *Generator) Patch(release *postrender.Source, manifests ...postrender.Source) ([]byte, error) {
	r := &helmRelease{}
	head := struct {
		APIVersion string            `yaml:"apiVersion"`
		Kind       string            `yaml:"kind"`
		Metadata   map[string]string `yaml:"metadata"`
		Spec       map[string][]any  `yaml:"spec"`
	}{releaseGroup + "/v2", "HelmRelease", map[string]string{"name": "any"}, nil}
	if release != nil {
		var err error
		if r, err = readRelease(*release); err != nil {
			return nil, err
		}
		head.APIVersion = r.object.Field("apiVersion")
		for _, key := range []string{"name", "namespace"} {
			if value := r.object.Field("metadata." + key); value != "" {
				head.Metadata[key] = value
			}
		}
	}
	wanted, err := g.behind(r, manifests)
	if err != nil || len(wanted) == 0 {
		return nil, err
	}
	head.Spec = map[string][]any{"postRenderers": r.with(wanted)}
	return encode(head), nil
}

// Fragment returns entries as the text that belongs below spec of a HelmRelease.
func Fragment(entries []PostRenderer) []byte {
	return encode(map[string]any{"postRenderers": entries})
}

func encode(value any) []byte {
	var b strings.Builder
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	encoder.CompactSeqIndent()
	encoder.Encode(value) // a builder takes everything
	encoder.Close()
	return []byte(b.String())
}

// helmRelease is a HelmRelease in a file, its postRenderers told apart.
type helmRelease struct {
	object    *postrender.Object
	others    []yaml.Node
	ours      []PostRenderer
	misplaced bool // an entry of ours stands before one of the others
}

func readRelease(source postrender.Source) (*helmRelease, error) {
	objects, err := postrender.Objects(source)
	if err != nil {
		return nil, err
	}
	var found []*postrender.Object
	for _, o := range objects {
		if o.Field("kind") == "HelmRelease" && strings.HasPrefix(o.Field("apiVersion"), releaseGroup+"/") {
			found = append(found, o)
		}
	}
	switch len(found) {
	case 0:
		return nil, &postrender.Error{
			Source: source.Name, Err: errors.New("no HelmRelease of " + releaseGroup + " in it"),
			Cure: "name the file that holds the HelmRelease of this chart",
		}
	case 1:
	default:
		return nil, &postrender.Error{
			Source: source.Name, Line: found[1].Line(), Object: found[1].Title(),
			Err:  fmt.Errorf("a second HelmRelease, behind that of line %d", found[0].Line()),
			Cure: "keep each in a file of its own",
		}
	}
	r := &helmRelease{object: found[0]}
	var entries []yaml.Node
	if err := r.object.Decode("spec.postRenderers", &entries); err != nil {
		return nil, err
	}
	for i := range entries {
		var entry PostRenderer
		if err := entries[i].Decode(&entry); err != nil {
			return nil, r.fail(fmt.Errorf("spec.postRenderers[%d]: it is none that Flux takes", i), "")
		}
		marked := 0
		for _, patch := range entry.Kustomize.Patches {
			if strings.HasPrefix(patch.Patch, mark) {
				marked++
			}
		}
		switch {
		case marked == 0:
			r.others = append(r.others, entries[i])
			r.misplaced = len(r.ours) > 0
		case marked < len(entry.Kustomize.Patches):
			return nil, r.fail(fmt.Errorf("spec.postRenderers[%d]: patches of cnpg-pair and others in one entry", i),
				"move the others to an entry of their own, before")
		default:
			r.ours = append(r.ours, entry)
		}
	}
	return r, nil
}

func (r *helmRelease) fail(err error, cure string) error {
	return &postrender.Error{Source: r.object.Source(), Line: r.object.Line(), Object: r.object.Title(), Err: err, Cure: cure}
}

// with returns the others and, behind them, ours.
func (r *helmRelease) with(ours []PostRenderer) []any {
	var all []any
	for i := range r.others {
		all = append(all, &r.others[i])
	}
	for _, entry := range ours {
		all = append(all, entry)
	}
	return all
}

// behind generates the entries for what the others make of the manifests.
func (g *Generator) behind(r *helmRelease, manifests []postrender.Source) ([]PostRenderer, error) {
	on, err := g.on()
	if !on {
		return nil, err
	}
	if len(r.others) > 0 {
		var others []any
		for i := range r.others {
			var entry any
			if err := r.others[i].Decode(&entry); err != nil {
				return nil, r.fail(err, "")
			}
			others = append(others, entry)
		}
		out, err := runAll(joined(manifests), others)
		if err != nil {
			return nil, refused(manifests, err)
		}
		manifests = []postrender.Source{{Name: names(manifests) + " behind the other postRenderers", Data: out}}
	}
	of := *g
	of.noHooks = r.object != nil && r.object.Field("spec.postRenderStrategy") == "nohooks"
	return of.generate(manifests)
}

// stale tells how entries differ from those that are wanted, nothing where they
// do not. How the patches are written does not count.
func stale(have, want []PostRenderer) string {
	flat := func(entries []PostRenderer) (all []Patch) {
		for _, entry := range entries {
			all = append(all, entry.Kustomize.Patches...)
		}
		return all
	}
	patches := flat(have)
	switch wanted := flat(want); {
	case len(patches) == 0 && len(wanted) > 0:
		return "they are not there"
	case len(wanted) == 0 && len(patches) > 0:
		return "they are there, and hot standby is off"
	case len(have) != len(want):
		return fmt.Sprintf("%d entries instead of %d", len(have), len(want))
	default:
		for i, patch := range wanted {
			if i >= len(patches) || patches[i].Target != patch.Target || !reflect.DeepEqual(content(patches[i].Patch), content(patch.Patch)) {
				title, _, _ := strings.Cut(strings.TrimPrefix(patch.Patch, mark), "\n")
				return fmt.Sprintf("the patch %q would be another", title)
			}
		}
		if len(patches) > len(wanted) {
			return fmt.Sprintf("%d patches instead of %d", len(patches), len(wanted))
		}
	}
	return ""
}

func content(patch string) any {
	var value any
	if err := yaml.Unmarshal([]byte(patch), &value); err != nil {
		return patch
	}
	return value
}
