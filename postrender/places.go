package postrender

import (
	"slices"

	"github.com/openova-io/helm-cnpg-pair/internal/follow"
	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// findPlaces finds the places of a stream that lead applications to the Clusters that
// are paired. It takes the documents that have some into the stream.
func (s *selection) findPlaces(stream *manifest.Stream) []follow.Place {
	var clusters []*follow.Cluster
	for _, c := range s.candidates {
		if c.decision.Action == Paired {
			clusters = append(clusters, &follow.Cluster{Object: c.Object, Pair: c.Pair, Secret: appSecretOf(c)})
			c.Park()
		}
	}
	if len(clusters) == 0 {
		return nil
	}
	finder := follow.NewFinder(clusters)
	stream.Include(finder.MayFind)
	var places []follow.Place
	for _, o := range stream.Objects {
		for _, p := range finder.Find(o) {
			if p.Cluster.Object != o {
				places = append(places, p)
			}
		}
		o.Park()
	}
	return places
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
// writes, while the other one does.
func strayPlaces(places []follow.Place) []remark {
	var all []remark
	for _, p := range places {
		pair := p.Cluster.Pair
		if p.Leads == follow.Writes && pair.Replica.Writes {
			all = append(all, remark{p.Object, message.New(message.LeadsToPrimary, "path", p.Path, "name", p.Name, "primary", pair.Primary.Name,
				"replica", pair.Replica.Name, "address", pair.WriteAddress), p.Line})
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
}

// addPlaces writes the places into the plans of their Clusters.
func (p *processed) addPlaces(places []follow.Place) {
	of := make(map[*manifest.Object][]Place)
	for _, place := range places {
		of[place.Cluster.Object] = append(of[place.Cluster.Object], Place{
			Source: place.Object.Source.Name, Line: max(place.Line, place.Object.Line), Object: place.Object.Title(), Path: place.Path,
			Kind: string(place.Kind), Name: place.Name, Key: place.Key, LeadsTo: string(place.Leads),
		})
	}
	for i, c := range p.selection.candidates {
		if plan := p.result.Decisions[i].Plan; plan != nil {
			plan.Places = append([]Place{}, of[c.Object]...)
		}
	}
}
