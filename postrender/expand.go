package postrender

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The labels and annotations by which the platform's controllers find a pair.
const (
	labelRole      = "openova.io/cnpg-role"
	labelRegion    = "openova.io/region"
	labelPair      = "catalyst.openova.io/cnpg-pair"
	labelMeshRole  = "catalyst.openova.io/role"
	annotationRole = "catalyst.openova.io/cnpg-pair-role"
	annotationName = "catalyst.openova.io/cnpg-pair-name"

	annotationGlobal   = "service.cilium.io/global"
	annotationAffinity = "service.cilium.io/affinity"
)

const (
	pathTerms      = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
	pathAdditional = "spec.managed.services.additional"
)

// cluster is one CNPG Cluster: its plain tree and what the pair derives from
// its name.
type cluster struct {
	tree            *yaml.Node
	namespace, name string
	replica, mesh   string // the names of the replica and of the mesh Service
}

// title names the Cluster in messages.
func (c *cluster) title() string {
	switch {
	case c.name == "":
		return "Cluster"
	case c.namespace == "":
		return "Cluster " + c.name
	}
	return "Cluster " + c.namespace + "/" + c.name
}

// newCluster reads the identity of a Cluster.
func newCluster(tree *yaml.Node) (*cluster, error) {
	name, err := stringAt(tree, "metadata.name")
	if err != nil {
		return nil, err
	}
	namespace, err := stringAt(tree, "metadata.namespace")
	if err != nil {
		return nil, err
	}
	return &cluster{tree, namespace, name, ReplicaName(name), MeshName(name)}, nil
}

// services are the names of the Services that the operator makes for the
// Cluster as it is.
func (c *cluster) services() ([]string, error) {
	services := []string{c.name + "-rw", c.name + "-ro", c.name + "-r"}
	own, err := mappingsAt(c.tree, pathAdditional)
	for _, entry := range own {
		if name, _ := stringAt(entry, "serviceTemplate.metadata.name"); name != "" {
			services = append(services, name)
		}
	}
	return services, err
}

// primaryTree is the Cluster as the primary of the pair: the Cluster itself
// and what the contract adds to it.
func (c *cluster) primaryTree(cfg Config) (*yaml.Node, error) {
	t := clone(c.tree)
	if err := c.mark(t, "primary", cfg.PrimaryRegion); err != nil {
		return nil, err
	}
	if method, err := at(t, "spec.primaryUpdateMethod"); err != nil {
		return nil, err
	} else if method == nil {
		set(get(t, "spec"), "primaryUpdateMethod", str("switchover"))
	}
	if c.pinsPrimary() {
		if err := pin(t, cfg.RegionKey, cfg.PrimaryRegion, ""); err != nil {
			return nil, err
		}
	}
	if err := c.addMeshService(t); err != nil {
		return nil, err
	}
	if cfg.Replication == Sync && cfg.Active == ActivePrimary {
		if err := waitFor(t, c.replica); err != nil {
			return nil, err
		}
	}
	return t, c.giveUp(cfg, t)
}

// replicaTree is the Cluster's replica: a copy of the Cluster that follows it
// in the other region.
func (c *cluster) replicaTree(cfg Config) (*yaml.Node, error) {
	t := clone(c.tree)
	for _, step := range []func(*yaml.Node) error{
		c.dropLiveFields,
		func(t *yaml.Node) error { return c.mark(t, "replica", cfg.ReplicaRegion) },
		func(t *yaml.Node) error { return pin(t, cfg.RegionKey, cfg.ReplicaRegion, cfg.PrimaryRegion) },
		c.follow,
		c.cloneFromSource,
		c.connectToSource,
		c.shareSuperuser,
		dropAdditionalServices,
		renameBackupServer,
		func(t *yaml.Node) error {
			if cfg.Replication == Sync && cfg.Active == ActiveReplica && cfg.Rejoin {
				return waitFor(t, c.name)
			}
			return nil
		},
		func(t *yaml.Node) error { return c.takeOver(cfg, t) },
	} {
		if err := step(t); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// mark writes the labels and annotations of a half of the pair.
func (c *cluster) mark(t *yaml.Node, role, region string) error {
	for _, path := range []string{"metadata.labels", "metadata.annotations"} {
		if _, err := mappingAt(t, path); err != nil {
			return err
		}
	}
	labels := makeAt(t, "metadata.labels", yaml.MappingNode)
	set(labels, labelRole, str(role))
	set(labels, labelRegion, str(region))
	set(labels, labelPair, str(c.name))
	annotations := makeAt(t, "metadata.annotations", yaml.MappingNode)
	set(annotations, annotationRole, str(role))
	set(annotations, annotationName, str(c.name))
	return nil
}

// pin binds a half to its region: the requirement goes into every term that is
// there, because terms are ORed and a further term would pin nothing. from is
// the primary's region when the half is the replica: where the chart itself
// pins the Cluster there, the replica's copy is moved over.
func pin(t *yaml.Node, key, region, from string) error {
	selector, err := mappingAt(t, "spec.affinity.nodeSelector")
	if err != nil {
		return err
	}
	if value := get(selector, key); from != "" && !isNull(value) && value.Value == from {
		set(selector, key, str(region))
	}
	terms, err := mappingsAt(t, pathTerms)
	if err != nil {
		return err
	}
	requirement := dict("key", key, "operator", "In", "values", list(str(region)))
	if len(terms) == 0 {
		makeAt(t, pathTerms, yaml.SequenceNode).Content = []*yaml.Node{dict("matchExpressions", list(requirement))}
		return nil
	}
	for i, term := range terms {
		expressions, err := mappingsAt(term, "matchExpressions")
		if err != nil {
			return inField(err, fmt.Sprintf("%s[%d]", pathTerms, i))
		}
		if from != "" {
			for j, expression := range expressions {
				if requirementAdmits(expression, key, from) && !requirementAdmits(expression, key, region) {
					expressions[j] = clone(requirement)
				}
			}
		}
		if !slices.ContainsFunc(expressions, func(e *yaml.Node) bool { return same(e, requirement) }) {
			s := makeAt(term, "matchExpressions", yaml.SequenceNode)
			s.Content = append(s.Content, clone(requirement))
		}
	}
	return nil
}

// requirementAdmits tells whether a node selector requirement lets nodes of a
// region through. A requirement on another key lets all through.
func requirementAdmits(requirement *yaml.Node, key, region string) bool {
	if k, _ := stringAt(requirement, "key"); k != key {
		return true
	}
	var listed bool
	if values := get(requirement, "values"); values != nil {
		listed = slices.ContainsFunc(values.Content, func(v *yaml.Node) bool { return v.Value == region })
	}
	switch operator, _ := stringAt(requirement, "operator"); operator {
	case "In":
		return listed
	case "NotIn":
		return !listed
	case "DoesNotExist":
		return false
	}
	return true
}

// addMeshService has the operator make the Service through which the replica
// reaches the primary. It selects the primary (rw): a replica that streams
// from a standby cascades, and can never satisfy synchronous replication.
func (c *cluster) addMeshService(t *yaml.Node) error {
	entries, err := mappingsAt(t, pathAdditional)
	if err != nil {
		return err
	}
	var entry *yaml.Node
	for i, e := range entries {
		name, err := stringAt(e, "serviceTemplate.metadata.name")
		if err != nil {
			return inField(err, fmt.Sprintf("%s[%d]", pathAdditional, i))
		}
		if name == c.mesh {
			entry = e
		}
	}
	if entry == nil {
		entry = dict("selectorType", "rw", "serviceTemplate", dict("metadata", dict("name", c.mesh)))
		s := makeAt(t, pathAdditional, yaml.SequenceNode)
		s.Content = append(s.Content, entry)
	}
	complete(entry, dict(
		"selectorType", "rw",
		"serviceTemplate", dict(
			"metadata", dict(
				"annotations", dict(annotationGlobal, "true", annotationAffinity, "local"),
				"labels", dict(labelPair, c.name, labelMeshRole, "replication-source"),
			),
			"spec", dict("type", "ClusterIP"),
		),
	))
	return nil
}

// complete sets what is missing in a mapping, and changes nothing that is there.
func complete(m, want *yaml.Node) {
	for i := 0; i+1 < len(want.Content); i += 2 {
		key, value := want.Content[i].Value, want.Content[i+1]
		switch own := get(m, key); {
		case isNull(own):
			set(m, key, value)
		case own.Kind == yaml.MappingNode && value.Kind == yaml.MappingNode:
			complete(own, value)
		}
	}
}

// dropLiveFields removes from the copy what belongs to one object of a living
// cluster, for streams that come from kubectl get.
func (c *cluster) dropLiveFields(t *yaml.Node) error {
	metadata, err := mappingAt(t, "metadata")
	if err != nil {
		return err
	}
	if get(metadata, "uid") == nil && get(metadata, "resourceVersion") == nil {
		return nil
	}
	remove(t, "status")
	for _, key := range []string{"uid", "resourceVersion", "managedFields", "generation", "creationTimestamp", "selfLink"} {
		remove(metadata, key)
	}
	if annotations, _ := mappingAt(t, "metadata.annotations"); annotations != nil {
		remove(annotations, "kubectl.kubernetes.io/last-applied-configuration")
		remove(annotations, "argocd.argoproj.io/tracking-id") // by which Argo CD would take the one for the other
	}
	return nil
}

// follow makes the copy a replica Cluster under its own name.
func (c *cluster) follow(t *yaml.Node) error {
	set(get(t, "metadata"), "name", str(c.replica))
	set(get(t, "spec"), "replica", dict("enabled", boolean(true), "source", c.name))
	return nil
}

func (c *cluster) cloneFromSource(t *yaml.Node) error { return c.cloneFrom(t, c.name) }

// cloneFrom has a half bootstrapped by pg_basebackup from the other one, and
// nothing else: the operator refuses a second method. The secret makes the
// application's password survive a promotion.
func (c *cluster) cloneFrom(t *yaml.Node, source string) error {
	database, owner, secret := "app", "", c.name+"-app"
	for _, method := range []string{"initdb", "recovery", "pg_basebackup"} {
		path := "spec.bootstrap." + method
		if _, err := mappingAt(t, path); err != nil {
			return err
		}
		for _, value := range []struct {
			key  string
			into *string
		}{{"database", &database}, {"owner", &owner}, {"secret.name", &secret}} {
			own, err := stringAt(t, path+"."+value.key)
			if err != nil {
				return err
			}
			if own != "" {
				*value.into = own
			}
		}
	}
	if owner == "" {
		owner = database
	}
	set(get(t, "spec"), "bootstrap", dict("pg_basebackup", dict(
		"source", source, "database", database, "owner", owner, "secret", dict("name", secret))))
	return nil
}

// connectToSource adds the external cluster that stands for the primary. An
// external cluster of the chart's own that bears its name served a bootstrap
// that the replica does not have, and gives way: CNPG refuses two of one name.
func (c *cluster) connectToSource(t *yaml.Node) error {
	entries, err := mappingsAt(t, "spec.externalClusters")
	if err != nil {
		return err
	}
	own := make(map[string]string)
	for _, key := range []string{"serverTLSSecret", "serverCASecret", "replicationTLSSecret"} {
		secret, err := stringAt(t, "spec.certificates."+key)
		if err != nil {
			return err
		}
		own[key] = secret
	}
	sslmode := "verify-full"
	if own["serverTLSSecret"] != "" {
		sslmode = "verify-ca" // that certificate need not name the mesh Service
	}
	ca := cmp.Or(own["serverCASecret"], c.name+"-ca")
	client := cmp.Or(own["replicationTLSSecret"], c.name+"-replication")
	source := dict(
		"name", c.name,
		"connectionParameters", dict(
			"host", c.mesh,
			"port", "5432",
			"user", "streaming_replica",
			"dbname", "postgres",
			"sslmode", sslmode,
			"tcp_user_timeout", "5000", // without it, the link is back 135 s after the primary's Pod was replaced
		),
		"sslKey", dict("name", client, "key", "tls.key"),
		"sslCert", dict("name", client, "key", "tls.crt"),
		"sslRootCert", dict("name", ca, "key", "ca.crt"),
	)
	taken := slices.IndexFunc(entries, func(e *yaml.Node) bool {
		name := get(e, "name")
		return !isNull(name) && name.Value == c.name
	})
	if taken >= 0 {
		entries[taken] = source
		return nil
	}
	s := makeAt(t, "spec.externalClusters", yaml.SequenceNode)
	s.Content = append(s.Content, source)
	return nil
}

// shareSuperuser gives the replica the primary's superuser secret, so that the
// password stays after a promotion.
func (c *cluster) shareSuperuser(t *yaml.Node) error {
	enabled, err := at(t, "spec.enableSuperuserAccess")
	if err != nil {
		return err
	}
	secret, err := mappingAt(t, "spec.superuserSecret")
	if err == nil && isTrue(enabled) && secret == nil {
		set(get(t, "spec"), "superuserSecret", dict("name", c.name+"-superuser"))
	}
	return err
}

// dropAdditionalServices removes the Services that the primary's operator
// makes under fixed names: made a second time, they block the reconciliation
// ("refusing to reconcile service, not owned by the cluster").
func dropAdditionalServices(t *yaml.Node) error {
	additional, err := at(t, pathAdditional)
	if err != nil || additional == nil {
		return err
	}
	spec := get(t, "spec")
	managed := get(spec, "managed")
	services := get(managed, "services")
	remove(services, "additional")
	if len(services.Content) == 0 {
		remove(managed, "services")
	}
	if len(managed.Content) == 0 {
		remove(spec, "managed")
	}
	return nil
}

// barmanPlugin is the name of the Barman Cloud CNPG-I plugin.
const barmanPlugin = "barman-cloud.cloudnative-pg.io"

// renameBackupServer keeps the WAL archives of the two halves apart, where the
// chart names the server; otherwise the Cluster's name does.
func renameBackupServer(t *yaml.Node) error {
	if err := suffix(t, "spec.backup.barmanObjectStore", "serverName"); err != nil {
		return err
	}
	plugins, err := mappingsAt(t, "spec.plugins")
	if err != nil {
		return err
	}
	for i, plugin := range plugins {
		if name := get(plugin, "name"); isNull(name) || name.Value != barmanPlugin {
			continue
		}
		if err := suffix(plugin, "parameters", "serverName"); err != nil {
			return inField(err, fmt.Sprintf("spec.plugins[%d]", i))
		}
	}
	return nil
}

// suffix appends "-replica" to the string at path and key, if there is one.
func suffix(t *yaml.Node, path, key string) error {
	name, err := stringAt(t, path+"."+key)
	if err != nil || name == "" {
		return err
	}
	set(makeAt(t, path, yaml.MappingNode), key, str(name+replicaSuffix))
	return nil
}

// inField puts the path of the item in which it was found before a fieldError's.
func inField(err error, path string) error {
	if e, ok := err.(*fieldError); ok {
		return &fieldError{path: strings.TrimSuffix(path+"."+e.path, "."), line: e.line, err: e.err}
	}
	return err
}
