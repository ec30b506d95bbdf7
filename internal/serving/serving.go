// Package serving gives the replica of a pair what serves the Cluster X in a chart: its
// backups on schedule, and what has its metrics collected.
//
// Goals: a base backup is taken of the member that takes writes, by X's schedule,
// whichever member that is; the Pods of both members are scraped.
//
//   - A ScheduledBackup of X gets a copy for X-replica. That of the member that does not
//     take writes is suspended: the operator would take backups of both otherwise.
//   - A PodMonitor that selects the Pods of X by its name gets a copy that selects those of
//     X-replica.
//   - A Pooler through which applications write to X gets a twin for X-replica, and both a
//     Service, but only where applications are made to follow: see [Poolers].
//
// Non-goals: a Backup, which is taken once; a PodMonitor that selects by other labels; and
// the one that the operator makes for each member by itself.
package serving

import (
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/internal/topology"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// Servants are the objects of a stream that serve its Clusters.
type Servants struct {
	clusters map[string][]*manifest.Cluster
	of       map[*manifest.Object][]*manifest.Object // by the Cluster
	names    map[name][]*manifest.Object
}

type name struct{ kind, name string }

// kinds are how those objects say whom they serve, and what a copy says. A kind returns
// the node that names the Cluster, nil if none does.
var kinds = map[string]struct {
	group string
	named func(tree *yaml.Node) *yaml.Node
	set   func(tree *yaml.Node, m topology.Member) error
}{
	"ScheduledBackup": {manifest.Group, clusterNamed, suspend},
	"PodMonitor":      {"monitoring.coreos.com", monitorOf, nil},
}

func isServant(o *manifest.Object) bool {
	kind, is := kinds[o.Kind]
	return is && kind.group == o.Group()
}

// Include takes the documents that have such objects into a stream.
func Include(stream *manifest.Stream) {
	stream.IncludeKinds(slices.Sorted(maps.Keys(kinds))...)
}

// Find finds the objects of a stream that serve some Clusters.
func Find(objects []*manifest.Object, clusters []*manifest.Cluster) *Servants {
	s := &Servants{byName(clusters), make(map[*manifest.Object][]*manifest.Object), make(map[name][]*manifest.Object)}
	for _, o := range objects {
		if !isServant(o) {
			continue
		}
		s.names[name{o.Kind, o.Name}] = append(s.names[name{o.Kind, o.Name}], o)
		if c := s.served(o); c != nil {
			s.of[c.Object] = append(s.of[c.Object], o)
		}
		o.Park()
	}
	return s
}

func byName(clusters []*manifest.Cluster) map[string][]*manifest.Cluster {
	named := make(map[string][]*manifest.Cluster)
	for _, c := range clusters {
		named[c.Name] = append(named[c.Name], c)
	}
	return named
}

// Serves tells whether an object serves one of the Clusters.
func (s *Servants) Serves(o *manifest.Object) bool { return isServant(o) && s.served(o) != nil }

// served is the Cluster that an object serves, or nil.
func (s *Servants) served(o *manifest.Object) *manifest.Cluster {
	return s.clusterOf(o, kinds[o.Kind].named(o.Tree()))
}

// clusterOf is the Cluster that a node of an object names, or nil.
func (s *Servants) clusterOf(o *manifest.Object, node *yaml.Node) *manifest.Cluster {
	if node == nil || o.Name == "" {
		return nil
	}
	for _, c := range s.clusters[node.Value] {
		if manifest.SameNamespace(o.Namespace, c.Namespace) {
			return c
		}
	}
	return nil
}

// Conflict returns why an object that serves the Cluster cannot be copied for the
// replica, nil if all can.
func (s *Servants) Conflict(cluster *manifest.Object) *message.Message {
	for _, o := range s.of[cluster] {
		copied := topology.ServantName(o.Name)
		for _, other := range s.names[name{o.Kind, copied}] {
			if manifest.SameNamespace(o.Namespace, other.Namespace) {
				return message.New(message.NameTaken, "name", copied, "by", other.Title()+" ("+other.At()+")")
			}
		}
	}
	return nil
}

// Of returns what becomes of an object, and false where it serves none of the Clusters that
// are paired. Its
// error is a [*yamledit.Error], for a field that does not have the shape of its kind.
func (s *Servants) Of(o *manifest.Object, paired map[*manifest.Object]int) (change yamledit.Change, changes bool, err error) {
	if !isServant(o) {
		return change, false, nil
	}
	c := s.served(o)
	if c == nil {
		return change, false, nil
	}
	if _, is := paired[c.Object]; !is {
		return change, false, nil
	}
	kind := kinds[o.Kind]
	if change, err = forMembers(o, c.Pair, topology.ServantName(o.Name), kind.named, kind.set); err != nil {
		return change, false, err
	}
	return change, len(change.Added) > 0 || !yamledit.Equal(change.InPlace, o.Tree()), nil
}

// forMembers returns what becomes of an object that serves a Cluster: itself, and its copy
// for the replica, or that of them whose member is on this side. named returns the node
// that names the Cluster, and set, if there is one, changes the object of a member.
func forMembers(o *manifest.Object, p topology.Pair, copied string, named func(tree *yaml.Node) *yaml.Node, set func(tree *yaml.Node, m topology.Member) error) (change yamledit.Change, err error) {
	for _, m := range p.Members() {
		if !m.Here {
			continue
		}
		tree := yamledit.Clone(o.Tree())
		if m.Role == topology.Replica {
			err = manifest.DropLiveFields(tree)
			named(tree).Value = m.Name
			yamledit.Set(yamledit.Get(tree, "metadata"), "name", yamledit.String(copied))
		}
		if set != nil && err == nil {
			err = set(tree, m)
		}
		if err != nil {
			return change, err
		}
		if change.InPlace == nil {
			change.InPlace = tree
		} else {
			change.Added = append(change.Added, yamledit.Added{Tree: tree, Copy: true})
		}
	}
	return change, nil
}

func clusterNamed(tree *yaml.Node) *yaml.Node {
	cluster, _ := yamledit.MappingAt(tree, "spec.cluster")
	return scalar(yamledit.Get(cluster, "name"))
}

// suspend keeps the operator from taking backups of a member that does not take writes.
func suspend(tree *yaml.Node, m topology.Member) error {
	if m.Writes {
		return nil
	}
	spec, err := yamledit.MappingAt(tree, "spec")
	if err == nil {
		yamledit.Set(spec, "suspend", yamledit.Bool(true))
	}
	return err
}

// monitorOf finds the name in a selector of one Cluster.
func monitorOf(tree *yaml.Node) *yaml.Node {
	labels, _ := yamledit.MappingAt(tree, "spec.selector.matchLabels")
	if n := scalar(yamledit.Get(labels, manifest.LabelCluster)); n != nil {
		return n
	}
	expressions, _ := yamledit.MappingsAt(tree, "spec.selector.matchExpressions")
	for _, e := range expressions {
		if values := yamledit.Get(e, "values"); yamledit.Scalar(e, "key") == manifest.LabelCluster && yamledit.Scalar(e, "operator") == "In" &&
			values != nil && len(values.Content) == 1 {
			return scalar(values.Content[0])
		}
	}
	return nil
}

func scalar(n *yaml.Node) *yaml.Node {
	if n == nil || n.Kind != yaml.ScalarNode || yamledit.IsNull(n) {
		return nil
	}
	return n
}
