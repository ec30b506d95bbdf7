package postrender

import "go.yaml.in/yaml/v3"

// Who is active is rendered like every other setting, because a patch of the
// living Clusters would be undone by the next Helm or Flux run (section 9 of the
// contract). The way from one half to the other goes through nobody: what the old
// one still took while the new one was promoted would be lost.
//
// A half that gives up is fenced, and made a replica of the other one in the same
// step: the operator demotes it while it is fenced, and lifts the fence itself. A
// fence that is lifted from a half that is still a primary makes it writable at
// once, and two primaries of them, whatever else the same apply says.

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

// giveUp makes the primary what it is while it is not active: the replica of its
// replica, and fenced, until it rejoins.
func (c *cluster) giveUp(cfg Config, t *yaml.Node) error {
	if cfg.Active == ActivePrimary {
		return nil
	}
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
	if !cfg.Rejoin {
		fence(t)
	}
	return nil
}

// takeOver promotes the replica, unless nobody is to be active. Its data may be
// the only current data from then on, which must not go when the knob is turned
// off.
func (c *cluster) takeOver(cfg Config, t *yaml.Node) error {
	if cfg.Active == ActivePrimary {
		return nil
	}
	if cfg.Active == ActiveReplica {
		set(makeAt(t, "spec.replica", yaml.MappingNode), "enabled", boolean(false))
	}
	if cfg.Active == ActiveReplica || cfg.Rejoin {
		set(makeAt(t, "metadata.annotations", yaml.MappingNode), annotationKeep, str("keep"))
	}
	if cfg.Active == ActiveNone && cfg.Rejoin {
		fence(t)
	}
	back := *c
	back.mesh = MeshName(c.replica)
	return back.addMeshService(t)
}

// fence stops all instances of a half: no session of it writes any more within
// seconds, whatever its state.
func fence(t *yaml.Node) {
	set(makeAt(t, "metadata.annotations", yaml.MappingNode), annotationFenced, str(`["*"]`))
}
