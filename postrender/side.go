package postrender

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// onSide returns the half or halves that this Kubernetes cluster runs (section 7
// of the contract). Each side has the Service of the other half as a stub: Cilium
// merges global Services by name and namespace, and without a local one the name
// does not resolve.
func (c *cluster) onSide(cfg Config, primary, replica *yaml.Node) change {
	switch cfg.Side {
	case SidePrimary:
		var stubs []*yaml.Node
		if cfg.Active != ActivePrimary {
			stubs = append(stubs, c.stub(MeshName(c.replica)))
		}
		return change{primary, stubs}
	case SideReplica:
		return change{replica, []*yaml.Node{c.stub(c.mesh)}}
	}
	return change{primary, []*yaml.Node{replica}}
}

// stub is the local Service of a half that runs in the other Kubernetes cluster.
// Its selector matches no Pod: none carries the role of a Service.
func (c *cluster) stub(name string) *yaml.Node {
	metadata := dict("name", name)
	if c.namespace != "" {
		set(metadata, "namespace", str(c.namespace))
	}
	set(metadata, "labels", dict(labelPair, c.name, labelMeshRole, "replication-source"))
	annotations := dict(annotationGlobal, "true", annotationAffinity, "local")
	own, _ := mappingAt(c.tree, "metadata.annotations")
	for i := 0; own != nil && i+1 < len(own.Content); i += 2 {
		// it belongs to the chart's release as the Cluster does, as a hook too
		if key := own.Content[i].Value; strings.HasPrefix(key, "helm.sh/") || strings.HasPrefix(key, "postrenderer.helm.sh/") {
			set(annotations, key, clone(own.Content[i+1]))
		}
	}
	set(metadata, "annotations", annotations)
	port := dict("name", "postgres", "protocol", "TCP")
	for _, key := range []string{"port", "targetPort"} {
		set(port, key, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: "5432"})
	}
	return dict(
		"apiVersion", "v1",
		"kind", "Service",
		"metadata", metadata,
		"spec", dict(
			"type", "ClusterIP",
			"selector", dict(labelPair, c.name, labelMeshRole, "replication-source"),
			"ports", list(port),
		),
	)
}
