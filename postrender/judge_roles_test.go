package postrender_test

import (
	"math/rand/v2"
	"strings"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// The pair for each side, with synchronous replication, and whoever is active, as
// docs/reference.md says it, written down a second time.

// wantPair returns what must stand where the Cluster stood.
func wantPair(c postrender.Config, in values) []values {
	name := text(in, "metadata", "name")
	primary, replica := wantPrimary(in), wantReplica(in)
	if text(in, "metadata", "annotations", "cnpg-pair.openova.io/pin") == "replica" {
		unpinned := deepCopy(in).(values)
		if affinity := at(unpinned, "spec", "affinity"); affinity != nil {
			child(primary, "spec")["affinity"] = affinity
		} else {
			delete(child(primary, "spec"), "affinity")
		}
	}
	replicaName := text(replica, "metadata", "name")
	annotate := func(o values, key, value string) { child(child(o, "metadata"), "annotations")[key] = value }
	const fenced = `["*"]`
	if c.Active == "replica" {
		child(child(replica, "spec"), "replica")["enabled"] = false
	}
	if c.Active == "replica" || c.Rejoin {
		annotate(replica, "helm.sh/resource-policy", "keep")
	}
	sync := func(o values, standby string) {
		postgresql := child(child(o, "spec"), "postgresql")
		postgresql["synchronous"] = values{
			"method": "first", "number": 1, "dataDurability": "required",
			"maxStandbyNamesFromCluster": 0, "standbyNamesPre": []any{standby},
		}
		if parameters := child(postgresql, "parameters"); parameters["synchronous_commit"] == nil {
			parameters["synchronous_commit"] = "remote_apply"
		}
	}
	moved := c.Active == "none" || c.Active == "replica"
	if moved {
		mirrorOnto(primary, in, replicaName)
		managed := child(child(child(replica, "spec"), "managed"), "services")
		managed["additional"] = []any{values{
			"selectorType": "rw",
			"serviceTemplate": values{
				"metadata": values{
					"name":        replicaName + "-mesh",
					"annotations": values{"service.cilium.io/global": "true", "service.cilium.io/affinity": "local"},
					"labels":      values{"catalyst.openova.io/cnpg-pair": name, "catalyst.openova.io/role": "replication-source"},
				},
				"spec": values{"type": "ClusterIP"},
			},
		}}
	}
	switch {
	case moved && !c.Rejoin:
		annotate(primary, "cnpg.io/fencedInstances", fenced)
	case moved && c.Active == "none":
		annotate(replica, "cnpg.io/fencedInstances", fenced)
	}
	switch { // nobody waits for a standby that there is none of
	case c.Replication == "sync" && !moved:
		sync(primary, replicaName)
	case c.Replication == "sync" && c.Active == "replica" && c.Rejoin:
		sync(replica, name)
	}
	switch c.Side {
	case "primary":
		if moved {
			return []values{primary, wantStub(in, replicaName+"-mesh")}
		}
		return []values{primary}
	case "replica", "secondary":
		return []values{replica, wantStub(in, name+"-mesh")}
	}
	return []values{primary, replica}
}

// mirrorOnto makes the primary follow its replica: what wantReplica makes of a
// Cluster by the replica's name, whose secrets are the replica's.
func mirrorOnto(primary, in values, replicaName string) {
	spec := child(primary, "spec")
	other := deepCopy(in).(values)
	child(other, "metadata")["name"] = replicaName
	follower := wantReplica(other)
	spec["replica"] = at(follower, "spec", "replica")
	spec["externalClusters"] = at(follower, "spec", "externalClusters")
	bootstrap := at(wantReplica(in), "spec", "bootstrap").(values)
	bootstrap["pg_basebackup"].(values)["source"] = replicaName
	spec["bootstrap"] = bootstrap
}

func wantStub(in values, name string) values {
	labels := func() values {
		return values{"catalyst.openova.io/cnpg-pair": text(in, "metadata", "name"), "catalyst.openova.io/role": "replication-source"}
	}
	annotations := values{"service.cilium.io/global": "true", "service.cilium.io/affinity": "local"}
	own, _ := at(in, "metadata", "annotations").(values)
	for key, value := range own {
		if strings.HasPrefix(key, "helm.sh/") || strings.HasPrefix(key, "postrenderer.helm.sh/") {
			annotations[key] = value
		}
	}
	metadata := values{"name": name, "labels": labels(), "annotations": annotations}
	if namespace := text(in, "metadata", "namespace"); namespace != "" {
		metadata["namespace"] = namespace
	}
	return values{
		"apiVersion": "v1", "kind": "Service", "metadata": metadata,
		"spec": values{
			"type": "ClusterIP", "selector": labels(),
			"ports": []any{values{"name": "postgres", "protocol": "TCP", "port": 5432, "targetPort": 5432}},
		},
	}
}

// settings are those of hot standby and, one time in two, others beside them.
func settings(seed uint64) postrender.Config {
	c := cfg
	c.PeerClusters = []string{farCluster}
	random := rand.New(rand.NewPCG(seed, 7))
	if random.IntN(2) == 0 {
		return c
	}
	pick := func(words ...string) string { return words[random.IntN(len(words))] }
	c.Side = postrender.Side(pick("", "both", "primary", "replica", "secondary"))
	c.Replication = postrender.Replication(pick("", "async", "sync"))
	c.Active = postrender.Active(pick("", "primary", "none", "replica"))
	c.Rejoin = c.Active != "" && c.Active != "primary" && random.IntN(2) == 0
	return c
}

// matrix is every combination of settings that may be asked for.
func matrix() []postrender.Config {
	var all []postrender.Config
	for _, side := range []postrender.Side{"", "primary", "replica"} {
		for _, replication := range []postrender.Replication{"", "sync"} {
			for _, active := range []postrender.Active{"", "none", "replica"} {
				for _, rejoin := range []bool{false, true} {
					if rejoin && active == "" {
						continue
					}
					c := cfg
					c.PeerClusters = []string{farCluster}
					c.Side, c.Replication, c.Active, c.Rejoin = side, replication, active, rejoin
					all = append(all, c)
				}
			}
		}
	}
	return all
}
