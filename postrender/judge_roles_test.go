// This file must not import internal/, nor use more of package postrender than its settings and
// results: see TestIndependent.

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
	moved := c.Active == "none" || c.Active == "replica" || c.PromotionToken != "" || c.Failover == "now"
	if moved {
		for _, o := range []values{primary, replica} {
			active := string(c.Active)
			if active == "" {
				active = "primary"
			}
			annotate(o, "cnpg-pair.openova.io/active", active)
			if c.Failover == "now" {
				annotate(o, "cnpg-pair.openova.io/failover", "now")
			}
		}
	}
	if c.Active == "replica" || c.Active == "none" {
		annotate(replica, "helm.sh/resource-policy", "keep")
	}
	sync := func(o values, standby string) {
		postgresql := child(child(o, "spec"), "postgresql")
		synchronous := values{
			"method": "first", "number": 1, "dataDurability": "required",
			"maxStandbyNamesFromCluster": 0, "standbyNamesPre": []any{standby},
		}
		if instances, _ := at(in, "spec", "instances").(int); instances > 1 {
			synchronous["number"], synchronous["maxStandbyNamesFromCluster"], synchronous["failoverQuorum"] = 2, instances-1, true
		}
		postgresql["synchronous"] = synchronous
	}
	if moved {
		mirrorOnto(primary, in, replicaName, c.Clone == "primary")
		if at(in, "spec", "primaryUpdateMethod") == nil {
			child(primary, "spec")["primaryUpdateMethod"] = "restart"
		}
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
	active, passive, passiveName := primary, replica, replicaName
	if c.Active == "replica" {
		active, passive, passiveName = replica, primary, name
	}
	if moved && c.Active != "none" {
		child(child(active, "spec"), "replica")["enabled"] = false
		if c.PromotionToken != "" {
			child(child(active, "spec"), "replica")["promotionToken"] = token
		}
	}
	if c.Failover == "now" {
		annotate(passive, "cnpg.io/fencedInstances", fenced)
	}
	if c.Replication == "sync" && c.Active != "none" && c.Failover != "now" {
		sync(active, passiveName)
	}
	wantArchives(c, in, primary, replica)
	address := wantWriteAddress(c, in, moved, name+"-active")
	switch c.Side {
	case "primary":
		inherited := child(child(child(primary, "spec"), "inheritedMetadata"), "annotations")
		affinity := "local"
		if c.Active == "replica" {
			affinity = "remote"
		}
		for key, value := range map[string]string{"service.cilium.io/global": "true", "service.cilium.io/affinity": affinity} {
			if inherited[key] == nil {
				inherited[key] = value
			}
		}
		if moved {
			return []values{primary, wantStub(in, replicaName+"-mesh"), address}
		}
		return []values{primary, address}
	case "replica", "secondary":
		addDNSNames(replica, name+"-rw", name+"-ro", name+"-r")
		made := []values{replica, wantStub(in, name+"-mesh")}
		return append(append(made, wantNamesOfPrimary(c, in, moved)...), address)
	}
	return []values{primary, replica, address}
}

// wantNamesOfPrimary are X-rw, X-ro and X-r where the operator of X is not.
func wantNamesOfPrimary(c postrender.Config, in values, moved bool) []values {
	name := text(in, "metadata", "name")
	rw := wantWriteAddress(c, in, moved, name+"-rw")
	if c.Active == "none" {
		annotations := child(child(rw, "metadata"), "annotations")
		delete(annotations, "service.cilium.io/global")
		delete(annotations, "service.cilium.io/affinity")
	}
	made := []values{rw}
	for _, suffix := range []string{"-ro", "-r"} {
		o := wantStub(in, name+suffix)
		metadata := child(o, "metadata")
		annotations := child(metadata, "annotations")
		delete(annotations, "service.cilium.io/global")
		delete(annotations, "service.cilium.io/affinity")
		if c.Active == "none" || c.Active == "replica" {
			annotations["helm.sh/resource-policy"] = "keep"
		}
		if len(annotations) == 0 {
			delete(metadata, "annotations")
		}
		metadata["labels"] = values{"catalyst.openova.io/cnpg-pair": name, "catalyst.openova.io/role": "read-address"}
		selector := values{"cnpg.io/cluster": wantReplicaName(name), "cnpg.io/podRole": "instance"}
		if suffix == "-ro" && c.Active == "replica" { // CNPG's own X-ro selects these
			selector = values{"cnpg.io/cluster": wantReplicaName(name), "cnpg.io/instanceRole": "replica"}
		}
		child(o, "spec")["selector"] = selector
		made = append(made, o)
	}
	return made
}

// wantWriteAddress is the Service by which applications reach the member that takes
// writes: on each side it selects the same Pods, and none while no member does.
func wantWriteAddress(c postrender.Config, in values, moved bool, service string) values {
	name := text(in, "metadata", "name")
	o := wantStub(in, service)
	labels := values{"catalyst.openova.io/cnpg-pair": name, "catalyst.openova.io/role": "write-address"}
	metadata, spec := child(o, "metadata"), child(o, "spec")
	metadata["labels"], spec["selector"] = labels, deepCopy(labels)
	switch c.Active {
	case "", "primary":
		spec["selector"] = values{"cnpg.io/cluster": name, "cnpg.io/instanceRole": "primary"}
	case "replica":
		spec["selector"] = values{"cnpg.io/cluster": wantReplicaName(name), "cnpg.io/instanceRole": "primary"}
	}
	annotations := child(metadata, "annotations")
	if c.Side == "" || c.Side == "both" {
		delete(annotations, "service.cilium.io/global")
		delete(annotations, "service.cilium.io/affinity")
	}
	if moved {
		annotations["cnpg-pair.openova.io/active"] = "primary"
		if c.Active != "" {
			annotations["cnpg-pair.openova.io/active"] = string(c.Active)
		}
	}
	if c.Active == "none" || c.Active == "replica" {
		annotations["helm.sh/resource-policy"] = "keep"
	}
	if len(annotations) == 0 {
		delete(metadata, "annotations")
	}
	return o
}

// mirrorOnto makes the primary follow its replica: what wantReplica makes of a
// Cluster by the replica's name, whose secrets are the replica's. Only a clone gets
// a bootstrap.
func mirrorOnto(primary, in values, replicaName string, clone bool) {
	spec := child(primary, "spec")
	other := deepCopy(in).(values)
	child(other, "metadata")["name"] = replicaName
	follower := wantReplica(other)
	spec["replica"] = at(follower, "spec", "replica")
	spec["externalClusters"] = at(follower, "spec", "externalClusters")
	if !clone {
		return
	}
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
	random := rand.New(rand.NewPCG(seed, 23)) // not those of generate, or some streams would never meet some settings
	if random.IntN(2) == 0 {
		return c
	}
	pick := func(words ...string) string { return words[random.IntN(len(words))] }
	c.Side = postrender.Side(pick("", "both", "primary", "replica", "secondary"))
	c.Replication = postrender.Replication(pick("", "async", "sync"))
	c.Active = postrender.Active(pick("", "primary", "none", "replica"))
	switch { // what must be said about the active member
	case c.Active == "none":
	case c.Active == "replica" || random.IntN(3) == 0:
		if random.IntN(2) == 0 {
			c.PromotionToken = token
		} else {
			c.Failover = postrender.Failover(pick("now", "done"))
		}
	}
	switch {
	case c.Active == "none" || random.IntN(2) == 0:
	case c.Active == "replica":
		c.Clone = "primary"
	default:
		c.Clone = "replica"
	}
	if random.IntN(3) == 0 {
		c.WALKeepSize = pick("2GB", "512MB", "4096")
	}
	c.Follow = random.IntN(2) == 0
	return c
}

// token is a demotion token as the operator writes one.
const token = "eyJsYXRlc3RDaGVja3BvaW50VGltZWxpbmVJRCI6IjIiLCJyZWRvV2FsRmlsZSI6IjAwMDAwMDAyMDAwMDAwMDAwMDAwMDAwOSIsImRhdGFiYXNlU3lzdGVtSWRlbnRpZmllciI6Ijc1NzY1MTQ0NzE3MTE1NTc2NTMiLCJsYXRlc3RDaGVja3BvaW50UkVET0xvY2F0aW9uIjoiMC85MDAwMDI4IiwidGltZU9mTGF0ZXN0Q2hlY2twb2ludCI6IkZyaSBOb3YgMjcgMTY6MDA6MDAgMjAyNiIsIm9wZXJhdG9yVmVyc2lvbiI6IjEuMzAuMCJ9"

// matrix is every combination of settings that may be asked for.
func matrix() []postrender.Config {
	var all []postrender.Config
	for _, side := range []postrender.Side{"", "primary", "replica"} {
		for _, replication := range []postrender.Replication{"", "sync"} {
			for _, step := range []postrender.Config{
				{},
				{Active: "none"},
				{Active: "replica", PromotionToken: token},
				{Active: "replica", Failover: "now"},
				{Active: "replica", Failover: "done"},
				{Active: "replica", Failover: "done", Clone: "primary"},
				{PromotionToken: token},
				{Failover: "now"},
				{Failover: "done", Clone: "replica"},
				{ArchiveGeneration: "blog-db-replica=2", WALKeepSize: "2GB"},
				{Active: "replica", Failover: "done", Clone: "primary", ArchiveGeneration: "blog-db=20261128093000, blog-db-replica=1,", WALKeepSize: "1024"},
			} {
				c := cfg
				c.PeerClusters = []string{farCluster}
				c.Side, c.Replication = side, replication
				c.Active, c.PromotionToken, c.Failover, c.Clone = step.Active, step.PromotionToken, step.Failover, step.Clone
				c.ArchiveGeneration, c.WALKeepSize = step.ArchiveGeneration, step.WALKeepSize
				all = append(all, c)
			}
		}
	}
	return all
}
