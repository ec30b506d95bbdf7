package postrender

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ResourceList is what kustomize and kpt hand to a KRM function, and what they
// take back: objects, the function's settings, and what it has to say of them.
// A [Renderer] takes it for the List that it is; goals and names are those of the
// functions specification of sigs.k8s.io/kustomize.
type ResourceList struct {
	Source Source
	doc    *document
}

// ReadResourceList returns the ResourceList that a source is, or nil where it is
// something else. Its errors are [*Error], for one that cannot be read.
func ReadResourceList(source Source) (*ResourceList, error) {
	const kind = "ResourceList"
	if !bytes.Contains(source.Data, []byte(kind)) {
		return nil, nil
	}
	var only []piece
	for _, p := range split(source.Data) {
		for line := range bytes.Lines(source.Data[p.body:p.end]) {
			if !blankOrComment(line) {
				only = append(only, p)
				break
			}
		}
	}
	if len(only) != 1 { // kyaml unwraps none beside other documents either
		return nil, nil
	}
	h := readHead(source.Data[only[0].body:only[0].end])
	if h.sure && h.kind != kind {
		return nil, nil
	}
	d, err := parse(&source, only[0])
	if err != nil && h.kind != kind {
		return nil, nil // broken, but not ours to judge
	}
	if err != nil {
		var at *Error
		if errors.As(err, &at) {
			at.Object = kind
		}
		return nil, err
	}
	if scalar(d.tree, "kind") != kind {
		return nil, nil
	}
	return &ResourceList{source, d}, nil
}

// Settings returns those of the functionConfig, a ConfigMap whose data has the
// names of the environment variables, or nothing where there is none. Its errors
// are [*Error].
func (l *ResourceList) Settings() (map[string]string, error) {
	settings, err := l.settings()
	if err != nil {
		at := l.doc.locate(err)
		at.Cure = "give a ConfigMap whose data has strings by these names: " + strings.Join(settingNames(), ", ")
		return nil, at
	}
	return settings, nil
}

func settingNames() []string {
	return []string{EnvEnableHotStandby, EnvPrimaryRegion, EnvReplicaRegion, EnvStrict, EnvSide, EnvReplication, EnvActive, EnvRejoin, EnvPeerClusters}
}

func (l *ResourceList) settings() (map[string]string, error) {
	config, err := mappingAt(l.doc.tree, "functionConfig")
	if config == nil || len(config.Content) == 0 {
		return nil, err
	}
	if kind := scalar(config, "kind"); kind != "ConfigMap" {
		return nil, &fieldError{path: "functionConfig", line: config.Line, err: fmt.Errorf("expected a ConfigMap, not kind %q", kind)}
	}
	data, err := mappingAt(l.doc.tree, "functionConfig.data")
	if data == nil {
		return nil, err
	}
	settings := make(map[string]string)
	for i := 0; i+1 < len(data.Content); i += 2 {
		key, value := data.Content[i], data.Content[i+1]
		if !slices.Contains(settingNames(), key.Value) {
			return nil, &fieldError{path: "functionConfig.data", line: key.Line, err: fmt.Errorf("unknown setting %q", key.Value)}
		}
		if value.Kind != yaml.ScalarNode {
			return nil, &fieldError{path: "functionConfig.data." + key.Value, line: value.Line, err: errors.New("expected a string")}
		}
		if !isNull(value) {
			settings[key.Value] = value.Value
		}
	}
	return settings, nil
}

// functionResult is an item of the results of a ResourceList.
type functionResult struct {
	Message     string     `yaml:"message"`
	Severity    string     `yaml:"severity"`
	ResourceRef *resultRef `yaml:"resourceRef,omitempty"`
	File        *resultAt  `yaml:"file,omitempty"`
}

type resultRef struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Name       string `yaml:"name"`
	Namespace  string `yaml:"namespace,omitempty"`
}

type resultAt struct {
	Path  string `yaml:"path"`
	Index int    `yaml:"index,omitempty"`
}

// WithResults returns the text of the ResourceList, or what was made of it, with
// warnings, and the errors that err is made of, in its results.
func (l *ResourceList) WithResults(rendered []byte, warnings []error, err error) ([]byte, error) {
	var results []functionResult
	for _, one := range Errors(err) {
		results = append(results, l.result("error", one))
	}
	for _, one := range warnings {
		results = append(results, l.result("warning", one))
	}
	if len(results) == 0 {
		return rendered, nil
	}
	objects, err := Objects(Source{l.Source.Name, rendered})
	if err != nil {
		return nil, err
	}
	return objects[0].Set("results", results)
}

// result is what there is to say of an object of the list, or of its settings.
func (l *ResourceList) result(severity string, err error) functionResult {
	r := functionResult{Message: err.Error(), Severity: severity}
	var at *Error
	if errors.As(err, &at) {
		r.Message = at.Err.Error() // of which object, and where, has fields of its own
		for _, tree := range l.doc.objects() {
			ref := refTo(tree)
			title := (&Object{&document{tree: tree}}).Title()
			if title != at.Object || l.doc.streamLine(tree.Line) > at.Line {
				continue // the last one that begins before the line is the one
			}
			r.ResourceRef = &resultRef{ref.APIVersion, ref.Kind, ref.Name, ref.Namespace}
			if p := placeOf(tree); p.path != "" {
				r.File = &resultAt{p.path, p.index}
			}
		}
	}
	if hint := Hint(err); hint != "" {
		r.Message += "; " + hint
	}
	return r
}

// The annotations by which kustomize and kpt follow an object through their
// functions: its file, and its place in that.
const (
	trackingPrefix     = "internal.config.kubernetes.io/"
	trackingPath       = trackingPrefix + "path"
	trackingIndex      = trackingPrefix + "index"
	trackingPathLegacy = "config.kubernetes.io/path"
	trackingIndexOld   = "config.kubernetes.io/index"
)

// sharedTracking are those that a new object has from the one behind which it stands: it
// goes into the same file, of the same package, in the same style.
var sharedTracking = []string{trackingPath, trackingPathLegacy, trackingPrefix + "package-path", trackingPrefix + "seqindent"}

// isTracking is true for an annotation that only one object may have.
func isTracking(key string) bool {
	switch key {
	case trackingIndexOld, trackingPathLegacy, "config.k8s.io/id", "kustomize.config.k8s.io/id",
		"internal.config.k8s.io/kpt-resource-id", "internal.kpt.dev/upstream-identifier":
		return true
	}
	return strings.HasPrefix(key, trackingPrefix)
}

// place is where an object stands in a package.
type place struct {
	folder, path string
	index        int
}

func placeOf(tree *yaml.Node) place {
	annotations, _ := mappingAt(tree, "metadata.annotations")
	first := func(keys ...string) string {
		for _, key := range keys {
			if value := scalar(annotations, key); value != "" {
				return value
			}
		}
		return ""
	}
	index, _ := strconv.Atoi(first(trackingIndex, trackingIndexOld))
	return place{scalar(annotations, trackingPrefix+"package-path"), first(trackingPath, trackingPathLegacy), index}
}

// placeNew gives the new objects places of their own, at the end of the file of
// the object that they stand behind: kpt refuses two objects in one place, and
// kustomize two with one history.
func (s *stream) placeNew(changes map[*yaml.Node]change) {
	last := make(map[place]int) // of each file
	file := func(p place) place { return place{p.folder, p.path, 0} }
	for _, d := range s.documents {
		for _, object := range d.objects() {
			p := placeOf(object)
			last[file(p)] = max(last[file(p)], p.index)
		}
	}
	for _, d := range s.documents {
		for _, object := range d.objects() {
			for _, tree := range changes[object].behind {
				forget(tree)
				p := placeOf(object)
				if p.path == "" {
					continue
				}
				own, _ := mappingAt(object, "metadata.annotations")
				annotations := makeAt(tree, "metadata.annotations", yaml.MappingNode)
				for _, key := range sharedTracking {
					if value := get(own, key); value != nil {
						set(annotations, key, clone(value))
					}
				}
				last[file(p)]++
				for _, key := range []string{trackingIndex, trackingIndexOld} {
					if get(own, key) != nil {
						set(annotations, key, str(strconv.Itoa(last[file(p)])))
					}
				}
			}
		}
	}
}

// forget removes what tells the history of the object that a new one is a copy of.
func forget(tree *yaml.Node) {
	metadata, _ := mappingAt(tree, "metadata")
	annotations, _ := mappingAt(tree, "metadata.annotations")
	if annotations == nil {
		return
	}
	before := len(annotations.Content)
	for i := len(annotations.Content) - 2; i >= 0; i -= 2 {
		if key := annotations.Content[i].Value; isTracking(key) {
			remove(annotations, key)
		}
	}
	if before > 0 && len(annotations.Content) == 0 {
		remove(metadata, "annotations")
	}
}
