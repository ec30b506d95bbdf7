package postrender_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

var update = flag.Bool("update", false, "write what is said of wrong shapes into testdata")

// shaped is a stream with all fields that are read, each of its shape.
const shaped = `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: db
  namespace: blog
  labels: {a: b}
  annotations: {cnpg-pair.openova.io/pin: both}
spec:
  instances: 2
  imageName: postgresql:17
  minSyncReplicas: 0
  storage: {size: 1Gi}
  walStorage: {size: 1Gi}
  inheritedMetadata:
    labels: {c: d}
  postgresql:
    parameters: {max_connections: "100"}
    synchronous: ~
  replica: ~
  bootstrap:
    initdb: {database: x, owner: y, secret: {name: z}}
  externalClusters:
  - name: old
    connectionParameters: {host: old}
    plugin: {name: p, parameters: {barmanObjectName: o, serverName: s}}
  backup:
    barmanObjectStore: {destinationPath: s3://x, serverName: s}
  plugins:
  - {name: barman-cloud.cloudnative-pg.io, isWALArchiver: true, parameters: {barmanObjectName: o, serverName: s}}
  managed:
    services:
      additional:
      - selectorType: rw
        serviceTemplate:
          metadata: {name: own, annotations: {a: b}, labels: {a: b}}
  certificates:
    serverTLSSecret: ""
    serverAltDNSNames: [own.example.org]
  affinity:
    nodeSelector: {a: b}
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms:
        - matchExpressions: [{key: a, operator: In, values: [b]}]
          matchFields: [{key: metadata.name, operator: NotIn, values: [n]}]
    additionalPodAntiAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
      - topologyKey: kubernetes.io/hostname
        namespaces: [blog]
        namespaceSelector: ~
        labelSelector:
          matchLabels: {cnpg.io/cluster: db}
          matchExpressions: [{key: cnpg.io/cluster, operator: In, values: [db]}]
      preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 1
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels: {cnpg.io/cluster: db}
            matchExpressions: [{key: cnpg.io/cluster, operator: In, values: [db]}]
    additionalPodAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
      - topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels: {app: web}
  topologySpreadConstraints:
  - topologyKey: kubernetes.io/hostname
    maxSkew: 1
    labelSelector:
      matchLabels: {cnpg.io/cluster: db}
      matchExpressions: [{key: cnpg.io/cluster, operator: In, values: [db]}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: blog}
spec:
  podSelector:
    matchLabels: {cnpg.io/cluster: db}
    matchExpressions: [{key: cnpg.io/cluster, operator: In, values: [db]}]
  policyTypes: [Ingress]
  ingress:
  - from:
    - podSelector:
        matchLabels: {cnpg.io/cluster: db}
        matchExpressions: [{key: cnpg.io/cluster, operator: In, values: [db]}]
      namespaceSelector: {matchLabels: {a: b}}
    ports: [{port: 5432, protocol: TCP}]
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: c, namespace: blog}
spec:
  endpointSelector:
    matchLabels: {cnpg.io/cluster: db}
    matchExpressions: [{key: cnpg.io/cluster, operator: In, values: [db]}]
  egress:
  - toEndpoints:
    - matchLabels: {cnpg.io/cluster: db}
      matchExpressions: [{key: cnpg.io/cluster, operator: In, values: [db]}]
    toPorts: [{ports: [{port: "5432", protocol: TCP}]}]
  - toEntities: [cluster]
---
apiVersion: postgresql.cnpg.io/v1
kind: ScheduledBackup
metadata: {name: b, namespace: blog, labels: {a: b}}
spec: {schedule: x, cluster: {name: db}}
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: m, namespace: blog}
spec:
  selector:
    matchLabels: {cnpg.io/cluster: db}
    matchExpressions: [{key: cnpg.io/cluster, operator: In, values: [db]}]
---
apiVersion: v1
kind: Service
metadata: {name: s, namespace: blog, annotations: {service.cilium.io/global: "true"}}
spec: {type: ClusterIP, selector: {cnpg.io/podRole: instance}}
`

// TestShapes: each field with another shape than CloudNativePG's or Kubernetes' is an
// error that names it and its line, or it is not read. What is said is in the file, where
// something is.
func TestShapes(t *testing.T) {
	const file = "testdata/shapes.txt"
	var all strings.Builder
	documents := strings.Split(shaped, "---\n")
	try := func(i int, path, text string) {
		stream := documents[0]
		if i > 0 {
			stream += "---\n"
		} else {
			stream = ""
		}
		c := cfg
		c.Follow = true
		warnings := 0
		r := &postrender.Renderer{Config: c, Warn: func(error) { warnings++ }}
		result, err := r.Render(postrender.Source{Name: "in", Data: []byte(stream + text)})
		said := ""
		switch {
		case err != nil:
			said = strings.ReplaceAll(err.Error(), "\n", "; ")
		case warnings > 0:
			said = fmt.Sprintf("%s, %d warnings", result.Decisions[0].Reason, warnings)
		case result.Decisions[0].Action != postrender.Paired:
			said = result.Decisions[0].Text()
		default:
			return
		}
		fmt.Fprintf(&all, "%s: %s\n", path, said)
	}
	for i, document := range documents {
		var root yaml.Node
		if err := yaml.Unmarshal([]byte(document), &root); err != nil {
			t.Fatal(err)
		}
		kind := root.Content[0].Content[3].Value
		var each func(n *yaml.Node, path string)
		each = func(n *yaml.Node, path string) {
			now := *n
			for _, other := range map[yaml.Kind][]string{
				yaml.MappingNode: {"x", "[x]", "~"}, yaml.SequenceNode: {"{x: z}", "~"}, yaml.ScalarNode: {"[x]"},
			}[now.Kind] {
				var with yaml.Node
				if err := yaml.Unmarshal([]byte(other), &with); err != nil {
					t.Fatal(err)
				}
				*n = *with.Content[0]
				text, err := yaml.Marshal(&root)
				if err != nil {
					t.Fatal(err)
				}
				try(i, kind+path+" = "+other, string(text))
			}
			*n = now
			for j, child := range n.Content {
				switch {
				case n.Kind == yaml.SequenceNode:
					each(child, fmt.Sprintf("%s[%d]", path, j))
				case j%2 == 1:
					each(child, path+"."+n.Content[j-1].Value)
				}
			}
		}
		for j := 5; j < len(root.Content[0].Content); j += 2 { // after apiVersion and kind
			each(root.Content[0].Content[j], "."+root.Content[0].Content[j-1].Value)
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(all.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(all.String(), "\n")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestExpandNotOne: a call is for one Cluster, which must not be in something else.
func TestExpandNotOne(t *testing.T) {
	cluster := map[string]any{"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": map[string]any{"name": "db"}, "spec": map[string]any{"instances": 1}}
	for name, in := range map[string]map[string]any{
		"in a List": {"apiVersion": "v1", "kind": "List", "items": []any{cluster}},
		"two":       {"apiVersion": "v1", "kind": "List", "items": []any{cluster, cluster}},
		"none":      {"apiVersion": "v1", "kind": "ConfigMap"},
	} {
		pair, err := postrender.Expand(cfg, in)
		var said *message.Message
		if !errors.As(err, &said) || said.ID != message.ExpectedOneCluster || pair.Replica != nil {
			t.Errorf("%s: %v, %v", name, pair, err)
		}
	}
	if pair, err := postrender.Expand(cfg, cluster); err != nil || pair.Replica == nil {
		t.Errorf("%v, %v", pair, err)
	}
}
