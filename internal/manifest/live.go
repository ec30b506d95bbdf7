package manifest

import (
	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// DropLiveFields removes from a copy what belongs to one object of a running
// cluster, for streams that come from kubectl get. A tree without a uid and a
// resourceVersion comes from a chart, and stays as it is.
func DropLiveFields(tree *yaml.Node) error {
	metadata, err := yamledit.MappingAt(tree, "metadata")
	if err != nil {
		return err
	}
	if yamledit.Get(metadata, "uid") == nil && yamledit.Get(metadata, "resourceVersion") == nil {
		return nil
	}
	yamledit.Remove(tree, "status")
	for _, key := range []string{"uid", "resourceVersion", "managedFields", "generation", "creationTimestamp", "selfLink"} {
		yamledit.Remove(metadata, key)
	}
	if annotations, _ := yamledit.MappingAt(tree, "metadata.annotations"); annotations != nil {
		yamledit.Remove(annotations, "kubectl.kubernetes.io/last-applied-configuration")
		yamledit.Remove(annotations, "argocd.argoproj.io/tracking-id") // by which Argo CD would take the one for the other
	}
	return nil
}
