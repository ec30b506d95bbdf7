package postrender

import "go.yaml.in/yaml/v3"

// Who is active is rendered like every other setting, because a patch of the
// living Clusters would be undone by the next Helm or Flux run (section 9 of the
// contract). The way from one half to the other goes through nobody: what the old
// one still took while the new one was promoted would be lost.

const (
	annotationFenced = "cnpg.io/fencedInstances"
	annotationKeep   = "helm.sh/resource-policy"
)

// change returns what becomes of the Cluster in a pair.
func (c *candidate) change(cfg Config) (change, error) {
	primary, err := c.primaryTree(cfg)
	if err != nil {
		return change{}, c.fail(err)
	}
	replica, err := c.replicaTree(cfg)
	if err != nil {
		return change{}, c.fail(err)
	}
	return c.onSide(cfg, primary, replica), nil
}

// giveUp makes the primary what it is while it is not active: fenced, so that
// it takes no writes, or, once it has rejoined, the replica of its replica.
func (c *cluster) giveUp(cfg Config, t *yaml.Node) error {
	switch {
	case cfg.Rejoin:
		back := *c // the pair, seen from the other half
		back.name, back.replica, back.mesh = c.replica, c.name, MeshName(c.replica)
		for _, step := range []func(*yaml.Node) error{
			func(t *yaml.Node) error { return c.cloneFrom(t, back.name) },
			back.connectToSource,
		} {
			if err := step(t); err != nil {
				return err
			}
		}
		set(get(t, "spec"), "replica", dict("enabled", boolean(true), "source", back.name))
	case cfg.Active != ActivePrimary:
		fence(t)
	}
	return nil
}

// takeOver promotes the replica. From then on its data may be the only current
// data, which must not go when the knob is turned off.
func (c *cluster) takeOver(cfg Config, t *yaml.Node) error {
	if cfg.Active != ActiveReplica && !cfg.Rejoin {
		return nil
	}
	set(makeAt(t, "spec.replica", yaml.MappingNode), "enabled", boolean(false))
	set(makeAt(t, "metadata.annotations", yaml.MappingNode), annotationKeep, str("keep"))
	if !cfg.Rejoin {
		return nil
	}
	if cfg.Active == ActiveNone {
		fence(t)
	}
	back := *c
	back.mesh = MeshName(c.replica)
	return back.addMeshService(t)
}

// fence stops all instances of a half: no session of it writes any more within
// seconds, whatever its state, and Pods that start again stay stopped.
func fence(t *yaml.Node) {
	set(makeAt(t, "metadata.annotations", yaml.MappingNode), annotationFenced, str(`["*"]`))
}
