package postrender_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// database is the single Cluster blog-db in the namespace blog.
const database = `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: blog-db, namespace: blog}
spec: {instances: 3, storage: {size: 1Gi}}
`

// host is a Pod, and the side that it runs on.
type host struct {
	side   string
	labels map[string]string
}

// reaches asks the policies of both sides about a connection: those where it comes
// from about its way out, those where it goes to about its way in.
func reaches(policies map[string][]values, from, to host, port int) bool {
	far := from.side != to.side
	out := ask(policies[from.side], "egress", pod{"blog", false, from.labels}, pod{"blog", far, to.labels}, port)
	in := ask(policies[to.side], "ingress", pod{"blog", false, to.labels}, pod{"blog", far, from.labels}, port)
	return out.allowed() && in.allowed()
}

// TestPolicyConnections holds policies as charts write them against every
// connection that a pair needs, in one Kubernetes cluster and in two, and against
// those that must stay forbidden.
func TestPolicyConnections(t *testing.T) {
	tests := map[string]struct {
		policy string
		open   []int // ports of the database that the policy leaves open to everyone
		shut   bool  // the policy keeps the application from the database
	}{
		"ingress from the application": {policy: `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: blog}
spec:
  podSelector: {matchLabels: {cnpg.io/cluster: blog-db}}
  ingress:
  - from: [{podSelector: {matchLabels: {app: blog}}}]
    ports: [{port: postgresql}]
`},
		"both directions, named by expressions": {policy: `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: blog}
spec:
  podSelector: {matchExpressions: [{key: cnpg.io/cluster, operator: In, values: [blog-db]}]}
  policyTypes: [Ingress, Egress]
  ingress:
  - from: [{podSelector: {matchLabels: {app: blog}}}]
    ports: [{port: 5432}]
  egress:
  - ports: [{port: 53, protocol: UDP}]
`},
		"everything shut": {policy: `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: blog}
spec:
  podSelector: {matchLabels: {cnpg.io/cluster: blog-db}}
  policyTypes: [Ingress, Egress]
`, shut: true},
		"every database, and the application's egress": {policy: `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: blog}
spec:
  podSelector: {matchExpressions: [{key: cnpg.io/cluster, operator: Exists}]}
  ingress:
  - ports: [{port: 5432}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: app, namespace: blog}
spec:
  podSelector: {matchLabels: {app: blog}}
  policyTypes: [Egress]
  egress:
  - to: [{podSelector: {matchLabels: {cnpg.io/cluster: blog-db}}}]
`, open: []int{5432}},
		"Cilium, ingress": {policy: `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: db, namespace: blog}
spec:
  endpointSelector: {matchLabels: {cnpg.io/cluster: blog-db}}
  ingress:
  - fromEndpoints: [{matchLabels: {app: blog}}]
    toPorts: [{ports: [{port: "5432"}]}]
`},
		"Cilium, both directions and the application's": {policy: `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: db, namespace: blog}
specs:
- endpointSelector: {matchExpressions: [{key: k8s:cnpg.io/cluster, operator: In, values: [blog-db]}]}
  ingress:
  - fromEndpoints: [{matchLabels: {app: blog}}]
    toPorts: [{ports: [{port: "5432"}]}]
  - fromEndpoints: [{matchLabels: {cnpg.io/cluster: blog-db}}]
    toPorts: [{ports: [{port: "5432"}, {port: "8000"}]}]
  egress:
  - toEntities: [kube-apiserver]
- endpointSelector: {matchLabels: {app: blog}}
  egress:
  - toEndpoints: [{matchLabels: {cnpg.io/cluster: blog-db}}]
`},
		"Cilium, every Cluster": {policy: `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: db, namespace: blog}
spec:
  endpointSelector: {matchExpressions: [{key: cnpg.io/cluster, operator: Exists}]}
  ingress:
  - toPorts: [{ports: [{port: "5432"}]}]
  egress:
  - toEntities: [kube-apiserver]
`, open: []int{5432}},
		"Cilium, every Pod, as CloudNativePG shows it": {policy: `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: db, namespace: blog}
spec:
  endpointSelector: {}
  ingress:
  - fromEndpoints:
    - matchLabels: {io.kubernetes.pod.namespace: blog, cnpg.io/cluster: blog-db}
    - matchLabels: {app: blog}
    toPorts: [{ports: [{port: "8000"}, {port: "5432"}]}]
`},
	}
	for name, test := range tests {
		for _, two := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/two clusters %v", name, two), func(t *testing.T) {
				sides := []string{"both", "both"}
				if two {
					sides = []string{"primary", "replica"}
				}
				policies := make(map[string][]values)
				for _, side := range sides {
					c := cfg
					c.Side, c.PeerClusters = postrender.Side(side), []string{farCluster}
					out, _, err := render(t, c, []byte(database+"---"+test.policy))
					if err != nil {
						t.Fatal(err)
					}
					_, policies[side] = withoutPolicies(t, objects(t, []byte(test.policy)), objects(t, out))
				}
				primary := host{sides[0], map[string]string{"cnpg.io/cluster": "blog-db", "cnpg.io/podRole": "instance"}}
				replica := host{sides[1], map[string]string{"cnpg.io/cluster": "blog-db-replica", "cnpg.io/podRole": "instance"}}
				job := host{sides[1], map[string]string{"cnpg.io/cluster": "blog-db-replica", "cnpg.io/jobRole": "pgbasebackup"}}
				app := host{sides[0], map[string]string{"app": "blog"}}
				other := host{sides[0], map[string]string{"cnpg.io/cluster": "other-db"}}
				guest := host{sides[1], map[string]string{"app": "guest"}}
				for _, connection := range []struct {
					from, to host
					port     int
					want     bool
				}{
					{replica, primary, 5432, true},
					{job, primary, 5432, true},
					{primary, replica, 5432, true},
					{primary, primary, 5432, true},
					{primary, primary, 8000, true},
					{replica, replica, 5432, true},
					{replica, replica, 8000, true},
					{app, primary, 5432, !test.shut},
					{guest, primary, 8000, false},
					{other, primary, 8000, false},
					{other, replica, 8000, false},
					{guest, replica, 9187, false},
					{primary, replica, 9187, false},
					{replica, primary, 9187, false},
				} {
					if got := reaches(policies, connection.from, connection.to, connection.port); got != connection.want {
						t.Errorf("%v to %v, port %d: %v, want %v", connection.from, connection.to, connection.port, got, connection.want)
					}
				}
				// an application beside the member that it asks for
				for _, member := range []host{primary, replica} {
					if near := (host{member.side, app.labels}); reaches(policies, near, member, 5432) == test.shut {
						t.Errorf("the application beside it to %v: %v", member, test.shut)
					}
				}
				for _, port := range []int{5432, 8000} {
					want := len(test.open) > 0 && test.open[0] == port
					for _, member := range []host{primary, replica} {
						if got := reaches(policies, host{member.side, guest.labels}, member, port); got != want {
							t.Errorf("a guest to %v, port %d: %v, want %v", member, port, got, want)
						}
					}
				}
			})
		}
	}
}

// TestPolicyErrors: a policy that would cut the pair is an error with a place, and
// so is one that cannot be read.
func TestPolicyErrors(t *testing.T) {
	in, err := os.ReadFile(filepath.Join("..", "testdata", "policies-cilium", "in.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for side, lines := range map[string][]int{"both": nil, "primary": {17, 60}, "replica": {17, 60}} {
		c := cfg
		c.Side = postrender.Side(side)
		_, _, err := render(t, c, in)
		all := message.Split(err)
		if len(all) != len(lines) {
			t.Errorf("--side %s: %v, want errors at the lines %v", side, err, lines)
			continue
		}
		for i, line := range lines {
			if e, ok := all[i].(*postrender.Error); !ok || e.Line != line || e.Hint() == "" || e.Object == "" {
				t.Errorf("--side %s: %#v", side, all[i])
			}
		}
	}
}
