package postrender

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
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

// plan tells of the change that is made to the Cluster.
func (c *cluster) plan(cfg Config, made change) *Plan {
	return &Plan{c.halves(cfg), c.needs(cfg, made.inPlace), c.differences(cfg), c.effects(cfg)}
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

// needs are what must be there for the half, or the halves, that stand in the
// place of the Cluster.
func (c *cluster) needs(cfg Config, inPlace *yaml.Node) []string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	for _, half := range c.halves(cfg) {
		if half.Rendered && half.Nodes != "" {
			say("nodes with the label %s, with room and volumes for %s", half.Nodes, c.size())
		}
	}
	var secrets []string
	other := "the replica"
	switch cfg.Side {
	case SideBoth:
		say("a network in which the Pods of both regions reach each other on port 5432")
		say("no secrets: the operator makes those of both halves, which stand in one Kubernetes cluster")
		return all
	case SideReplica:
		other = "the primary"
		secrets = append(secretsOfSource(inPlace, c.name), secretsOfRoles(inPlace)...)
	case SidePrimary:
		secrets = slices.DeleteFunc(secretsOfSource(inPlace, c.replica), c.isOfChart)
	}
	if len(secrets) == 0 {
		say("this Kubernetes cluster must hold the operator, and a mesh with that of %s", other)
	} else {
		say("this Kubernetes cluster must hold the operator, a mesh with that of %s, and copies of its secrets %s, in the same namespace and without owner references", other, enumerate(secrets))
	}
	return all
}

// secretsOfSource are those by which a half connects to the other one.
func secretsOfSource(half *yaml.Node, source string) []string {
	var all []string
	entries, _ := mappingsAt(half, "spec.externalClusters")
	for _, entry := range entries {
		if scalar(entry, "name") == source {
			for _, key := range []string{"sslKey", "sslRootCert"} {
				all = append(all, scalar(get(entry, key), "name"))
			}
		}
	}
	return all
}

// secretsOfRoles are those with the passwords of a half's roles.
func secretsOfRoles(half *yaml.Node) []string {
	var all []string
	for _, path := range []string{"spec.bootstrap.pg_basebackup.secret.name", "spec.superuserSecret.name"} {
		if name, _ := stringAt(half, path); name != "" {
			all = append(all, name)
		}
	}
	return all
}

// isOfChart is true for a certificate's secret that the chart itself names, and
// that is there as far as the Cluster is.
func (c *cluster) isOfChart(secret string) bool {
	certificates, _ := mappingAt(c.tree, "spec.certificates")
	return certificates != nil && slices.ContainsFunc(certificates.Content, func(n *yaml.Node) bool { return n.Value == secret })
}

func enumerate(words []string) string {
	if last := len(words) - 1; last > 0 {
		return strings.Join(words[:last], ", ") + " and " + words[last]
	}
	return words[0]
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
		on := c.replica
		if own := c.synchronousCommit(); own != "" {
			on += ", as far as synchronous_commit says: " + own
		}
		all = append(all, Difference{"commits wait for", "what the chart says", on})
	}
	if c.pinsPrimary() && cfg.Side != SideReplica {
		all = append(all, Difference{"Pod of the primary", "restarts on the way here", "restarts on the way here"})
	}
	return all
}
