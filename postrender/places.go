package postrender

import (
	"slices"

	"github.com/openova-io/helm-cnpg-pair/internal/expand"
	"github.com/openova-io/helm-cnpg-pair/internal/follow"
	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/internal/serving"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// places are those of a stream that lead applications to the Clusters that are paired.
type places struct {
	all     []follow.Place
	finder  *follow.Finder
	poolers serving.Poolers
	follows map[*manifest.Object]bool // in which something changes
}

// findPlaces finds the places, and takes the documents that have some into the stream.
func (s *selection) findPlaces(stream *manifest.Stream) places {
	found := places{follows: make(map[*manifest.Object]bool)}
	var clusters []*follow.Cluster
	for _, c := range s.candidates {
		if c.decision.Action == Paired {
			clusters = append(clusters, &follow.Cluster{Object: c.Object, Pair: c.Pair, Secret: appSecretOf(c), Database: expand.DatabaseOf(c.Tree())})
			c.Park()
		}
	}
	if len(clusters) == 0 {
		return found
	}
	found.poolers = s.findPoolers(stream)
	found.finder = follow.NewFinder(clusters, found.poolers.All())
	stream.Include(found.finder.MayFind)
	for _, o := range stream.Objects {
		of := found.of(o)
		if s.topology.Follow && !s.servants.Serves(o) && !found.poolers.HasTwin(o) { // of which a copy is made
			found.follows[o] = len(found.finder.Follow(of)) > 0
		}
		for i := range of {
			of[i].Forget()
		}
		found.all = append(found.all, of...)
		o.Park()
	}
	return found
}

// of returns the places of an object, without those that name the object itself.
func (p places) of(o *manifest.Object) []follow.Place {
	return slices.DeleteFunc(p.finder.Find(o), func(place follow.Place) bool { return place.Cluster.Object == o })
}

// appSecretOf is the secret in which the operator writes how to connect to a Cluster;
// empty where the chart brings one, into which the operator writes nothing.
func appSecretOf(c *candidate) string {
	for _, method := range []string{"initdb", "recovery", "pg_basebackup"} {
		if name, _ := yamledit.StringAt(c.Tree(), "spec.bootstrap."+method+".secret.name"); name != "" {
			return ""
		}
	}
	return c.Name + "-app"
}

// strays tells whether a pair has another writer than the primary, so that places may
// lead applications astray.
func (s *selection) strays() bool {
	return slices.ContainsFunc(s.candidates, func(c *candidate) bool { return c.decision.Action == Paired && c.Pair.Replica.Writes })
}

// strayPlaces are remarks about the places that lead to a member which does not take
// writes, while the other one does; and, where places shall follow, about those that
// cannot.
func (s *selection) strayPlaces(found places) []remark {
	var all []remark
	for _, p := range found.all {
		pair := p.Cluster.Pair
		switch {
		case p.Leads != follow.Writes || p.Becomes != "":
		case len(pair.Absent()) > 0 && !p.OfPooler(): // X-rw leads to who takes writes there
		case s.topology.Follow:
			all = append(all, remark{p.Object, message.New(message.CannotFollow,
				"path", p.Path, "name", p.Name, "primary", pair.Primary.Name, "address", p.Address()), p.Line})
		case pair.Replica.Writes:
			all = append(all, remark{p.Object, message.New(message.LeadsToPrimary,
				"path", p.Path, "name", p.Name, "primary", pair.Primary.Name, "replica", pair.Replica.Name, "address", p.Address()), p.Line})
		}
	}
	return all
}

// Place is a place of the stream that names a Service of a Cluster, or the secret in
// which the operator writes the name of one.
type Place struct {
	Source string `json:"source"`
	Line   int    `json:"line"`
	Object string `json:"object"` // as in "Deployment blog/web"
	Path   string `json:"path"`   // of the value in the object

	// Kind is how it is named: host, secret-key, secret-env, secret-volume, secret-name
	// or pooler. Name is as it is written, and Key the key of the secret.
	Kind string `json:"kind"`
	Name string `json:"name"`
	Key  string `json:"key,omitempty"`

	// LeadsTo is what it leads to: writes, the instance of the primary that takes them;
	// reads, instances of the primary; or login, what is the same for both members.
	LeadsTo string `json:"leadsTo"`

	// Becomes is the write address, or the Service for a Pooler and its copy, where
	// Config.Follow makes it follow.
	Becomes string `json:"becomes,omitempty"`
}

// addPlaces writes the places into the plans of their Clusters.
func (p *processed) addPlaces(found places) {
	of := make(map[*manifest.Object][]Place)
	for _, place := range found.all {
		of[place.Cluster.Object] = append(of[place.Cluster.Object], Place{
			Source: place.Object.Source.Name, Line: max(place.Line, place.Object.Line), Object: place.Object.Title(), Path: place.Path,
			Kind: string(place.Kind), Name: place.Name, Key: place.Key, LeadsTo: string(place.Leads), Becomes: place.Becomes,
		})
	}
	for i, c := range p.selection.candidates {
		if plan := p.result.Decisions[i].Plan; plan != nil {
			plan.Places = append([]Place{}, of[c.Object]...)
		}
	}
}
