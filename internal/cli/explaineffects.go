package cli

import (
	"cmp"
	"fmt"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// effects say what the pair does to a running release, and what to do next. The
// times are measured; see docs/evidence.md.
func (p pair) effects() []string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	x, replica := p.primary.Name, p.replica.Name
	timeout := cmp.Or(p.ShutdownTimeout, "180")
	if p.Step == "at-rest" {
		if p.primary.Rendered && p.primary.NodeLabel != "" {
			say("turning hot standby on or off changes the node affinity of %s, and so restarts its Pod that takes writes, once", x)
			say("nobody can write for 13 to 18 s then, and for up to %s s more (smartShutdownTimeout) while the application keeps a session open", timeout)
			say("the annotation %s: replica avoids this restart", postrender.AnnotationPin)
			say("the volume of %s must be in the region %s (%s), or its Pod stays Pending: kubectl describe pv shows the node affinity of a volume", x, p.primary.Region, p.primary.NodeLabel)
		}
		if p.replica.Rendered {
			say("turning hot standby off deletes %s and its volumes", replica)
		}
	}
	all = append(all, p.commits()...)
	switch p.Step {
	case "demote-primary":
		all = append(all, p.demotion(p.primary, p.replica, "--active none", "set --active replica")...)
	case "demote-replica":
		all = append(all, p.demotion(p.replica, p.primary, "--active none --rejoin", fmt.Sprintf("set --active primary, and point the application to %s-rw again", x))...)
	case "promote-replica":
		all = append(all, p.promotion()...)
		say("right after its promotion %s restarts once: it refuses new sessions, and waits for up to %s s (smartShutdownTimeout) for those that are open", replica, timeout)
	case "rejoin":
		say("if you set --active none before the promotion, %s follows %s", x, replica)
		say("if you did not, clone %s again before this step: remove the ownerReferences from the secrets %s-app and %s-superuser, if they exist; delete the Cluster %s, which deletes its volumes; wait until its Pods and volumes are gone", x, x, x, x)
	}
	if p.replica.Writes {
		say("the application must connect to %s-rw; do not turn hot standby off", replica)
	}
	return all
}

// promotion tells of the promotion of the replica, planned or not.
func (p pair) promotion() []string {
	x, replica := p.primary.Name, p.replica.Name
	all := []string{fmt.Sprintf("%s is promoted, and %s takes no more writes", replica, x)}
	if !p.primary.Rendered {
		all = []string{
			fmt.Sprintf("%s is promoted", replica),
			fmt.Sprintf("%s, in the other Kubernetes cluster, still takes writes until you apply --side primary --active replica there", x),
			fmt.Sprintf("if that cluster is down, %s takes writes as soon as it comes back: keep all applications away from it until then", x),
		}
	}
	lost := fmt.Sprintf("the rows that %s had not received are lost", replica)
	if p.Replication == postrender.Sync {
		lost = "no acknowledged row is lost"
	}
	return append(all,
		fmt.Sprintf("if you set --active none before, no row is lost, and --rejoin is next: %s then follows %s", x, replica),
		fmt.Sprintf("if you did not, %s; clone %s again before you set --rejoin", lost, x))
}

// demotion tells of a step of a switchover from one member to the other, and when
// to go on.
func (p pair) demotion(from, to postrender.Member, setting, next string) []string {
	first := fmt.Sprintf("%s takes no more writes, and becomes a standby of %s", from.Name, to.Name)
	if !from.Rendered {
		first = fmt.Sprintf("%s is in the other Kubernetes cluster, and takes writes until you apply --side %s %s there", from.Name, from.Role, setting)
	}
	return []string{
		first,
		"wait until two things are true; the phase of the Clusters stays healthy, and does not tell",
		fmt.Sprintf("1. in the Pod status.currentPrimary of %s, PGDATA contains standby.signal, and pg_controldata says neither \"in production\" nor \"shutting down\"", from.Name),
		fmt.Sprintf("2. %s has replayed past the latest checkpoint of %s", to.Name, from.Name),
		"then " + next,
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
			return []string{fmt.Sprintf("the chart sets synchronous_commit: %s, and that decides whether a commit on %s waits for %s", p.SynchronousCommit, m.Name, m.Standby)}
		default:
			return []string{fmt.Sprintf("a commit on %s waits until %s has applied it; while %s is away, or has not caught up for the first time, commits wait forever", m.Name, m.Standby, m.Standby)}
		}
	}
	if p.replica.Writes {
		return []string{fmt.Sprintf("commits on %s do not wait for a standby until --rejoin", p.replica.Name)}
	}
	return nil
}
