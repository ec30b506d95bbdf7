package expand

import (
	"cmp"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// followSource makes a member a replica Cluster, or, while it takes writes, one
// that was promoted.
func followSource(m *member) error {
	if m.Source.Cluster != "" {
		replica := yamledit.Map("enabled", yamledit.Bool(m.Follows()), "source", m.Source.Cluster)
		if m.Token != "" {
			yamledit.Set(replica, "promotionToken", yamledit.String(m.Token))
		}
		yamledit.Set(m.spec(), "replica", replica)
	}
	return nil
}

// cloneFromSource bootstraps a member by pg_basebackup, and by nothing else: the
// operator refuses a second method. Because of the secret, the application's
// password stays the same after a promotion.
//
// A living primary keeps the bootstrap that it has, which counts at its creation
// only. The operator's webhook adds an initdb where there is none, and as nobody
// who applies manifests owns that one, a second method beside it would be refused.
func cloneFromSource(m *member) error {
	if !m.Cloned {
		return nil
	}
	database, owner, secret := "app", "", m.pair.Primary.Name+"-app"
	for _, method := range []string{"initdb", "recovery", "pg_basebackup"} {
		path := "spec.bootstrap." + method
		if _, err := yamledit.MappingAt(m.tree, path); err != nil {
			return err
		}
		for _, value := range []struct {
			key  string
			into *string
		}{{"database", &database}, {"owner", &owner}, {"secret.name", &secret}} {
			own, err := yamledit.StringAt(m.tree, path+"."+value.key)
			if err != nil {
				return err
			}
			*value.into = cmp.Or(own, *value.into)
		}
	}
	yamledit.Set(m.spec(), "bootstrap", yamledit.Map("pg_basebackup", yamledit.Map(
		"source", m.Source.Cluster, "database", database, "owner", cmp.Or(owner, database), "secret", yamledit.Map("name", secret))))
	return nil
}

// DatabaseOf is the database of the application of a Cluster.
func DatabaseOf(cluster *yaml.Node) string {
	database := "app"
	for _, method := range []string{"initdb", "recovery", "pg_basebackup"} {
		own, _ := yamledit.StringAt(cluster, "spec.bootstrap."+method+".database")
		database = cmp.Or(own, database)
	}
	return database
}

// connectToSource adds the external cluster that stands for the source, with its
// archive: a standby of another Cluster has no replication slot, and what its source
// has recycled while it was away is there only. An
// external cluster of the chart's own with that name served a bootstrap that the
// member does not have, and gives way: CNPG refuses two with one name.
func connectToSource(m *member) error {
	if m.Source.Cluster == "" {
		return nil
	}
	entries, err := yamledit.MappingsAt(m.tree, "spec.externalClusters")
	if err != nil {
		return err
	}
	own := make(map[string]string)
	for _, key := range []string{"serverTLSSecret", "serverCASecret", "replicationTLSSecret"} {
		if own[key], err = yamledit.StringAt(m.tree, "spec.certificates."+key); err != nil {
			return err
		}
	}
	sslmode := "verify-full"
	if own["serverTLSSecret"] != "" {
		sslmode = "verify-ca" // that certificate need not name the mesh Service
	}
	ca := cmp.Or(own["serverCASecret"], m.Source.Cluster+"-ca")
	client := cmp.Or(own["replicationTLSSecret"], m.Source.Cluster+"-replication")
	source := yamledit.Map(
		"name", m.Source.Cluster,
		"connectionParameters", yamledit.Map(
			"host", m.Source.Host,
			"port", "5432",
			"user", "streaming_replica",
			"dbname", "postgres",
			"sslmode", sslmode,
			"tcp_user_timeout", "5000", // without it, the link is back 135 s after the primary's Pod was replaced
		),
		"sslKey", yamledit.Map("name", client, "key", "tls.key"),
		"sslCert", yamledit.Map("name", client, "key", "tls.crt"),
		"sslRootCert", yamledit.Map("name", ca, "key", "ca.crt"),
	)
	archive, err := ArchiveOf(m.tree)
	if err != nil {
		return err
	}
	archive.addTo(source, m.pair.SourceOf(m.Member))
	taken := slices.IndexFunc(entries, func(e *yaml.Node) bool {
		name := yamledit.Get(e, "name")
		return !yamledit.IsNull(name) && name.Value == m.Source.Cluster
	})
	if taken >= 0 {
		entries[taken] = source
	} else {
		yamledit.Append(m.tree, "spec.externalClusters", source)
	}
	return nil
}

// shareSuperuser gives the replica the primary's superuser secret, so that the
// password stays the same after a promotion.
func shareSuperuser(m *member) error {
	if !m.isReplica() {
		return nil
	}
	enabled, err := yamledit.At(m.tree, "spec.enableSuperuserAccess")
	if err != nil {
		return err
	}
	secret, err := yamledit.MappingAt(m.tree, "spec.superuserSecret")
	if err == nil && yamledit.IsTrue(enabled) && secret == nil {
		yamledit.Set(m.spec(), "superuserSecret", yamledit.Map("name", m.pair.Primary.Name+"-superuser"))
	}
	return err
}

const (
	// PathServerTLSSecret is where a Cluster names a server certificate of the chart's own.
	PathServerTLSSecret = "spec.certificates.serverTLSSecret"
	// PathInstances is how many PostgreSQL servers a Cluster has, 1 where it says nothing.
	PathInstances = "spec.instances"
	// PathSynchronous is where a Cluster says which standbys its commits wait for.
	PathSynchronous = "spec.postgresql.synchronous"
	// PathSynchronousCommit says how long a commit waits.
	PathSynchronousCommit = "spec.postgresql.parameters.synchronous_commit"
)

// replicateSynchronously makes every commit of a member wait until its standby has it.
// The standby's name is that of its Cluster: with a Pod's, every commit hangs.
//
// Of a member with more instances than one, the operator promotes another one when the
// first fails. That one must have each commit too, or rows are lost, and the standby,
// which has them, cannot follow. So each commit waits for one of them as well, and the
// operator promotes none that may lack one.
func replicateSynchronously(m *member) error {
	if m.Standby == "" {
		return nil
	}
	instances, err := yamledit.IntAt(m.tree, PathInstances, 1)
	if err != nil {
		return err
	}
	others := max(instances-1, 0)
	synchronous := yamledit.Map(
		"method", "first",
		"number", yamledit.Int(min(others, 1)+1),
		"dataDurability", "required",
		"maxStandbyNamesFromCluster", yamledit.Int(others),
		"standbyNamesPre", yamledit.List(yamledit.String(m.Standby)),
	)
	if others > 0 {
		yamledit.Set(synchronous, "failoverQuorum", yamledit.Bool(true))
	}
	yamledit.Set(yamledit.MakeMapping(m.tree, "spec.postgresql"), "synchronous", synchronous)
	return nil
}
