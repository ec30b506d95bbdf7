package flux

import (
	"encoding/json"
	"fmt"
	"strconv"

	//lint:ignore SA1019 it is what helm-controller uses
	"sigs.k8s.io/kustomize/api/builtins"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// What helm-controller does with the postRenderers of a HelmRelease: its
// internal/postrender, v1.6.3. Every entry is one run of kustomize.

// kustomize runs one entry: its patches and images, in the shape that
// HelmRelease and Kustomization share.
func kustomize(manifests []byte, entry map[string]any) (out []byte, err error) {
	defer func() {
		if cause := recover(); cause != nil { // it panics on some duplicates
			out, err = nil, fmt.Errorf("%v", cause)
		}
	}()
	const input = "manifests.yaml"
	build := map[string]any{
		"apiVersion": types.KustomizationVersion,
		"kind":       types.KustomizationKind,
		"resources":  []string{input},
	}
	for _, key := range []string{"patches", "images"} {
		if value, ok := entry[key]; ok {
			build[key] = value
		}
	}
	text, err := json.Marshal(build)
	if err != nil {
		return nil, err
	}
	fs := filesys.MakeFsInMemory() // which takes everything
	fs.WriteFile("kustomization.yaml", text)
	fs.WriteFile(input, manifests)
	resources, err := krusty.MakeKustomizer(&krusty.Options{
		LoadRestrictions: types.LoadRestrictionsNone,
		PluginConfig:     types.DisabledPluginConfig(),
	}).Run(fs, ".")
	if err != nil {
		return nil, err
	}
	return resources.AsYaml()
}

// entriesOf returns entries in the shape in which a HelmRelease has them.
func entriesOf(postRenderers any) ([]map[string]any, error) {
	text, err := json.Marshal(postRenderers)
	if err != nil {
		return nil, err
	}
	var entries []map[string]any
	return entries, json.Unmarshal(text, &entries)
}

// runAll runs entries one after the other.
func runAll(manifests []byte, postRenderers any) ([]byte, error) {
	entries, err := entriesOf(postRenderers)
	if err != nil {
		return nil, err
	}
	for i, entry := range entries {
		build, _ := entry["kustomize"].(map[string]any)
		if manifests, err = kustomize(manifests, build); err != nil {
			return nil, message.Wrap(message.FluxEntry, err, "index", strconv.Itoa(i))
		}
	}
	return manifests, nil
}

// load returns the objects as they leave helm-controller for Helm: Lists taken
// apart, the origin labels on, and read as Helm reads YAML.
func load(manifests []byte) (objects, error) {
	factory := resmap.NewFactory(provider.NewDefaultDepProvider().GetResourceFactory())
	resources, err := factory.NewResMapFromBytes(manifests)
	if err != nil {
		return nil, err
	}
	origin := builtins.LabelTransformerPlugin{
		Labels:     map[string]string{originName: "release", originNamespace: "release"},
		FieldSpecs: []types.FieldSpec{{Path: "metadata/labels", CreateIfNotPresent: true}},
	}
	if err := origin.Transform(resources); err != nil {
		return nil, err
	}
	all := make(objects)
	for _, r := range resources.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			return nil, err
		}
		var object map[string]any
		if err := yaml.Unmarshal(text, &object); err != nil {
			return nil, err
		}
		if metadata, ok := object["metadata"].(map[string]any); ok && len(copyMap(metadata["annotations"])) == 0 {
			delete(metadata, "annotations") // empty is as good as absent
		}
		id := r.CurId()
		all[postrender.Ref{APIVersion: id.ApiVersion(), Kind: id.Kind, Namespace: id.Namespace, Name: id.Name}] = object
	}
	return all, nil
}

// The labels that helm-controller puts on every object of a release.
const (
	originName      = "helm.toolkit.fluxcd.io/name"
	originNamespace = "helm.toolkit.fluxcd.io/namespace"
)
