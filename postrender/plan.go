package postrender

import (
	"cmp"
	"fmt"
	"strings"
)

// Half is one Cluster of a pair.
type Half struct {
	Name     string `json:"name"`
	Region   string `json:"region"`
	Nodes    string `json:"nodes"`    // the label of the nodes that its Pods ask for; empty means any
	Rendered bool   `json:"rendered"` // on this side; the other half stands in the other Kubernetes cluster
	Role     string `json:"role"`     // in words
}

// Difference is what one thing of a living release is with hot standby off, and
// what with hot standby on.
type Difference struct {
	What string `json:"what"`
	Off  string `json:"off"`
	On   string `json:"on"`
}

// Plan is what becomes of a Cluster that is paired, for people.
type Plan struct {
	Halves []Half `json:"halves"`

	// Needs are what must be there and no chart renders, in sentences.
	Needs []string `json:"needs"`

	// Differences are what the knob changes, when it is turned on or off. There are
	// none while another half than the primary is active: it cannot be turned then.
	Differences []Difference `json:"differences,omitempty"`

	// Effects are what this does to a release that is living already, and what to
	// do or to wait for, in sentences.
	Effects []string `json:"effects"`
}

func (c *cluster) plan(cfg Config) *Plan {
	return &Plan{c.halves(cfg), c.needs(cfg), c.differences(cfg), c.effects(cfg)}
}

func (c *cluster) halves(cfg Config) []Half {
	nodes := func(region string) string { return cfg.RegionKey + "=" + region }
	follows := func(source, mesh string) string { return fmt.Sprintf("follows %s by %s:5432", source, mesh) }
	primary := Half{c.name, cfg.PrimaryRegion, nodes(cfg.PrimaryRegion), cfg.Side != SideReplica, "takes writes"}
	replica := Half{c.replica, cfg.ReplicaRegion, nodes(cfg.ReplicaRegion), cfg.Side != SidePrimary, follows(c.name, c.mesh)}
	if !c.pinsPrimary() {
		primary.Nodes = ""
	}
	if cfg.Active != ActivePrimary {
		primary.Role = follows(c.replica, MeshName(c.replica))
		if !cfg.Rejoin {
			primary.Role = "fenced; " + primary.Role
		}
	}
	switch {
	case cfg.Active == ActiveReplica:
		replica.Role = "takes writes"
	case cfg.Active == ActiveNone && cfg.Rejoin:
		replica.Role = "fenced; " + replica.Role
	}
	return []Half{primary, replica}
}

func (c *cluster) needs(cfg Config) []string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	for _, half := range c.halves(cfg) {
		if half.Rendered && half.Nodes != "" {
			say("nodes with the label %s, with room and volumes for %s", half.Nodes, c.size())
		}
	}
	if cfg.Side == SideBoth {
		say("a network in which the Pods of both regions reach each other on port 5432")
		say("no secrets: the operator makes those of both halves, which stand in one Kubernetes cluster")
		return all
	}
	other, secrets := "the replica", fmt.Sprintf("%s-replication and %s-ca", c.replica, c.replica)
	if cfg.Side == SideReplica {
		other, secrets = "the primary", fmt.Sprintf("%s-replication, %s-ca and %s-app", c.name, c.name, c.name)
	}
	if cfg.Side == SidePrimary && cfg.Active == ActivePrimary {
		say("this Kubernetes cluster must hold the operator, and a mesh with that of %s", other)
	} else {
		say("this Kubernetes cluster must hold the operator, a mesh with that of %s, and copies of its secrets %s, in the same namespace and without owner references", other, secrets)
	}
	return all
}

// size is what one half takes.
func (c *cluster) size() string {
	instances, _ := stringAt(c.tree, "spec.instances")
	storage, _ := stringAt(c.tree, "spec.storage.size")
	size := instances + " instances"
	if cmp.Or(instances, "1") == "1" {
		size = "one instance"
	}
	if storage != "" {
		size += " of " + storage
	}
	return size
}

func (c *cluster) differences(cfg Config) []Difference {
	if cfg.Active != ActivePrimary {
		return nil
	}
	var here, services, nodes []string
	for _, half := range c.halves(cfg) {
		if half.Rendered {
			here = append(here, half.Name)
			services = append(services, half.Name+"-rw, -ro, -r")
			nodes = append(nodes, fmt.Sprintf("%s: %s", half.Name, cmp.Or(half.Nodes, "any")))
		}
	}
	all := []Difference{
		{"Clusters", c.name, strings.Join(here, ", ")},
		{"each with", c.size(), c.size()},
		{"nodes", "as the chart says", strings.Join(nodes, "; ")},
		{"Services", c.name + "-rw, -ro, -r", strings.Join(append(services, c.mesh), "; ")},
	}
	if cfg.Replication == Sync && cfg.Side != SideReplica {
		all = append(all, Difference{"commits wait for", "what the chart says", c.replica})
	}
	if c.pinsPrimary() && cfg.Side != SideReplica {
		all = append(all, Difference{"Pod of the primary", "restarts on the way here", "restarts on the way here"})
	}
	return all
}
