package postrender

import (
	"slices"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/serving"
)

// findPoolers finds the Poolers of the Clusters that are paired, and takes the documents
// that have Poolers into the stream.
func (s *selection) findPoolers(stream *manifest.Stream) serving.Poolers {
	var paired []*manifest.Cluster
	for _, c := range s.candidates {
		if c.decision.Action == Paired {
			paired = append(paired, &c.Cluster)
		}
	}
	poolers := serving.FindPoolers(stream, paired)
	if !s.topology.Follow {
		return poolers
	}
	claimed := make(map[string][]string) // the namespaces of names that others do not have any more
	for _, c := range paired {
		for _, name := range append(c.Pair.Services(), c.Pair.Replica.Name) {
			claimed[name] = append(claimed[name], c.Namespace)
		}
	}
	taken := func(namespace, name string) bool {
		same := func(other string) bool { return manifest.SameNamespace(other, namespace) }
		return inNamespace(s.clusters[name], namespace) != nil || slices.ContainsFunc(claimed[name], same) ||
			slices.ContainsFunc(s.services[name], func(c claim) bool { return same(c.namespace) })
	}
	poolers.Twin(func(namespace string, names ...string) bool {
		if slices.ContainsFunc(names, func(name string) bool { return taken(namespace, name) }) {
			return false
		}
		for _, name := range names {
			claimed[name] = append(claimed[name], namespace)
		}
		return true
	})
	return poolers
}
