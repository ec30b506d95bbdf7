// This file must not import internal/, nor use more of package postrender than its settings and
// results: see TestIndependent.

package postrender_test

import (
	"strings"
	"testing"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// wantServing returns what must stand where an object stood that serves a Cluster, as
// docs/reference.md says it, written down a second time: the object itself for any other.
func wantServing(c postrender.Config, o values, couples []couple) []values {
	own, copied := deepCopy(o).(values), deepCopy(o).(values)
	served := ""
	switch {
	case o["kind"] == "ScheduledBackup" && strings.HasPrefix(text(o, "apiVersion"), "postgresql.cnpg.io/"):
		served = text(o, "spec", "cluster", "name")
	case o["kind"] == "PodMonitor" && strings.HasPrefix(text(o, "apiVersion"), "monitoring.coreos.com/"):
		for _, ask := range asks(mapping(at(o, "spec", "selector"))) {
			if ask[0] == "cnpg.io/cluster" && ask[1] == "In" && len(ask) == 3 {
				served = ask[2]
			}
		}
	}
	for _, pair := range couples {
		if pair.primary != served || pair.namespace != inNamespace(o) {
			continue
		}
		child(copied, "metadata")["name"] = text(o, "metadata", "name") + "-replica"
		if o["kind"] == "ScheduledBackup" {
			child(child(copied, "spec"), "cluster")["name"] = pair.replica
			if c.Active == "replica" || c.Active == "none" {
				child(own, "spec")["suspend"] = true
			}
			if c.Active != "replica" {
				child(copied, "spec")["suspend"] = true
			}
		} else {
			renameAll(child(copied, "spec")["selector"], served, pair.replica)
		}
		switch c.Side {
		case "primary":
			return []values{own}
		case "replica", "secondary":
			return []values{copied}
		}
		return []values{own, copied}
	}
	return []values{o}
}

// renameAll changes each string in a value that is a name.
func renameAll(v any, from, to string) {
	switch v := v.(type) {
	case values:
		for key, value := range v {
			if value == from {
				v[key] = to
			}
			renameAll(value, from, to)
		}
	case []any:
		for i, value := range v {
			if value == from {
				v[i] = to
			}
			renameAll(value, from, to)
		}
	}
}

// TestServing: what serves a Cluster serves its replica too, with all settings.
func TestServing(t *testing.T) {
	const stream = `apiVersion: postgresql.cnpg.io/v1
kind: ScheduledBackup
metadata:
  name: nightly # of the blog
  namespace: blog
spec:
  schedule: "0 0 3 * * *"
  cluster: {name: db}
  immediate: true
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: db, namespace: blog}
spec: {instances: 1}
---
apiVersion: v1
kind: List
items:
- apiVersion: postgresql.cnpg.io/v1
  kind: ScheduledBackup
  metadata: {name: weekly}
  spec:
    # suspended by the chart
    suspend: true
    schedule: "0 0 3 * * 0"
    cluster:
      name: db
- apiVersion: postgresql.cnpg.io/v1
  kind: ScheduledBackup
  metadata: {name: hourly}
  spec: {suspend: false, schedule: "0 0 * * * *", cluster: {name: db}}
- apiVersion: postgresql.cnpg.io/v1
  kind: ScheduledBackup
  metadata: {name: elsewhere, namespace: shop}
  spec: {schedule: "0 0 3 * * *", cluster: {name: db}}
- apiVersion: postgresql.cnpg.io/v1
  kind: ScheduledBackup
  metadata: {name: of-another}
  spec: {schedule: "0 0 3 * * *", cluster: {name: single}}
- apiVersion: postgresql.cnpg.io/v1
  kind: ScheduledBackup
  metadata: {name: of-none}
- apiVersion: postgresql.cnpg.io/v1
  kind: Backup
  metadata: {name: once}
  spec: {cluster: {name: db}}
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: db, namespace: blog}
spec:
  selector:
    matchLabels:
      cnpg.io/cluster: db
      app: db2
  podMetricsEndpoints: [{port: metrics}]
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: by-expression}
spec: {selector: {matchExpressions: [{key: cnpg.io/cluster, operator: In, values: [db]}]}, podMetricsEndpoints: [{port: metrics}]}
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: of-all}
spec: {selector: {matchExpressions: [{key: cnpg.io/cluster, operator: In, values: [db, single]}, {key: a, operator: Exists}]}, podMetricsEndpoints: [{port: metrics}]}
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: single, annotations: {cnpg-pair.openova.io/expand: "false"}}
spec: {instances: 1}
`
	for _, c := range matrix() {
		out, decisions, err := render(t, c, []byte(stream))
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		judgeStream(t, c, []byte(stream), out, decisions)
	}
}
