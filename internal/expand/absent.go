package expand

import (
	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/topology"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// In two Kubernetes clusters the operator makes the Services X-rw, X-ro and X-r on the side
// of the primary only, and the chart's applications say these names on both sides.

const (
	labelPodRole = "cnpg.io/podRole"

	pathInheritedAnnotations = "spec.inheritedMetadata.annotations"
)

// absentServices are those Services on the side of the replica. X-rw is another write
// address. X-ro and X-r read from the replica: while it follows, each of its instances is
// a standby, so X-ro has all of them.
func absentServices(p topology.Pair, cluster *manifest.Object) []*yaml.Node {
	names := p.Absent()
	if len(names) == 0 {
		return nil
	}
	rw, ro, r := names[0], names[1], names[2]
	address := writeAddress(p, cluster, rw)
	if _, is := p.Writer(); !is { // on the other side the operator's X-rw leads to a standby now
		annotations, _ := yamledit.MappingAt(address, "metadata.annotations")
		yamledit.Remove(annotations, AnnotationGlobal)
		yamledit.Remove(annotations, annotationAffinity)
	}
	reader := func(name, label, value string) *yaml.Node {
		labels := yamledit.Map(LabelPair, p.Primary.Name, labelMeshRole, "read-address")
		annotations := yamledit.Map()
		if p.Replica.Keep {
			annotations = yamledit.Map(AnnotationKeep, "keep")
		}
		return service(cluster, name, labels, annotations, yamledit.Map(manifest.LabelCluster, p.Replica.Name, label, value))
	}
	standbys := reader(ro, labelPodRole, "instance")
	if p.Replica.Writes {
		standbys = reader(ro, labelInstanceRole, "replica")
	}
	return []*yaml.Node{address, standbys, reader(r, labelPodRole, "instance")}
}

// shareServices has the operator make the Services of the primary global for ClusterMesh,
// so that X-rw of the replica's side leads to it; and, while the replica takes writes,
// lead to that side first. Everything that the operator makes for the Cluster gets these
// annotations; its Pods do not restart. Only X-rw is global on both sides.
func shareServices(m *member) error {
	if _, err := yamledit.MappingAt(m.tree, pathInheritedAnnotations); err != nil || m.isReplica() || m.pair.Replica.Here {
		return err
	}
	affinity := "local"
	if m.pair.Replica.Writes {
		affinity = "remote"
	}
	complete(yamledit.MakeMapping(m.tree, pathInheritedAnnotations), yamledit.Map(AnnotationGlobal, "true", annotationAffinity, affinity))
	return nil
}
