package expand

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/topology"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

const (
	// PathAdditional is where a Cluster lists Services of its own.
	PathAdditional = "spec.managed.services.additional"
	// AnnotationGlobal makes a Service one for all Kubernetes clusters of a mesh.
	AnnotationGlobal = "service.cilium.io/global"

	annotationAffinity = "service.cilium.io/affinity"
	labelMeshRole      = "catalyst.openova.io/role"
	labelInstanceRole  = "cnpg.io/instanceRole"
)

// serveMesh has the operator make the Service through which the other member
// reaches this one. It selects the primary instance (rw): a replica that streams
// from a standby cascades, and can never satisfy synchronous replication.
func serveMesh(m *member) error {
	if m.isReplica() {
		if err := dropAdditionalServices(m); err != nil {
			return err
		}
	}
	if !m.ServesMesh {
		return nil
	}
	entries, err := yamledit.MappingsAt(m.tree, PathAdditional)
	if err != nil {
		return err
	}
	var entry *yaml.Node
	for i, e := range entries {
		name, err := yamledit.StringAt(e, "serviceTemplate.metadata.name")
		if err != nil {
			return yamledit.InItem(err, PathAdditional, i)
		}
		if name == m.Mesh {
			entry = e
		}
	}
	if entry == nil {
		entry = yamledit.Map("selectorType", "rw", "serviceTemplate", yamledit.Map("metadata", yamledit.Map("name", m.Mesh)))
		yamledit.Append(m.tree, PathAdditional, entry)
	}
	complete(entry, yamledit.Map(
		"selectorType", "rw",
		"serviceTemplate", yamledit.Map(
			"metadata", yamledit.Map(
				"annotations", globalAnnotations(),
				"labels", meshLabels(m.pair),
			),
			"spec", yamledit.Map("type", "ClusterIP"),
		),
	))
	return nil
}

func globalAnnotations() *yaml.Node {
	return yamledit.Map(AnnotationGlobal, "true", annotationAffinity, "local")
}

func meshLabels(p topology.Pair) *yaml.Node {
	return yamledit.Map(LabelPair, p.Primary.Name, labelMeshRole, "replication-source")
}

// complete sets what is missing in a mapping, and changes nothing that is there.
func complete(m, want *yaml.Node) {
	for i := 0; i+1 < len(want.Content); i += 2 {
		key, value := want.Content[i].Value, want.Content[i+1]
		switch own := yamledit.Get(m, key); {
		case yamledit.IsNull(own):
			yamledit.Set(m, key, value)
		case own.Kind == yaml.MappingNode && value.Kind == yaml.MappingNode:
			complete(own, value)
		}
	}
}

// dropAdditionalServices removes the Services that the primary's operator makes
// under fixed names: made a second time, they block the reconciliation ("refusing
// to reconcile service, not owned by the cluster").
func dropAdditionalServices(m *member) error {
	additional, err := yamledit.At(m.tree, PathAdditional)
	if err != nil || additional == nil {
		return err
	}
	managed := yamledit.Get(m.spec(), "managed")
	services := yamledit.Get(managed, "services")
	yamledit.Remove(services, "additional")
	if len(services.Content) == 0 {
		yamledit.Remove(managed, "services")
	}
	if len(managed.Content) == 0 {
		yamledit.Remove(m.spec(), "managed")
	}
	return nil
}

// stub is the local Service of a member that runs in the other Kubernetes cluster.
// Its selector matches no Pod, because no Pod has the role of a Service.
func stub(p topology.Pair, name string, cluster *manifest.Object) *yaml.Node {
	return service(cluster, name, meshLabels(p), globalAnnotations(), meshLabels(p))
}

// writeAddress is a Service by which applications reach the member that takes
// writes. A member that follows has a Pod with the role primary too, so the selector
// also asks for the Cluster; the Kubernetes cluster of the other side has no Pod of it.
func writeAddress(p topology.Pair, cluster *manifest.Object, name string) *yaml.Node {
	return address(p, cluster, name, func(writer topology.Member) *yaml.Node {
		return yamledit.Map(manifest.LabelCluster, writer.Name, labelInstanceRole, "primary")
	})
}

// address is a Service that leads to the Pods that a function selects of the member that
// takes writes. It belongs to the release as an object of the chart does.
//
// While no member takes writes, it asks for a label that no Pod has. Without a
// selector, Kubernetes would keep the endpoints that were there before.
func address(p topology.Pair, o *manifest.Object, name string, podsOf func(writer topology.Member) *yaml.Node) *yaml.Node {
	labels := yamledit.Map(LabelPair, p.Primary.Name, labelMeshRole, "write-address")
	selector := labels
	if writer, is := p.Writer(); is {
		selector = podsOf(writer)
	}
	annotations := yamledit.Map()
	if !p.Primary.Here || !p.Replica.Here {
		annotations = globalAnnotations()
	}
	if p.Step != topology.AtRest {
		yamledit.Set(annotations, AnnotationActive, yamledit.String(p.Active))
	}
	made := service(o, name, labels, annotations, selector)
	if p.Replica.Keep { // it leads to the only current data, or did so last
		yamledit.Set(yamledit.MakeMapping(made, "metadata.annotations"), AnnotationKeep, yamledit.String("keep"))
	}
	return made
}

// service is a Service of a pair beside its Clusters. It belongs to the release as
// the object of the chart does that it is for, as a hook too.
func service(of *manifest.Object, name string, labels, annotations, selector *yaml.Node) *yaml.Node {
	metadata := yamledit.Map("name", name)
	if of.Namespace != "" {
		yamledit.Set(metadata, "namespace", yamledit.String(of.Namespace))
	}
	yamledit.Set(metadata, "labels", labels)
	own, _ := yamledit.MappingAt(of.Tree(), "metadata.annotations")
	for i := 0; own != nil && i+1 < len(own.Content); i += 2 {
		if key := own.Content[i].Value; strings.HasPrefix(key, "helm.sh/") || strings.HasPrefix(key, "postrenderer.helm.sh/") {
			yamledit.Set(annotations, key, yamledit.Clone(own.Content[i+1]))
		}
	}
	if len(annotations.Content) > 0 {
		yamledit.Set(metadata, "annotations", annotations)
	}
	port := yamledit.Map("name", "postgres", "protocol", "TCP", "port", yamledit.Int(5432), "targetPort", yamledit.Int(5432))
	return yamledit.Map(
		"apiVersion", "v1",
		"kind", "Service",
		"metadata", metadata,
		"spec", yamledit.Map("type", "ClusterIP", "selector", yamledit.Clone(selector), "ports", yamledit.List(port)),
	)
}

const pathAltNames = "spec.certificates.serverAltDNSNames"

// nameWriteAddress has the operator put the write address, and what else leads to this
// member only beside it, into the server certificate of a member, which costs no restart.
// It refuses names beside a certificate of the chart's own.
func nameWriteAddress(m *member) error {
	secret, err := yamledit.StringAt(m.tree, PathServerTLSSecret)
	if err != nil || secret != "" {
		return err
	}
	if _, err := yamledit.SequenceAt(m.tree, pathAltNames); err != nil {
		return err
	}
	namespace, err := yamledit.StringAt(m.tree, "metadata.namespace")
	if err != nil {
		return err
	}
	addresses := []string{m.pair.WriteAddress}
	if m.isReplica() {
		addresses = append(addresses, m.pair.Absent()...)
	}
	for _, address := range addresses {
		for _, name := range dnsNames(address, namespace) {
			nameInCertificate(m, name)
		}
	}
	return nil
}

// nameInCertificate adds a name that the server certificate does not have.
func nameInCertificate(m *member, name string) {
	own, _ := yamledit.SequenceAt(m.tree, pathAltNames)
	if own == nil || !slices.ContainsFunc(own.Content, func(n *yaml.Node) bool { return n.Value == name }) {
		yamledit.Append(m.tree, pathAltNames, yamledit.String(name))
	}
}

// dnsNames are those of a Service in a namespace, as the operator has them in
// certificates; only the short one where the namespace is left out.
func dnsNames(service, namespace string) []string {
	names := []string{service}
	if namespace != "" {
		for _, suffix := range []string{"", ".svc", ".svc.cluster.local"} {
			names = append(names, service+"."+namespace+suffix)
		}
	}
	return names
}
