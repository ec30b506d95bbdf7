package postrender

import (
	"cmp"
	"fmt"
)

// effects tells what the pair does to a release that is living already, and what
// to do or to wait for; measured, see the README.
func (c *cluster) effects(cfg Config) []string {
	all := []string{}
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	timeout, _ := stringAt(c.tree, "spec.smartShutdownTimeout")
	timeout = cmp.Or(timeout, "180")
	if cfg.Active == ActivePrimary {
		if cfg.Side != SideReplica && c.pinsPrimary() {
			say("turning hot standby on, or off again, restarts the primary's Pod of %s once, for its node affinity: no writes for 12 to 18 s, and for up to %s s more (smartShutdownTimeout) while the application keeps a session open; the annotation %s: %s spares it that",
				c.name, timeout, AnnotationPin, SideReplica)
			say("the volume of %s must be in %s %s, or the Pod stays Pending: kubectl describe pv shows the node affinity of a volume", c.name, cfg.RegionKey, cfg.PrimaryRegion)
		}
		if cfg.Side != SidePrimary {
			say("turning hot standby off deletes %s and its volumes", c.replica)
		}
	}
	if cfg.Replication == Sync {
		all = append(all, c.syncEffects(cfg)...)
	}
	switch {
	case cfg.Active == ActiveNone && cfg.Rejoin:
		all = append(all, givesUp(cfg, c.replica, SideReplica, c.name, fmt.Sprintf("--active primary, and point the application to %s-rw again", c.name))...)
	case cfg.Active == ActiveNone:
		all = append(all, givesUp(cfg, c.name, SidePrimary, c.replica, "--active replica")...)
	case cfg.Active == ActiveReplica && cfg.Rejoin:
		say("%s is active, and %s follows it, if --active none came before the promotion; otherwise %s must be cloned again: before this, take the ownerReferences off the secrets %s-app and %s-superuser, where they are, delete the Cluster %s, whose volumes go with it, and wait until its Pods are gone",
			c.replica, c.name, c.name, c.name, c.name, c.name)
	case cfg.Active == ActiveReplica:
		if cfg.Side == SideReplica {
			say("%s is promoted; %s is in the other Kubernetes cluster and takes writes until the same is applied there, with --side primary, also when that comes back from a failure: let nothing reach it before", c.replica, c.name)
		} else {
			say("%s is promoted and %s takes no writes any more", c.replica, c.name)
		}
		say("what %s took since it was last replicated is lost, unless --active none came before; if that came, --rejoin is next, and lets %s follow; if not, %s must be cloned again first", c.name, c.name, c.name)
		say("right after its promotion %s restarts once, and waits for up to %s s (smartShutdownTimeout) for sessions that have been opened already; new ones are refused meanwhile",
			c.replica, timeout)
	}
	if cfg.Active == ActiveReplica {
		say("the application must connect to %s-rw; do not turn hot standby off", c.replica)
	}
	return all
}

// givesUp tells of the way from one half to the other, and what to wait for on it.
func givesUp(cfg Config, old, oldSide, new, next string) []string {
	first := fmt.Sprintf("%s takes no writes any more, and becomes a replica of %s", old, new)
	if cfg.Side != SideBoth && cfg.Side != oldSide {
		first = fmt.Sprintf("%s is in the other Kubernetes cluster and takes writes until the same is applied there, with --side %s", old, oldSide)
	}
	return []string{first, fmt.Sprintf("once the Pod of %s that took writes (status.currentPrimary) is a standby (standby.signal is in its PGDATA, and pg_controldata says neither in production nor shutting down), and %s has replayed beyond its latest checkpoint, go on to %s; the phase of the Clusters says healthy all the time",
		old, new, next)}
}

// syncEffects tell who waits for whom with synchronous replication.
func (c *cluster) syncEffects(cfg Config) []string {
	active, standby := c.name, c.replica
	switch {
	case cfg.Active == ActiveNone:
		return nil
	case cfg.Active == ActiveReplica && !cfg.Rejoin:
		return []string{fmt.Sprintf("commits on %s wait for nobody until --rejoin", c.replica)}
	case cfg.Rejoin:
		active, standby = standby, active
	}
	if own := c.synchronousCommit(); own != "" {
		return []string{fmt.Sprintf("a commit on %s waits for %s as far as the chart's own synchronous_commit says: %s", active, standby, own)}
	}
	return []string{fmt.Sprintf("a commit on %s waits until %s has applied it, without end while that is away, and before it has first caught up", active, standby)}
}
