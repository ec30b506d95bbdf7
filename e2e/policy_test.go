// This file must not import code of this repository: see TestIndependent in postrender/.

package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/yaml"
)

// The network policies of pairs, before engines that others wrote: that of
// kube-network-policies on real packets between network namespaces, and that of
// Cilium asked about each connection.

const policyDatabase = `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: blog-db
  namespace: blog
spec:
  instances: 3
  storage:
    size: 1Gi
---
`

// policyStreams are policies as charts write them for that database. Each keeps all
// but the application and the operator from it, and would cut its pair.
var policyStreams = map[string]string{
	"NetworkPolicy": `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: blog-db, namespace: blog}
spec:
  podSelector:
    matchLabels:
      cnpg.io/cluster: blog-db
  policyTypes: [Ingress, Egress]
  ingress:
  - from:
    - podSelector: {matchLabels: {app: blog}}
    ports:
    - port: postgresql
  - from:
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: cnpg-system}}
    ports:
    - port: status
  egress:
  - ports:
    - {port: 53, protocol: UDP}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: blog, namespace: blog}
spec:
  podSelector: {matchLabels: {app: blog}}
  policyTypes: [Egress]
  egress:
  - to:
    - podSelector: {matchLabels: {cnpg.io/cluster: blog-db}}
    ports:
    - port: 5432
`,
	"NetworkPolicy for several Clusters": `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: databases, namespace: blog}
spec:
  podSelector:
    matchExpressions:
    - {key: cnpg.io/cluster, operator: In, values: [blog-db, other-db]}
  policyTypes: [Ingress, Egress]
  ingress:
  - from:
    - podSelector: {matchLabels: {app: blog}}
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: cnpg-system}}
  egress:
  - ports:
    - {port: 53, protocol: UDP}
`,
	"CiliumNetworkPolicy": `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: blog-db, namespace: blog}
spec:
  endpointSelector:
    matchLabels:
      k8s:cnpg.io/cluster: blog-db
  ingress:
  - fromEndpoints:
    - matchLabels: {app: blog}
    toPorts:
    - ports:
      - port: "5432"
  - fromEndpoints:
    - matchLabels: {k8s:io.kubernetes.pod.namespace: cnpg-system}
    toPorts:
    - ports:
      - port: "8000"
  egress:
  - toEntities: [kube-apiserver]
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: blog, namespace: blog}
spec:
  endpointSelector: {matchLabels: {app: blog}}
  egress:
  - toEndpoints:
    - matchLabels: {cnpg.io/cluster: blog-db}
    toPorts:
    - ports:
      - port: "5432"
        protocol: TCP
`,
	"CiliumNetworkPolicy for every Cluster": `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: databases, namespace: blog}
specs:
- endpointSelector:
    matchExpressions:
    - {key: cnpg.io/cluster, operator: Exists}
  ingress:
  - fromEndpoints:
    - matchLabels: {app: blog}
    - matchLabels: {k8s:io.kubernetes.pod.namespace: cnpg-system}
  egress:
  - toEntities: [kube-apiserver]
`,
}

// policyPod is a Pod that a policy may tell from others. Those of the replica run on
// the other side where there are two.
type policyPod struct {
	name, namespace string
	labels          map[string]string
	replicaSide     bool
}

func policyPods() []policyPod {
	instance := func(name, cluster string, there bool) policyPod {
		return policyPod{name, "blog", map[string]string{"cnpg.io/cluster": cluster, "cnpg.io/podRole": "instance"}, there}
	}
	return []policyPod{
		instance("blog-db-1", "blog-db", false),
		instance("blog-db-2", "blog-db", false),
		instance("blog-db-replica-1", "blog-db-replica", true),
		instance("blog-db-replica-2", "blog-db-replica", true),
		{"job", "blog", map[string]string{"cnpg.io/cluster": "blog-db-replica", "cnpg.io/jobRole": "pgbasebackup"}, true},
		instance("other-db-1", "other-db", false),
		{"app", "blog", map[string]string{"app": "blog"}, false},
		{"app-there", "blog", map[string]string{"app": "blog"}, true},
		{"guest", "blog", map[string]string{"app": "guest"}, false},
		{"operator", "cnpg-system", map[string]string{"app.kubernetes.io/name": "cloudnative-pg"}, false},
		{"operator-there", "cnpg-system", map[string]string{"app.kubernetes.io/name": "cloudnative-pg"}, true},
	}
}

// policyConnections are what a pair needs, and what must stay forbidden.
var policyConnections = map[string]bool{
	"blog-db-replica-1 blog-db-1 5432":         true,
	"job blog-db-1 5432":                       true,
	"blog-db-1 blog-db-replica-1 5432":         true, // after a change of sides
	"blog-db-2 blog-db-1 5432":                 true,
	"blog-db-2 blog-db-1 8000":                 true,
	"blog-db-replica-2 blog-db-replica-1 5432": true,
	"blog-db-replica-2 blog-db-replica-1 8000": true,
	"app blog-db-1 5432":                       true,
	"app-there blog-db-replica-1 5432":         true,
	"operator blog-db-1 8000":                  true,
	"operator-there blog-db-replica-1 8000":    true,
	"guest blog-db-1 5432":                     false,
	"guest blog-db-replica-1 5432":             false,
	"other-db-1 blog-db-1 5432":                false,
	"other-db-1 blog-db-replica-1 5432":        false,
	"other-db-1 blog-db-replica-1 8000":        false,
	"blog-db-1 other-db-1 5432":                false,
	"blog-db-replica-1 other-db-1 5432":        false,
	"blog-db-1 blog-db-replica-1 9187":         false,
	"blog-db-replica-1 blog-db-1 9187":         false,
}

// other-db is selected by no policy but those for several Clusters, so that what
// comes to it is open in the others.
func wanted(stream string) map[string]bool {
	want := make(map[string]bool)
	for connection, open := range policyConnections {
		if strings.HasPrefix(connection, "blog-db-") || !strings.Contains(connection, " other-db-1 ") || strings.Contains(stream, "Cluster") {
			want[connection] = open
		}
	}
	return want
}

// pairedPolicies returns the policies of a stream, before and after cnpg-pair, as
// JSON by kind.
func pairedPolicies(t *testing.T, stream string, args ...string) (before, after map[string][]json.RawMessage) {
	t.Helper()
	out, stderr, err := run(hotStandby, policyDatabase+stream, binary, append([]string{"--strict"}, args...)...)
	if err != nil {
		t.Fatalf("cnpg-pair %v: %v: %s", args, err, stderr)
	}
	return policiesIn(t, policyDatabase+stream), policiesIn(t, out)
}

func policiesIn(t *testing.T, stream string) map[string][]json.RawMessage {
	t.Helper()
	policies := make(map[string][]json.RawMessage)
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(stream), 1<<16)
	for {
		var object json.RawMessage
		if err := decoder.Decode(&object); err == io.EOF {
			return policies
		} else if err != nil {
			t.Fatal(err)
		}
		var head struct{ Kind string }
		if err := json.Unmarshal(object, &head); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(head.Kind, "NetworkPolicy") {
			policies[head.Kind] = append(policies[head.Kind], object)
		}
	}
}

// TestPolicyPackets opens real connections through the engine of
// kube-network-policies. Each Pod is a network namespace, joined to one that stands
// for the node, where every packet that begins a connection is judged.
func TestPolicyPackets(t *testing.T) {
	for _, program := range []string{"ip", "iptables"} {
		if _, err := exec.LookPath(program); err != nil || os.Getuid() != 0 {
			if os.Getenv("CI") != "" {
				t.Fatal("CI must have root, ip and iptables")
			}
			t.Skip("this needs root, ip and iptables")
		}
	}
	program := tool(t, "policy")
	node, addresses := policyNode(t, program)
	for name, stream := range policyStreams {
		if !strings.HasPrefix(name, "NetworkPolicy") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			before, after := pairedPolicies(t, stream)
			want := wanted(name)
			cut := 0
			for connection, open := range connections(t, program, node, addresses, before["NetworkPolicy"], want) {
				if want[connection] && !open {
					cut++
				}
			}
			if cut == 0 {
				t.Error("the policies as they were would not cut the pair: nothing is proven")
			}
			opened := 0
			for connection, open := range connections(t, program, node, addresses, after["NetworkPolicy"], want) {
				if open != want[connection] {
					t.Errorf("%s: connected %v, want %v", connection, open, want[connection])
				}
				if open {
					opened++
				}
			}
			evidence(t, "connections through the engine of kube-network-policies", "%d open, %d refused, as the pair needs them; %d of those that it needs were cut before", opened, len(want)-opened, cut)
		})
	}
}

// policyNode makes the network namespaces of a node and its Pods, with listeners in
// them, and returns the node's and the addresses of the Pods.
func policyNode(t *testing.T, program string) (node string, addresses map[string]string) {
	t.Helper()
	do := func(args ...string) {
		t.Helper()
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
	}
	prefix := fmt.Sprintf("cnpg-pair-%d-", os.Getpid())
	namespace := func(name string) string {
		do("ip", "netns", "add", prefix+name)
		t.Cleanup(func() { exec.Command("ip", "netns", "del", prefix+name).Run() })
		return prefix + name
	}
	node = namespace("node")
	in := func(ns string, args ...string) { do(append([]string{"ip", "netns", "exec", ns}, args...)...) }
	in(node, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
	in(node, "iptables", "-A", "FORWARD", "-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "ACCEPT")
	in(node, "iptables", "-A", "FORWARD", "-p", "tcp", "-j", "NFQUEUE", "--queue-num", "100")
	addresses = make(map[string]string)
	for i, pod := range policyPods() {
		ns := namespace(pod.name)
		subnet := fmt.Sprintf("10.99.%d.", i+1)
		link := fmt.Sprintf("pod%d", i+1)
		do("ip", "-n", node, "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", ns)
		do("ip", "-n", node, "addr", "add", subnet+"1/24", "dev", link)
		do("ip", "-n", node, "link", "set", link, "up")
		do("ip", "-n", ns, "addr", "add", subnet+"2/24", "dev", "eth0")
		do("ip", "-n", ns, "link", "set", "eth0", "up")
		do("ip", "-n", ns, "route", "add", "default", "via", subnet+"1")
		begin(t, nil, "ip", "netns", "exec", ns, program, "listen", "5432", "8000", "9187")
		addresses[pod.name] = subnet + "2"
	}
	return node, addresses
}

// begin starts a program, waits for its first line, and ends it with the test. The
// result ends it earlier.
func begin(t *testing.T, stdin []byte, args ...string) (end func()) {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin = bytes.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	ended := false
	end = func() {
		if !ended {
			ended = true
			cmd.Process.Kill()
			if err := cmd.Wait(); cmd.ProcessState.Exited() {
				t.Errorf("%v has ended by itself: %v: %s", args, err, stderr.String())
			}
		}
	}
	t.Cleanup(end)
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		t.Fatalf("%v: %v: %s", args, err, stderr.String())
	}
	return end
}

// connections tries connections under some policies, and returns which of them came
// about.
func connections(t *testing.T, program, node string, addresses map[string]string, policies []json.RawMessage, want map[string]bool) map[string]bool {
	t.Helper()
	var pods []any
	for _, pod := range policyPods() {
		address := addresses[pod.name]
		pods = append(pods, map[string]any{
			"metadata": map[string]any{"name": pod.name, "namespace": pod.namespace, "labels": pod.labels},
			"spec": map[string]any{"nodeName": "node", "containers": []any{map[string]any{"name": "main", "ports": []any{
				map[string]any{"name": "postgresql", "containerPort": 5432, "protocol": "TCP"},
				map[string]any{"name": "status", "containerPort": 8000, "protocol": "TCP"},
			}}}},
			"status": map[string]any{"phase": "Running", "podIP": address, "podIPs": []any{map[string]any{"ip": address}}},
		})
	}
	var namespaces []any
	for _, name := range []string{"blog", "cnpg-system"} {
		namespaces = append(namespaces, map[string]any{"metadata": map[string]any{"name": name, "labels": map[string]any{"kubernetes.io/metadata.name": name}}})
	}
	known, err := json.Marshal(map[string]any{"Namespaces": namespaces, "Pods": pods, "NetworkPolicies": policies})
	if err != nil {
		t.Fatal(err)
	}
	end := begin(t, known, "ip", "netns", "exec", node, program, "enforce")
	defer end()
	tries := make(map[string][]string) // addresses by where they are reached from
	for connection := range want {
		var from, to, port string
		fmt.Sscan(connection, &from, &to, &port)
		tries[from] = append(tries[from], addresses[to]+":"+port)
	}
	reached := make(map[string]bool)
	for from, targets := range tries {
		ns := strings.TrimSuffix(node, "node") + from
		out, stderr, err := run(nil, "", "ip", append([]string{"netns", "exec", ns, program, "connect"}, targets...)...)
		if err != nil {
			t.Fatalf("%v: %s", err, stderr)
		}
		for connection := range want {
			var source, to, port string
			fmt.Sscan(connection, &source, &to, &port)
			if source == from {
				reached[connection] = slices.Contains(strings.Fields(out), addresses[to]+":"+port)
			}
		}
	}
	return reached
}

// TestPolicyCilium asks Cilium's engine, in one Kubernetes cluster and in two that
// ClusterMesh joins, of which each has the policies of its own side. Since Cilium
// 1.19 a selector means the local cluster unless it names others; before, and by a
// setting still, it means all of them.
func TestPolicyCilium(t *testing.T) {
	program := large(t, "cilium", "some minutes")
	asked, opened, cut := 0, 0, 0
	for name, stream := range policyStreams {
		for _, two := range []bool{false, true} {
			sides, args := []string{"a", "a"}, [][]string{nil, nil}
			if two {
				sides = []string{"a", "b"}
				args = [][]string{{"--side", "primary", "--peer-clusters", "b"}, {"--side", "replica", "--peer-clusters", "a"}}
			}
			beforeHere, afterHere := pairedPolicies(t, stream, args[0]...)
			beforeThere, afterThere := pairedPolicies(t, stream, args[1]...)
			for _, local := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/two clusters %v/local unless named %v", name, two, local), func(t *testing.T) {
					want := wanted(name)
					if two && local && strings.HasPrefix(name, "NetworkPolicy") {
						// it can name no other cluster, as docs/reference.md tells
						want["blog-db-replica-1 blog-db-1 5432"], want["job blog-db-1 5432"] = false, false
						want["blog-db-1 blog-db-replica-1 5432"] = false
					}
					cutHere := 0
					for connection, open := range lookUp(t, program, sides, local, beforeHere, beforeThere, want) {
						if policyConnections[connection] && !open {
							cutHere++
						}
					}
					if cutHere == 0 {
						t.Error("the policies as they were would not cut the pair: nothing is proven")
					}
					for connection, open := range lookUp(t, program, sides, local, afterHere, afterThere, want) {
						if open != want[connection] {
							t.Errorf("%s: allowed %v, want %v", connection, open, want[connection])
						}
						if open {
							opened++
						}
					}
					asked, cut = asked+len(want), cut+cutHere
				})
			}
		}
	}
	evidence(t, "connections looked up in Cilium's policy engine", "%d, of which %d open, in one cluster and in two; %d of them were cut before", asked, opened, cut)
}

// lookUp asks about connections: the policies of the side that one comes from about
// its way out, those of the side that it goes to about its way in.
func lookUp(t *testing.T, program string, sides []string, local bool, here, there map[string][]json.RawMessage, want map[string]bool) map[string]bool {
	t.Helper()
	side := func(pod policyPod) string {
		if pod.replicaSide {
			return sides[1]
		}
		return sides[0]
	}
	pods := policyPods()
	var labels [][]string
	index := make(map[string]int)
	for i, pod := range pods {
		all := []string{"k8s:io.kubernetes.pod.namespace=" + pod.namespace, "k8s:io.cilium.k8s.policy.cluster=" + side(pod),
			"k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=" + pod.namespace}
		for key, value := range pod.labels {
			all = append(all, "k8s:"+key+"="+value)
		}
		labels, index[pod.name] = append(labels, all), i
	}
	var connections []string
	var asked []map[string]int
	for connection := range want {
		var from, to string
		var port int
		fmt.Sscan(connection, &from, &to, &port)
		connections = append(connections, connection)
		asked = append(asked, map[string]int{"From": index[from], "To": index[to], "Port": port})
	}
	answers := make([][]struct{ Egress, Ingress bool }, 2)
	for i, policies := range []map[string][]json.RawMessage{here, there} {
		question := map[string]any{
			"CiliumNetworkPolicies": policies["CiliumNetworkPolicy"], "NetworkPolicies": policies["NetworkPolicy"],
			"Pods": labels, "Ports": map[string]int{"postgresql": 5432, "status": 8000}, "Connections": asked,
		}
		if local {
			question["Cluster"] = sides[i]
		}
		text, err := json.Marshal(question)
		if err != nil {
			t.Fatal(err)
		}
		out, stderr, err := run(nil, string(text), program)
		if err != nil {
			t.Fatalf("%v: %s", err, stderr)
		}
		if err := json.Unmarshal([]byte(out), &answers[i]); err != nil {
			t.Fatal(err)
		}
	}
	allowed := make(map[string]bool)
	for i, connection := range connections {
		from, to := 0, 0
		if pods[asked[i]["From"]].replicaSide {
			from = 1
		}
		if pods[asked[i]["To"]].replicaSide {
			to = 1
		}
		allowed[connection] = answers[from][i].Egress && answers[to][i].Ingress
	}
	return allowed
}
