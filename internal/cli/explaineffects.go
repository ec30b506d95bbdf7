package cli

import (
	"cmp"
	"fmt"
	"strconv"

	"github.com/openova-io/helm-cnpg-pair/internal/topology"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// effects say what the pair does to a running release, and what to do next. The
// times are measured; see docs/evidence.md.
func (p pair) effects() []string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	x, replica := p.primary.Name, p.replica.Name
	if p.Step == "at-rest" {
		if p.primary.Rendered && p.primary.NodeLabel != "" {
			all = append(all, p.rollout()...)
		}
		switch {
		case p.replica.Rendered && p.replica.Keep:
			say("turning hot standby off leaves %s and its volumes, because the chart has the annotation helm.sh/resource-policy: keep; it no longer follows %s then, as %s is deleted: delete it yourself", replica, x, p.replica.Host)
		case p.replica.Rendered:
			say("turning hot standby off deletes %s and its volumes", replica)
		}
	}
	if topology.CheckCloning(x) != nil {
		say("if %s is lost, Kubernetes may refuse the Job that creates it again as a copy of %s: its name is longer than 46 characters", x, replica)
	}
	all = append(all, p.commits()...)
	all = append(all, p.archive()...)
	switch p.Step {
	case "demote":
		all = append(all, p.demotion()...)
	case "promote-replica", "promote-primary":
		active, other := p.activeAndOther()
		say("the operator promotes %s when it has replayed every row up to the token; no row is lost, and nothing is cloned", active.Name)
		say("%s then follows %s; if it has not become a standby yet, it does so first", other.Name, active.Name)
		all = append(all, p.elsewhere(other)...)
		all = append(all, p.restart(active)...)
		if active.Role == "primary" {
			say("when %s takes writes, you may remove --promotion-token: the pair is then at rest, and nothing restarts", x)
		} else {
			say("keep these settings as long as %s is to take writes; a token that was used does nothing more", replica)
		}
	case "failover-to-replica", "failover-to-primary":
		all = append(all, p.failover()...)
	case "replica-active":
		say("%s follows %s, if it has no rows of its own; if it has some, it must be created again, with --clone %s", x, replica, p.primary.Role)
	}
	if p.primary.Cloned && p.primary.Rendered {
		say("if %s does not exist, it is created as a copy of %s; if it does, delete it with its volumes first, or --clone does nothing, or is refused", x, replica)
	}
	if p.ServerTLSSecret != "" {
		say("the server certificate in the secret %s is the chart's own: it must name %s and %s-rw, too, if applications check the name of the host (sslmode=verify-full)", p.ServerTLSSecret, p.WriteAddress, replica)
	}
	if p.Step != "at-rest" && p.replica.Writes {
		say("%s leads to %s; an application that connects to %s-rw does not reach it, and must connect to %s; do not turn hot standby off", p.WriteAddress, replica, x, p.WriteAddress)
	}
	return all
}

// rollout says what the node affinity of the primary does to its Pods.
func (p pair) rollout() []string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	x := p.primary.Name
	switch {
	case !p.several():
		say("turning hot standby on or off changes the node affinity of %s, and so restarts its Pod that takes writes, once", x)
		say("nobody can write for 13 to 18 s then, and for up to %s s more (smartShutdownTimeout) while the application keeps a session open", p.shutdownTimeout())
	case p.UpdateMethod == "restart":
		say("turning hot standby on or off changes the node affinity of %s, and so restarts all its Pods, one after the other, and last the one that takes writes", x)
		say("nobody can write while that one restarts (the chart sets primaryUpdateMethod: restart), and for up to %s s more (smartShutdownTimeout) while the application keeps a session open", p.shutdownTimeout())
	case p.UpdateMethod == "switchover":
		say("turning hot standby on or off changes the node affinity of %s, and so restarts all its Pods, one after the other; before the one that takes writes restarts, another instance takes writes instead (the chart sets primaryUpdateMethod: switchover)", x)
		say("that switchover ends all open sessions, and nobody can write until it is done")
	default:
		say("turning hot standby on changes the node affinity of %s, and so restarts all its Pods, one after the other; before the one that takes writes restarts, another instance takes writes instead (primaryUpdateMethod: switchover)", x)
		say("that switchover ends all open sessions, and nobody can write until it is done")
		say("turning hot standby off restarts all Pods again, and last the one that takes writes, without a switchover: nobody can write until it is back, and for up to %s s more (smartShutdownTimeout) while the application keeps a session open", p.shutdownTimeout())
	}
	say("the annotation %s: replica avoids this restart", postrender.AnnotationPin)
	if p.several() {
		say("the volumes of all instances of %s must be in the region %s (%s), or their Pods stay Pending: kubectl describe pv shows the node affinity of a volume", x, p.primary.Region, p.primary.NodeLabel)
	} else {
		say("the volume of %s must be in the region %s (%s), or its Pod stays Pending: kubectl describe pv shows the node affinity of a volume", x, p.primary.Region, p.primary.NodeLabel)
	}
	return all
}

// activeAndOther are the member that takes writes, and the one that does not.
func (p pair) activeAndOther() (active, other postrender.Member) {
	if p.replica.Writes {
		return p.replica, p.primary
	}
	return p.primary, p.replica
}

// shutdownTimeout is for how many seconds an open session can delay a restart.
func (p pair) shutdownTimeout() string { return cmp.Or(p.ShutdownTimeout, "180") }

// elsewhere tells of a member in the other Kubernetes cluster.
func (p pair) elsewhere(m postrender.Member) []string {
	if m.Rendered {
		return nil
	}
	return []string{fmt.Sprintf("%s is in the other Kubernetes cluster: apply the same settings with --side %s there", m.Name, m.Role)}
}

// restart tells what follows a promotion.
func (p pair) restart(active postrender.Member) []string {
	how := "it refuses new sessions, and waits for those that are open"
	if p.UpdateMethod == "switchover" {
		how = "as the chart sets primaryUpdateMethod: switchover, by a switchover to another instance, or, with one instance, a new Pod, which takes 10 s longer; it waits for open sessions"
	}
	return []string{fmt.Sprintf("right after its promotion %s restarts once: %s for up to %s s (smartShutdownTimeout)", active.Name, how, p.shutdownTimeout())}
}

// demotion tells of the first step of a switchover.
func (p pair) demotion() []string {
	x, replica := p.primary.Name, p.replica.Name
	var all []string
	for _, m := range p.Members {
		all = append(all, p.elsewhere(m)...)
	}
	token := func(name string) string { return "status.demotionToken of the Cluster " + name }
	return append(all,
		"the member that takes writes becomes a standby, and its operator writes status.demotionToken; nobody can write until a member is promoted",
		fmt.Sprintf("if %s took writes: wait for %s, then set --active replica --promotion-token TOKEN", x, token(x)),
		fmt.Sprintf("if %s took writes: wait for %s, then set --active primary --promotion-token TOKEN", replica, token(replica)),
		"to undo this before a member is promoted, promote the one that took writes by its own token",
	)
}

// failover tells of a promotion that waits for nothing.
func (p pair) failover() []string {
	active, other := p.activeAndOther()
	lost := fmt.Sprintf("the rows that %s had not received are lost", active.Name)
	if p.Replication == postrender.Sync {
		lost = "no row is lost whose commit waited for " + active.Name
	}
	all := []string{fmt.Sprintf("%s is promoted at once: %s", active.Name, lost)}
	if other.Rendered {
		all = append(all,
			fmt.Sprintf("apply --active none first, and this only if that succeeds: if the change of %s alone is refused, %s is promoted all the same, and both take writes", other.Name, active.Name),
			fmt.Sprintf("%s is stopped, and becomes a standby as soon as its operator can reach it", other.Name))
	} else {
		all = append(all,
			fmt.Sprintf("%s, in the other Kubernetes cluster, takes writes until these settings are applied there with --side %s", other.Name, other.Role),
			"if that cluster is down, it takes writes when it comes back: keep all applications away from it until then")
	}
	all = append(all, p.restart(active)...)
	return append(all,
		fmt.Sprintf("when %s is a standby, or is gone, set --failover done, which lets it follow: with now, each run stops it", other.Name),
		fmt.Sprintf("if %s has rows that %s does not have, it cannot follow: delete it with its volumes, and create it again with --failover done --clone %s", other.Name, active.Name, other.Role))
}

// waitsFor is what the commits of a member wait for with synchronous replication.
func (p pair) waitsFor(m postrender.Member) string {
	if p.several() {
		return m.Standby + " and one other instance of " + m.Name
	}
	return m.Standby
}

// archive says how much WAL a standby may miss while it is away, and where each
// member archives its own.
func (p pair) archive() []string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	size := p.WALKeepSize
	if _, err := strconv.ParseFloat(size, 64); err == nil {
		size += "MB" // PostgreSQL's unit of this parameter
	}
	from := map[string]string{"chart": "set by the chart", "setting": "set by --wal-keep-size", "default": "CloudNativePG's default"}
	size += " of WAL (wal_keep_size, " + from[p.WALKeepSizeFrom] + ")"
	if p.WALVolume != "" {
		size += " on a volume of " + p.WALVolume
	}
	switch {
	case p.Archive == "":
		say("each member keeps the last %s; a standby that misses more while it is away must be cloned again, because the WAL is not archived", size)
		return all
	case p.primary.ArchiveServer == "":
		say("each member keeps the last %s; a standby that misses more while it is away needs the plugin %s, if that gives it the WAL of the other member", size, p.Archive)
		say("cnpg-pair does not know where %s archives: it must keep the members apart, and a member that is cloned again from what that one archived before", p.Archive)
		return all
	}
	say("each member keeps the last %s; there is no limit to what a standby may miss while it is away: it reads the rest from the archive of the other member (%s)", size, p.Archive)
	say("in this archive, the serverName of %s is %s, and that of %s is %s", p.primary.Name, p.primary.ArchiveServer, p.replica.Name, p.replica.ArchiveServer)
	say("a member that is created again, also because hot standby was off, needs another serverName: give it a higher number in --archive-generation, and do not change that of the other one")
	if p.Step == "at-rest" && p.primary.ArchiveGeneration != "" && p.primary.ArchiveGeneration != "1" {
		say("before you turn hot standby off, write serverName: %s into the chart, and take %s out of --archive-generation", p.primary.ArchiveServer, p.primary.Name)
	}
	return all
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
			return []string{fmt.Sprintf("the chart sets synchronous_commit: %s, and that decides whether a commit on %s waits for %s", p.SynchronousCommit, m.Name, p.waitsFor(m))}
		case p.several():
			return []string{
				fmt.Sprintf("a commit on %s waits until %s have written it to disk", m.Name, p.waitsFor(m)),
				fmt.Sprintf("while %s is away, or has not caught up for the first time, or %s has no other instance that streams, commits wait forever", m.Standby, m.Name),
				fmt.Sprintf("when the primary instance of %s fails, the operator promotes only an instance that has every commit", m.Name),
			}
		default:
			return []string{fmt.Sprintf("a commit on %s waits until %s has written it to disk; while %s is away, or has not caught up for the first time, commits wait forever", m.Name, m.Standby, m.Standby)}
		}
	}
	if active, _ := p.activeAndOther(); active.Writes {
		return []string{fmt.Sprintf("commits on %s wait for no standby until --failover done", active.Name)}
	}
	return nil
}
