package cli

import (
	"cmp"
	"fmt"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// effects say what the pair does to a living release, and what to do next. The
// times are measured; see docs/evidence.md.
func (p pair) effects() []string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	x, replica := p.primary.Name, p.replica.Name
	timeout := cmp.Or(p.ShutdownTimeout, "180")
	if p.Step == "at-rest" {
		if p.primary.Rendered && p.primary.NodeLabel != "" {
			say("turning hot standby on or off restarts the Pod of %s that takes writes, once, because its node affinity changes: no writes for 13 to 18 s, and for up to %s s more (smartShutdownTimeout) while the application keeps a session open; with the annotation %s: replica it does not restart",
				x, timeout, postrender.AnnotationPin)
			say("the volume of %s must be in the region %s (%s), or its Pod stays Pending: kubectl describe pv shows the node affinity of a volume", x, p.primary.Region, p.primary.NodeLabel)
		}
		if p.replica.Rendered {
			say("turning hot standby off deletes %s and its volumes", replica)
		}
	}
	all = append(all, p.commits()...)
	switch p.Step {
	case "demote-primary":
		all = append(all, p.demotion(p.primary, p.replica, "--active replica")...)
	case "demote-replica":
		all = append(all, p.demotion(p.replica, p.primary, fmt.Sprintf("--active primary, and point the application to %s-rw again", x))...)
	case "promote-replica":
		if p.primary.Rendered {
			say("%s is promoted, and %s takes no more writes", replica, x)
		} else {
			say("%s is promoted; %s is in the other Kubernetes cluster, and takes writes until the same is applied there, with --side primary, also when that cluster comes back from a failure: let nothing reach %s before", replica, x, x)
		}
		say("if --active none came before, no row is lost, and --rejoin is next: %s then follows %s", x, replica)
		say("if --active none did not come before, the rows that %s took after the last replication are lost, and %s must be cloned again before --rejoin", x, x)
		say("right after its promotion %s restarts once: it refuses new sessions, and waits for up to %s s (smartShutdownTimeout) for those that are open", replica, timeout)
	case "rejoin":
		say("if --active none came before the promotion, %s follows %s", x, replica)
		say("if --active none did not come before the promotion, clone %s again before this step: remove the ownerReferences from the secrets %s-app and %s-superuser, where they exist; delete the Cluster %s, which deletes its volumes; wait until its Pods are gone", x, x, x, x)
	}
	if p.replica.Writes {
		say("the application must connect to %s-rw; do not turn hot standby off", replica)
	}
	return all
}

// demotion tells of a step of a switchover from one member to the other, and when
// to go on.
func (p pair) demotion(from, to postrender.Member, next string) []string {
	first := fmt.Sprintf("%s takes no more writes, and becomes a standby of %s", from.Name, to.Name)
	if !from.Rendered {
		first = fmt.Sprintf("%s is in the other Kubernetes cluster, and takes writes until the same is applied there, with --side %s", from.Name, from.Role)
	}
	return []string{
		first,
		fmt.Sprintf("go on when the Pod of %s that took writes (status.currentPrimary) is a standby: standby.signal is in its PGDATA, and pg_controldata says neither \"in production\" nor \"shutting down\"; and when %s has replayed beyond the latest checkpoint of %s; the phase of the Clusters says healthy all the time", from.Name, to.Name, from.Name),
		"then: " + next,
	}
}

// commits say what commits wait for with synchronous replication.
func (p pair) commits() []string {
	if p.Replication != postrender.Sync {
		return nil
	}
	for _, m := range p.Members {
		switch {
		case m.Standby == "":
		case p.SynchronousCommit != "":
			return []string{fmt.Sprintf("a commit on %s waits for %s as long as the chart's own synchronous_commit says: %s", m.Name, m.Standby, p.SynchronousCommit)}
		default:
			return []string{fmt.Sprintf("a commit on %s waits until %s has applied it: without end while %s is away, and until it has caught up for the first time", m.Name, m.Standby, m.Standby)}
		}
	}
	if p.replica.Writes {
		return []string{fmt.Sprintf("commits on %s do not wait for a standby until --rejoin", p.replica.Name)}
	}
	return nil
}
