package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// testScheduledBackup changes sides there and back of a pair whose chart has a backup each
// minute: it is taken of the member that takes writes, and of no other.
func testScheduledBackup(t *testing.T, c *cluster) {
	n := c.namespace(t, "scheduled")
	chart := n.archiving(t, "store", n.objects(t, 9004)) + `---
apiVersion: postgresql.cnpg.io/v1
kind: ScheduledBackup
metadata: {name: minutely}
spec: {schedule: "0 * * * * *", immediate: true, cluster: {name: ` + x + `}}
`
	n.pair(t, chart)
	newSegment := n.newSegment(t)
	// backups are those that a Cluster got after a time, and whether one of them is complete
	backups := func(cluster string, since time.Time) (names []string, completed bool) {
		t.Helper()
		all := n.kubectl(t, "get", "backups.postgresql.cnpg.io", "-o",
			`jsonpath={range .items[*]}{.metadata.name} {.metadata.creationTimestamp} {.spec.cluster.name} {.status.phase}{"\n"}{end}`)
		for line := range strings.Lines(all) {
			fields := append(strings.Fields(line), "")
			created, err := time.Parse(time.RFC3339, fields[1])
			if err != nil {
				t.Fatal(err, line)
			}
			if fields[2] == cluster && created.After(since) {
				names = append(names, fields[0])
				completed = completed || fields[3] == "completed"
			}
		}
		return names, completed
	}
	taken := func(member, other string) {
		t.Helper()
		since := time.Now()
		took := elapsed(t, 5*time.Minute, "a backup of "+member, func() error {
			for _, cluster := range []string{x, replica} { // a standby's backup ends when the primary begins a new segment
				newSegment(cluster)
			}
			names, completed := backups(member, since)
			if !completed {
				return fmt.Errorf("there are %v", names)
			}
			return nil
		})
		if names, _ := backups(other, since.Add(time.Second)); len(names) > 0 {
			t.Errorf("backups of %s, which follows: %v", other, names)
		}
		evidence(t, "a backup by schedule, of "+member+" only, which takes writes", "%.0f s after the change", took.Seconds())
	}
	taken(x, replica)
	for _, way := range []struct{ from, to, member string }{{x, replica, "replica"}, {replica, x, "primary"}} {
		n.applied(t, n.rendered(t, on(activeNone()...), chart))
		n.applied(t, n.rendered(t, on(promoted(way.member, n.token(t, way.from))...), chart))
		eventually(t, 2*time.Minute, way.from+" that follows "+way.to, func() error { return n.follows(way.from, way.to) })
		taken(way.to, way.from)
	}
	n.applied(t, n.rendered(t, hotStandby, chart))
	suspended := n.kubectl(t, "get", "scheduledbackups.postgresql.cnpg.io", "-o", `jsonpath={range .items[*]}{.metadata.name}={.spec.suspend} {end}`)
	if got := strings.Fields(suspended); !slices.Equal(got, []string{"minutely=", "minutely-replica=true"}) {
		t.Errorf("the backups on schedule are %v", got)
	}
}
