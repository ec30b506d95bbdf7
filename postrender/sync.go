package postrender

import "go.yaml.in/yaml/v3"

const (
	pathSynchronous       = "spec.postgresql.synchronous"
	pathSynchronousCommit = "spec.postgresql.parameters.synchronous_commit"
)

// isSynchronous finds a Cluster that has settings of its own for what
// --replication sync sets.
func (c *candidate) isSynchronous(cfg Config, _ *stream) (*verdict, error) {
	if cfg.Replication != Sync {
		return nil, nil
	}
	const cure = "remove it from the chart, or use --replication async"
	own, err := at(c.tree, pathSynchronous)
	if own != nil || err != nil {
		return cannot(cure, "it has settings of its own for synchronous replication, %s", pathSynchronous), err
	}
	for _, key := range []string{"minSyncReplicas", "maxSyncReplicas"} {
		number, err := stringAt(c.tree, "spec."+key)
		if err != nil {
			return nil, err
		}
		if number != "" && number != "0" {
			return cannot(cure, "it has settings of its own for synchronous replication, spec.%s", key), nil
		}
	}
	return nil, nil
}

// waitFor makes every commit of a half wait until the other one has applied it
// (section 8 of the contract). The standby's name is that of its Cluster: with a
// Pod's, every commit hangs.
func waitFor(t *yaml.Node, standby string) error {
	number := func(n string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: n} }
	set(makeAt(t, "spec.postgresql", yaml.MappingNode), "synchronous", dict(
		"method", "first",
		"number", number("1"),
		"dataDurability", "required",
		"maxStandbyNamesFromCluster", number("0"),
		"standbyNamesPre", list(str(standby)),
	))
	own, err := at(t, pathSynchronousCommit)
	if err == nil && own == nil {
		set(makeAt(t, "spec.postgresql.parameters", yaml.MappingNode), "synchronous_commit", str("remote_apply"))
	}
	return err
}

// synchronousCommit is what the chart itself says, which stays.
func (c *cluster) synchronousCommit() string {
	own, _ := stringAt(c.tree, pathSynchronousCommit)
	return own
}
