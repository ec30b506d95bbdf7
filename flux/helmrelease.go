package flux

import (
	"errors"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/expand"
	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/internal/topology"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

const releaseGroup = "helm.toolkit.fluxcd.io"

// HelmRelease returns the file release, which contains one HelmRelease and maybe
// other documents, with the postRenderers of [Generator.PostRenderers] in it, for
// the chart's manifests. Other postRenderers stay, before ours; those of an
// earlier call are replaced. Every other line stays as it is. With hot standby off
// or not valid ours are removed, and a file that has none comes back as it was.
//
// Its errors are those of PostRenderers, and a [*postrender.Error] for a file
// that does not have one HelmRelease.
func (g *Generator) HelmRelease(release postrender.Source, manifests ...postrender.Source) ([]byte, error) {
	r, err := readRelease(release)
	if err != nil {
		return nil, err
	}
	wanted, err := g.next(r, manifests)
	if err != nil {
		return nil, err
	}
	if len(wanted) == 0 && len(r.ours) == 0 {
		return release.Data, nil
	}
	all := r.with(wanted)
	if len(all) == 0 {
		return r.set(nil)
	}
	return r.set(all)
}

// Check returns an error unless the HelmRelease in the file release has
// exactly the postRenderers that [Generator.HelmRelease] would put there.
func (g *Generator) Check(release postrender.Source, manifests ...postrender.Source) error {
	r, err := readRelease(release)
	if err != nil {
		return err
	}
	wanted, err := g.after(r, manifests)
	if err != nil {
		return err
	}
	difference := stale(r.ours, wanted)
	if difference == nil && r.misplaced {
		difference = message.New(message.StaleMisplaced)
	}
	if difference == nil {
		return nil
	}
	return r.fail(message.New(message.FluxStale, "what", difference.Error(), "file", release.Name))
}

// Patch returns a strategic merge patch, for kustomize, that gives a HelmRelease
// the postRenderers of [Generator.PostRenderers]. A patch replaces the whole
// list, so that of a HelmRelease with others must be made for it: release, which
// may be nil, is the file with it. The result is nil with hot standby off or not
// valid.
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
		head.APIVersion = r.field("apiVersion")
		for _, key := range []string{"name", "namespace"} {
			if value := r.field("metadata." + key); value != "" {
				head.Metadata[key] = value
			}
		}
	}
	wanted, err := g.next(r, manifests)
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
	source    postrender.Source
	document  *yamledit.Document
	others    []yaml.Node
	ours      []PostRenderer
	misplaced bool // an entry of ours comes before one of the others
}

const pathEntries = "spec.postRenderers"

func readRelease(source postrender.Source) (*helmRelease, error) {
	r := &helmRelease{source: source}
	var broken []error
	for _, piece := range yamledit.Split(source.Data) {
		document, err := yamledit.Parse(source.Data, piece)
		var at *yamledit.Error
		if errors.As(err, &at) {
			broken = append(broken, &postrender.Error{Source: source.Name, Line: at.Line, Err: at})
			continue
		}
		if !isRelease(document.Tree) {
			continue
		}
		if r.document != nil {
			second := &helmRelease{source: source, document: document}
			return nil, second.fail(message.New(message.FluxSecondRelease, "line", strconv.Itoa(r.document.Tree.Line)))
		}
		r.document = document
	}
	switch {
	case len(broken) > 0:
		return nil, errors.Join(broken...)
	case r.document == nil:
		return nil, &postrender.Error{Source: source.Name, Err: message.New(message.FluxNoRelease)}
	}
	return r, r.readEntries()
}

func isRelease(tree *yaml.Node) bool {
	return yamledit.Scalar(tree, "kind") == "HelmRelease" && strings.HasPrefix(yamledit.Scalar(tree, "apiVersion"), releaseGroup+"/")
}

// readEntries tells the postRenderers apart.
func (r *helmRelease) readEntries() error {
	n, err := yamledit.SequenceAt(r.document.Tree, pathEntries)
	if err != nil {
		return r.fail(err)
	}
	if n == nil {
		return nil
	}
	for i, item := range n.Content {
		var entry PostRenderer
		if err := item.Decode(&entry); err != nil {
			return r.fail(message.New(message.FluxEntryShape, "index", strconv.Itoa(i)))
		}
		marked := 0
		for _, patch := range entry.Kustomize.Patches {
			if strings.HasPrefix(patch.Patch, mark) {
				marked++
			}
		}
		switch {
		case marked == 0:
			r.others = append(r.others, *item)
			r.misplaced = len(r.ours) > 0
		case marked < len(entry.Kustomize.Patches):
			return r.fail(message.New(message.FluxMixedEntry, "index", strconv.Itoa(i)))
		default:
			r.ours = append(r.ours, entry)
		}
	}
	return nil
}

// field returns the scalar at a path of the HelmRelease, or nothing.
func (r *helmRelease) field(path string) string {
	value, _ := yamledit.StringAt(r.document.Tree, path)
	return value
}

// set returns the file with other postRenderers.
func (r *helmRelease) set(entries any) ([]byte, error) {
	edits, err := r.document.Set(pathEntries, entries)
	if err != nil {
		return nil, r.fail(err)
	}
	return yamledit.Apply(r.source.Data, edits), nil
}

// fail makes an error about the HelmRelease.
func (r *helmRelease) fail(err error) error {
	e := &postrender.Error{Source: r.source.Name, Line: r.document.Tree.Line, Err: err}
	e.Object = title(postrender.Ref{Kind: r.field("kind"), Namespace: r.field("metadata.namespace"), Name: r.field("metadata.name")})
	var at *yamledit.Error
	if errors.As(err, &at) {
		e.Line = max(e.Line, at.Line)
	}
	return e
}

// with returns the others and, after them, ours.
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

// after generates the entries for the manifests as the others leave them.
func (g *Generator) after(r *helmRelease, manifests []postrender.Source) ([]PostRenderer, error) {
	on, err := g.on()
	if !on {
		return nil, err
	}
	if len(r.others) > 0 {
		var others []any
		for i := range r.others {
			var entry any
			if err := r.others[i].Decode(&entry); err != nil {
				return nil, r.fail(err)
			}
			others = append(others, entry)
		}
		out, err := runAll(joined(manifests), others)
		if err != nil {
			return nil, refused(manifests, err)
		}
		manifests = []postrender.Source{{Name: names(manifests) + " after the other postRenderers", Data: out}}
	}
	of := *g
	of.noHooks = r.document != nil && r.field("spec.postRenderStrategy") == "nohooks"
	return of.generate(manifests)
}

// next is after, where the state of the entries that are there may be followed by
// that of the new ones. Its error says both states otherwise.
func (g *Generator) next(r *helmRelease, manifests []postrender.Source) ([]PostRenderer, error) {
	wanted, err := g.after(r, manifests)
	if err != nil || len(r.ours) == 0 {
		return wanted, err
	}
	have, want := stateIn(r.ours), stateIn(wanted)
	if want.MayFollow(have) {
		return wanted, nil
	}
	asked := want.String()
	if len(wanted) == 0 {
		asked = "hot standby off"
	}
	return nil, r.fail(message.New(message.FluxOtherState, "have", have.String(), "want", asked))
}

// stateIn returns the state for which entries were generated, as they write it into
// the members.
func stateIn(entries []PostRenderer) topology.State {
	state := topology.State{Active: topology.ActivePrimary}
	for _, entry := range entries {
		for _, patch := range entry.Kustomize.Patches {
			merge, _ := content(patch.Patch).(map[string]any)
			annotations, _ := field(merge, "metadata", "annotations").(map[string]any)
			if active, ok := annotations[expand.AnnotationActive].(string); ok {
				state.Active = active
			}
			if annotations[expand.AnnotationFailover] == topology.FailoverNow {
				state.Failover = true
			}
			if token, ok := field(merge, "spec", "replica", "promotionToken").(string); ok {
				state.Promoted, state.Token = true, token
			}
			if annotations[expand.AnnotationActive] != nil {
				continue
			}
			// versions before the annotation
			role, enabled := field(merge, "metadata", "labels", expand.LabelRole), field(merge, "spec", "replica", "enabled")
			switch {
			case role == topology.SideReplica && enabled == false:
				state.Active = topology.ActiveReplica
			case role == topology.SidePrimary && enabled == true && state.Active == topology.ActivePrimary:
				state.Active = topology.ActiveNone
			}
		}
	}
	return state
}

// stale tells how entries differ from those that are wanted, nothing where they
// do not. How the patches are written does not count.
func stale(have, want []PostRenderer) *message.Message {
	flat := func(entries []PostRenderer) (all []Patch) {
		for _, entry := range entries {
			all = append(all, entry.Kustomize.Patches...)
		}
		return all
	}
	patches, wanted := flat(have), flat(want)
	switch {
	case len(patches) == 0 && len(wanted) > 0:
		return message.New(message.StaleMissing)
	case len(wanted) == 0 && len(patches) > 0:
		return message.New(message.StaleOff)
	case len(have) != len(want):
		return message.New(message.StaleEntries, "have", strconv.Itoa(len(have)), "want", strconv.Itoa(len(want)))
	}
	for i, patch := range wanted {
		if i >= len(patches) || patches[i].Target != patch.Target || !reflect.DeepEqual(content(patches[i].Patch), content(patch.Patch)) {
			title, _, _ := strings.Cut(strings.TrimPrefix(patch.Patch, mark), "\n")
			return message.New(message.StalePatch, "patch", title)
		}
	}
	if len(patches) > len(wanted) {
		return message.New(message.StalePatches, "have", strconv.Itoa(len(patches)), "want", strconv.Itoa(len(wanted)))
	}
	return nil
}

func content(patch string) any {
	var value any
	if err := yaml.Unmarshal([]byte(patch), &value); err != nil {
		return patch
	}
	return value
}
