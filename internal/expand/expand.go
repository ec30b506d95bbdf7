// Package expand makes the members of a pair: it takes a Cluster as the chart
// renders it, and a topology.Pair, and returns the Clusters and Services that take
// its place.
//
// Goals: each rule about a field is one function in one list, and changes only the
// tree. Non-goals: deciding whether a Cluster is paired, and editing text.
package expand

import (
	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/topology"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// The labels and annotations by which the platform's controllers find a pair.
const (
	LabelRole      = "openova.io/cnpg-role"
	LabelPair      = "catalyst.openova.io/cnpg-pair"
	LabelRegion    = "openova.io/region"
	annotationRole = "catalyst.openova.io/cnpg-pair-role"
	annotationName = "catalyst.openova.io/cnpg-pair-name"

	// annotationPromotion tells the platform that no program promotes a replica by
	// itself.
	annotationPromotion = "catalyst.openova.io/dr-promotion-mechanism"

	// AnnotationActive says which member takes writes, and AnnotationFailover that
	// it is promoted without waiting; not there at rest. The guard lets a member
	// change its side by them.
	AnnotationActive   = "cnpg-pair.openova.io/active"
	AnnotationFailover = "cnpg-pair.openova.io/failover"

	annotationFenced = "cnpg.io/fencedInstances"

	// AnnotationKeep with the value keep makes Helm keep an object that leaves its
	// release.
	AnnotationKeep = "helm.sh/resource-policy"
)

// member is what a rule works on: the copy of the Cluster that becomes the member.
type member struct {
	topology.Member
	pair    topology.Pair
	tree    *yaml.Node
	poolers []*manifest.Pooler // of the Cluster
}

// rules are what a member gets, in the order in which it is written. A rule
// changes m.tree. Its errors are [*yamledit.Error], for fields of the chart that do
// not have CloudNativePG's shape.
var rules = []func(m *member) error{
	dropLiveFields,
	setPairLabels,
	labelPods,
	shareServices,
	setUpdateMethod,
	pinToRegion,
	selectItself,
	setName,
	followSource,
	cloneFromSource,
	connectToSource,
	shareSuperuser,
	serveMesh,
	nameWriteAddress,
	namePoolers,
	renameArchive,
	replicateSynchronously,
	keepWAL,
	tellStep,
}

// Change returns what becomes of a Cluster in its pair: the member, or members, of
// this side, the Services that stand for a member of the other side, or have the names
// of the primary's there, and the write address. poolers are those of the Cluster.
func Change(p topology.Pair, cluster *manifest.Object, poolers []*manifest.Pooler) (yamledit.Change, error) {
	var c yamledit.Change
	for _, m := range p.Members() {
		tree, err := memberTree(&member{m, p, yamledit.Clone(cluster.Tree()), poolers})
		switch {
		case err != nil:
			return c, err
		case !m.Here:
		case c.InPlace == nil:
			c.InPlace = tree
		default:
			c.Added = append(c.Added, yamledit.Added{Tree: tree, Copy: true})
		}
	}
	for _, name := range p.Stubs() {
		c.Added = append(c.Added, yamledit.Added{Tree: stub(p, name, cluster)})
	}
	for _, made := range absentServices(p, cluster) {
		c.Added = append(c.Added, yamledit.Added{Tree: made})
	}
	c.Added = append(c.Added, yamledit.Added{Tree: writeAddress(p, cluster, p.WriteAddress)})
	return c, nil
}

func memberTree(made *member) (*yaml.Node, error) {
	for _, rule := range rules {
		if err := rule(made); err != nil {
			return nil, err
		}
	}
	return made.tree, nil
}

func (m *member) isReplica() bool { return m.Role == topology.Replica }

func (m *member) spec() *yaml.Node { return yamledit.Get(m.tree, "spec") }

// dropLiveFields is for the copy of an object that was read from a cluster.
func dropLiveFields(m *member) error {
	if m.isReplica() {
		return manifest.DropLiveFields(m.tree)
	}
	return nil
}

func setPairLabels(m *member) error {
	for _, path := range []string{"metadata.labels", "metadata.annotations"} {
		if _, err := yamledit.MappingAt(m.tree, path); err != nil {
			return err
		}
	}
	labels := yamledit.MakeMapping(m.tree, "metadata.labels")
	yamledit.Set(labels, LabelRole, yamledit.String(string(m.Role)))
	yamledit.Set(labels, LabelRegion, yamledit.String(m.Region))
	yamledit.Set(labels, LabelPair, yamledit.String(m.pair.Primary.Name))
	m.annotate(annotationRole, string(m.Role))
	m.annotate(annotationName, m.pair.Primary.Name)
	if m.isReplica() {
		m.annotate(annotationPromotion, "manual")
	}
	return nil
}

// PathPodLabels is where a Cluster lists the labels of its Pods, and of all that the
// operator makes for it.
const PathPodLabels = "spec.inheritedMetadata.labels"

// labelPods labels the Pods, by which the platform shows where a member runs. A
// running Pod gets them without a restart.
func labelPods(m *member) error {
	if _, err := yamledit.MappingAt(m.tree, PathPodLabels); err != nil {
		return err
	}
	labels := yamledit.MakeMapping(m.tree, PathPodLabels)
	yamledit.Set(labels, LabelRole, yamledit.String(string(m.Role)))
	yamledit.Set(labels, LabelRegion, yamledit.String(m.Region))
	return nil
}

func (m *member) annotate(key, value string) {
	yamledit.Set(yamledit.MakeMapping(m.tree, "metadata.annotations"), key, yamledit.String(value))
}

// setUpdateMethod makes the operator restart a primary by a switchover, which
// spares the application a pause; but after a promotion in place, because a
// switchover, or for one instance a new Pod, would take ten seconds longer.
func setUpdateMethod(m *member) error {
	if m.isReplica() {
		return nil // restart is the default
	}
	method, err := yamledit.At(m.tree, "spec.primaryUpdateMethod")
	if err == nil && method == nil {
		word := "switchover"
		if m.pair.Step != topology.AtRest {
			word = "restart"
		}
		yamledit.Set(m.spec(), "primaryUpdateMethod", yamledit.String(word))
	}
	return err
}

func setName(m *member) error {
	if m.isReplica() {
		yamledit.Set(yamledit.Get(m.tree, "metadata"), "name", yamledit.String(m.Name))
	}
	return nil
}

// tellStep is the last rule, about a member while, and after, another one than the
// primary becomes active.
//
// A member that is demoted is made a replica of the other one: the operator fences
// it meanwhile, and lifts that fence. Only where the other one is promoted in the
// same apply, without waiting, the member is fenced here too, as its operator takes
// seconds to do that.
func tellStep(m *member) error {
	if m.pair.Step != topology.AtRest {
		m.annotate(AnnotationActive, m.pair.Active)
	}
	if m.pair.Failover {
		m.annotate(AnnotationFailover, topology.FailoverNow)
	}
	if m.Keep {
		m.annotate(AnnotationKeep, "keep")
	}
	if m.Fenced {
		m.annotate(annotationFenced, `["*"]`)
	}
	return nil
}
