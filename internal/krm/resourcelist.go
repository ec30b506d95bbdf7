// Package krm reads and answers ResourceLists, in which kustomize and kpt hand
// objects to a KRM function and take them back, by the functions specification of
// sigs.k8s.io/kustomize.
//
// Goals: the list is recognised whatever surrounds it, its functionConfig becomes
// settings, and errors and warnings become its results. Non-goals: to process the
// objects, which is done to the list as to any List.
package krm

import (
	"bytes"
	"errors"
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/internal/topology"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

const kind = "ResourceList"

// ResourceList is a list of objects with the settings of a function.
type ResourceList struct {
	text     []byte
	document *yamledit.Document
}

// MayBegin looks at the beginning of a stream, where every writer of
// ResourceLists writes its apiVersion or its kind. It is generous: true for some
// streams that are not ResourceLists.
func MayBegin(stream []byte) bool {
	return bytes.Contains(stream, []byte("config.kubernetes.io/")) || bytes.Contains(stream, []byte(kind))
}

// Read returns the ResourceList that a text is, and false where it is something
// else. Its error is an [*yamledit.Error], for a list that cannot be read.
func Read(text []byte) (*ResourceList, bool, error) {
	if !bytes.Contains(text, []byte(kind)) {
		return nil, false, nil
	}
	pieces := slices.DeleteFunc(yamledit.Split(text), func(p yamledit.Piece) bool { return yamledit.IsBlank(text[p.Body:p.End]) })
	if len(pieces) != 1 { // kyaml unwraps none beside other documents either
		return nil, false, nil
	}
	body := text[pieces[0].Body:pieces[0].End]
	found, sure := manifest.KindOf(body)
	if sure && found != kind {
		return nil, false, nil
	}
	document, err := yamledit.Parse(text, pieces[0])
	if err != nil && found == kind {
		return nil, false, err
	}
	if err != nil { // broken, but not ours to judge
		return nil, false, nil
	}
	if yamledit.Scalar(document.Tree, "kind") != kind {
		return nil, false, nil
	}
	return &ResourceList{text, document}, true, nil
}

// Setting is what the functionConfig says of a setting, and in which line.
type Setting struct {
	Value string
	Line  int
}

// Settings returns those of the functionConfig, a ConfigMap whose data has the
// names of the environment variables, or nothing where there is none. Its error is
// an [*yamledit.Error].
func (l *ResourceList) Settings() (map[string]Setting, error) {
	names := strings.Join(topology.Variables, ", ")
	config, err := yamledit.MappingAt(l.document.Tree, "functionConfig")
	if err != nil || config == nil || len(config.Content) == 0 {
		return nil, shape(err, names)
	}
	if kind := yamledit.Scalar(config, "kind"); kind != "ConfigMap" {
		return nil, &yamledit.Error{Path: "functionConfig", Line: config.Line, Err: message.New(message.NotAConfigMap, "kind", kind, "names", names)}
	}
	data, err := yamledit.MappingAt(l.document.Tree, "functionConfig.data")
	if err != nil || data == nil {
		return nil, shape(err, names)
	}
	settings := make(map[string]Setting)
	for i := 0; i+1 < len(data.Content); i += 2 {
		key, value := data.Content[i], data.Content[i+1]
		if !slices.Contains(topology.Variables, key.Value) {
			return nil, &yamledit.Error{Path: "functionConfig.data", Line: key.Line, Err: message.New(message.UnknownSetting, "setting", key.Value, "names", names)}
		}
		if value.Kind != yaml.ScalarNode {
			return nil, &yamledit.Error{Path: "functionConfig.data." + key.Value, Line: value.Line, Err: message.New(message.SettingNoString, "names", names)}
		}
		if !yamledit.IsNull(value) {
			settings[key.Value] = Setting{value.Value, key.Line}
		}
	}
	return settings, nil
}

// shape gives the error of a functionConfig that is no mapping the hint of this
// package.
func shape(err error, names string) error {
	var at *yamledit.Error
	if errors.As(err, &at) {
		return &yamledit.Error{Path: at.Path, Line: at.Line, Err: message.New(message.SettingsNoMapping, "names", names)}
	}
	return err
}

// Finding is something that there is to say of an object of the list, or of its
// settings.
type Finding struct {
	Severity string // "error" or "warning"
	Message  string
	Object   string // its title, as in "Cluster blog/blog-db"; empty for the settings
	Line     int    // of the list
}

// result is an item of the results of a ResourceList.
type result struct {
	Message     string     `yaml:"message"`
	Severity    string     `yaml:"severity"`
	ResourceRef *reference `yaml:"resourceRef,omitempty"`
	File        *file      `yaml:"file,omitempty"`
}

type reference struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Name       string `yaml:"name"`
	Namespace  string `yaml:"namespace,omitempty"`
}

type file struct {
	Path  string `yaml:"path"`
	Index int    `yaml:"index,omitempty"`
}

// WithResults returns the text of the ResourceList, or rendered, which was made
// of it, with the findings in its results.
func (l *ResourceList) WithResults(rendered []byte, findings []Finding) ([]byte, error) {
	if len(findings) == 0 {
		return rendered, nil
	}
	objects := make(map[string][]*manifest.Object)
	for _, o := range manifest.ObjectsOf(l.document) {
		objects[o.Title()] = append(objects[o.Title()], o)
	}
	var results []result
	for _, f := range findings {
		results = append(results, resultOf(f, objects[f.Object]))
	}
	list, _, err := Read(rendered)
	if err != nil {
		return nil, err
	}
	edits, err := list.document.Set("results", results)
	return yamledit.Apply(rendered, edits), err
}

// resultOf returns the result for a finding about one of some objects of its title, in
// the order of the list: the last one that begins before its line.
func resultOf(f Finding, objects []*manifest.Object) result {
	r := result{Message: f.Message, Severity: f.Severity}
	after := sort.Search(len(objects), func(i int) bool { return objects[i].Line > f.Line })
	if after == 0 {
		return r
	}
	o := objects[after-1]
	r.ResourceRef = &reference{o.APIVersion, o.Kind, o.Name, o.Namespace}
	if at := locationOf(o.Tree()); at.path != "" {
		r.File = &file{at.path, at.index}
	}
	return r
}
