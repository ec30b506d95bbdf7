package krm

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// The annotations by which kustomize and kpt follow an object through their
// functions: its file, and its place in that.
const (
	trackingPrefix     = "internal.config.kubernetes.io/"
	trackingPath       = trackingPrefix + "path"
	trackingIndex      = trackingPrefix + "index"
	trackingPathLegacy = "config.kubernetes.io/path"
	trackingIndexOld   = "config.kubernetes.io/index"
)

// sharedTracking are those that a new object has from the one that it follows: it
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

// location is where an object is in a package of files.
type location struct {
	folder, path string
	index        int
}

func (l location) file() location { return location{l.folder, l.path, 0} }

func locationOf(tree *yaml.Node) location {
	annotations, _ := yamledit.MappingAt(tree, "metadata.annotations")
	first := func(keys ...string) string {
		for _, key := range keys {
			if value := yamledit.Scalar(annotations, key); value != "" {
				return value
			}
		}
		return ""
	}
	index, _ := strconv.Atoi(first(trackingIndex, trackingIndexOld))
	return location{yamledit.Scalar(annotations, trackingPrefix+"package-path"), first(trackingPath, trackingPathLegacy), index}
}

// Paths are the places of the objects of a stream in the files of a package.
type Paths struct {
	last map[location]int // the index of the last object of each file
}

// PathsOf returns where some objects are.
func PathsOf(objects []*manifest.Object) *Paths {
	p := &Paths{make(map[location]int)}
	for _, o := range objects {
		if l := locationOf(o.Tree()); l.path != "" {
			p.last[l.file()] = max(p.last[l.file()], l.index)
		}
		o.Park()
	}
	return p
}

// Assign gives each object that is added after another one a path of its own, at the
// end of the file of the object that it follows: kpt refuses two objects in one place,
// and kustomize two with one history.
func (p *Paths) Assign(o *manifest.Object, change yamledit.Change) {
	for _, added := range change.Added {
		dropTracking(added.Tree)
		l := locationOf(o.Tree())
		if l.path == "" {
			continue
		}
		own, _ := yamledit.MappingAt(o.Tree(), "metadata.annotations")
		annotations := yamledit.MakeMapping(added.Tree, "metadata.annotations")
		for _, key := range sharedTracking {
			if value := yamledit.Get(own, key); value != nil {
				yamledit.Set(annotations, key, yamledit.Clone(value))
			}
		}
		p.last[l.file()]++
		for _, key := range []string{trackingIndex, trackingIndexOld} {
			if yamledit.Get(own, key) != nil {
				yamledit.Set(annotations, key, yamledit.String(strconv.Itoa(p.last[l.file()])))
			}
		}
	}
}

// dropTracking removes the history of the object that a new one is a copy of.
func dropTracking(tree *yaml.Node) {
	metadata, _ := yamledit.MappingAt(tree, "metadata")
	annotations, _ := yamledit.MappingAt(tree, "metadata.annotations")
	if annotations == nil {
		return
	}
	before := len(annotations.Content)
	for i := before - 2; i >= 0; i -= 2 {
		if key := annotations.Content[i].Value; isTracking(key) {
			yamledit.Remove(annotations, key)
		}
	}
	if before > 0 && len(annotations.Content) == 0 {
		yamledit.Remove(metadata, "annotations")
	}
}
