package serving

import (
	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/expand"
	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/topology"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// Poolers are those of a stream whose Clusters are paired. A Pooler cannot be pointed to
// another Cluster, so one through which applications write gets a twin for the replica,
// and the two a Service, where applications shall follow.
type Poolers struct {
	all       []*manifest.Pooler // in the order of the stream
	byObject  map[*manifest.Object]*manifest.Pooler
	byCluster map[*manifest.Object][]*manifest.Pooler
}

// FindPoolers takes the documents that have Poolers into a stream, and finds those of
// some Clusters.
func FindPoolers(stream *manifest.Stream, clusters []*manifest.Cluster) Poolers {
	stream.IncludeKinds("Pooler")
	s := Servants{clusters: byName(clusters)}
	p := Poolers{nil, make(map[*manifest.Object]*manifest.Pooler), make(map[*manifest.Object][]*manifest.Pooler)}
	for _, o := range stream.Objects {
		if o.Kind != "Pooler" || o.Group() != manifest.Group {
			continue
		}
		if c := s.clusterOf(o, clusterNamed(o.Tree())); c != nil {
			kind, _ := yamledit.StringAt(o.Tree(), "spec.type")
			pooler := &manifest.Pooler{Object: o, Cluster: c, Writes: kind == "" || kind == "rw"}
			p.all = append(p.all, pooler)
			p.byObject[o] = pooler
			p.byCluster[c.Object] = append(p.byCluster[c.Object], pooler)
		}
		o.Park()
	}
	return p
}

// All returns the Poolers, and Of those of a Cluster.
func (p Poolers) All() []*manifest.Pooler                        { return p.all }
func (p Poolers) Of(cluster *manifest.Object) []*manifest.Pooler { return p.byCluster[cluster] }

// Twin names the twins and the Services of those Poolers for which both names are free.
// claim takes a name in a namespace, and returns false for one that is taken.
func (p Poolers) Twin(claim func(namespace string, names ...string) bool) {
	for _, pooler := range p.all {
		twin, address := topology.ServantName(pooler.Name), topology.PoolerAddress(pooler.Name)
		if pooler.Writes && claim(pooler.Namespace, twin, address) {
			pooler.Twin, pooler.Address = twin, address
		}
	}
}

// HasTwin tells whether an object is a Pooler that gets a twin.
func (p Poolers) HasTwin(o *manifest.Object) bool {
	pooler := p.byObject[o]
	return pooler != nil && pooler.Twin != ""
}

// Change returns what becomes of a Pooler that gets a twin, false for any other object. Its
// error is a [*yamledit.Error], for a field that does not have the shape of its kind.
func (p Poolers) Change(o *manifest.Object) (change yamledit.Change, changes bool, err error) {
	if !p.HasTwin(o) {
		return change, false, nil
	}
	pooler := p.byObject[o]
	if change, err = forMembers(o, pooler.Cluster.Pair, pooler.Twin, clusterNamed, changeTwin(pooler)); err != nil {
		return change, false, err
	}
	change.Added = append(change.Added, yamledit.Added{Tree: expand.PoolerAddress(pooler)})
	return change, true, nil
}

// changeTwin returns what makes a copy of a Pooler the twin: its Pods run in the replica's
// region, and Helm keeps it as it does the replica, whose data applications reach through it.
func changeTwin(pooler *manifest.Pooler) func(*yaml.Node, topology.Member) error {
	return func(tree *yaml.Node, m topology.Member) error {
		if m.Role != topology.Replica {
			return nil
		}
		if err := expand.PlaceTwin(tree, pooler); err != nil || !m.Keep {
			return err
		}
		_, err := yamledit.MappingAt(tree, "metadata.annotations")
		if err == nil {
			yamledit.Set(yamledit.MakeMapping(tree, "metadata.annotations"), expand.AnnotationKeep, yamledit.String("keep"))
		}
		return err
	}
}
