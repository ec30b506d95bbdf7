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
	if cfg.Side != SideReplica && cfg.Active == ActivePrimary && c.pinsPrimary() {
		say("turning hot standby on, or off again, restarts the primary's Pod of %s once, for its node affinity: no writes for 12 to 18 s, and for up to %s s more (smartShutdownTimeout) while the application keeps a session open; the annotation %s: %s spares it that",
			c.name, cmp.Or(timeout, "180"), AnnotationPin, SideReplica)
		say("the volume of %s must be in %s %s, or the Pod stays Pending: kubectl get pv shows where it is", c.name, cfg.RegionKey, cfg.PrimaryRegion)
	}
	if cfg.Side != SidePrimary && cfg.Active == ActivePrimary {
		say("turning hot standby off deletes %s and its volumes", c.replica)
	}
	if cfg.Replication == Sync && (cfg.Active == ActivePrimary || cfg.Active == ActiveReplica && cfg.Rejoin) {
		active, standby := c.name, c.replica
		if cfg.Rejoin {
			active, standby = standby, active
		}
		say("a commit on %s waits until %s has applied it, without end while that is away, and before it has first caught up", active, standby)
	}
	givesUp := func(old, new, next string) {
		say("%s takes no writes any more, and becomes a replica of %s; go on to %s once %s is a standby (standby.signal is in its PGDATA, and pg_controldata says neither in production nor shutting down) and %s has replayed beyond its latest checkpoint (the phase of the Clusters says healthy all the time)",
			old, new, next, old, new)
	}
	switch {
	case cfg.Active == ActiveNone && cfg.Rejoin:
		givesUp(c.replica, c.name, "--active primary")
	case cfg.Active == ActiveNone:
		givesUp(c.name, c.replica, "--active replica")
	case cfg.Active == ActiveReplica && cfg.Rejoin:
		say("%s is active, and %s follows it, if --active none came before the promotion; otherwise delete %s and its volumes first, and it is cloned again", c.replica, c.name, c.name)
	case cfg.Active == ActiveReplica:
		say("%s is promoted and %s takes no writes any more; what %s took since it was last replicated is lost, unless --active none came before; next, --rejoin lets %s follow it", c.replica, c.name, c.name, c.name)
	}
	if cfg.Active == ActiveReplica {
		say("right after its promotion %s restarts once, and waits for up to %s s (smartShutdownTimeout) for sessions that have been opened already; new ones are refused meanwhile",
			c.replica, cmp.Or(timeout, "180"))
		say("the application must connect to %s-rw; do not turn hot standby off", c.replica)
	}
	return all
}
