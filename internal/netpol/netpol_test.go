package netpol_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/internal/netpol"
	"github.com/openova-io/helm-cnpg-pair/internal/topology"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

func settings(side string, peerClusters ...string) topology.Settings {
	return topology.Settings{EnableHotStandby: true, PrimaryRegion: "fsn1", ReplicaRegion: "hel1", Side: side, PeerClusters: peerClusters}
}

func cluster(name string) string {
	return "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: " + name + ", namespace: blog}\nspec: {instances: 3}\n---\n"
}

const (
	kubernetes = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
	cilium     = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
)

func read(t *testing.T, s topology.Settings, stream string) (*manifest.Stream, *netpol.Policies, []*netpol.Cluster) {
	t.Helper()
	top, err := topology.New(s)
	if err != nil {
		t.Fatal(err)
	}
	read, problems := manifest.Read([]manifest.Source{{Name: "stdin", Data: []byte(stream)}})
	if len(problems) > 0 {
		t.Fatal(problems[0].Err)
	}
	var clusters []*netpol.Cluster
	for _, o := range read.Objects {
		if o.IsCluster() {
			clusters = append(clusters, &netpol.Cluster{Object: o, Pair: top.Pair(o.Name, true)})
		}
	}
	return read, netpol.Read(read.Objects, clusters), clusters
}

// changesOf returns the changes of all policies for pairs.
func changesOf(policies *netpol.Policies, objects []*manifest.Object, pairs []*netpol.Cluster) (map[*yaml.Node]yamledit.Change, []manifest.Problem) {
	all, problems := make(map[*yaml.Node]yamledit.Change), []manifest.Problem(nil)
	changes := policies.For(pairs, nil)
	for _, o := range objects {
		switch change, changes, err := changes.Of(o); {
		case err != nil:
			problems = append(problems, manifest.Problem{Object: o, Err: err})
		case changes:
			all[o.Tree()] = change
		}
	}
	return all, problems
}

func decode(t *testing.T, text string) (v any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	return v
}

func decodeTree(t *testing.T, tree *yaml.Node) map[string]any {
	t.Helper()
	var v map[string]any
	if err := tree.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestChanges: what becomes of a policy beside the Cluster db. A spec that is left
// out of a test is one that does not change, or that is not there.
func TestChanges(t *testing.T) {
	const (
		otherCluster = "matchExpressions: [{key: k8s:io.kubernetes.pod.namespace, operator: Exists}, {key: k8s:io.cilium.k8s.policy.cluster, operator: In, values: [there]}]"
		tcp          = "protocol: TCP"
	)
	// rules of NetworkPolicies and of CiliumNetworkPolicies, for one member on ports
	rule := func(peers, name string, ports ...int) string {
		var all []string
		for _, port := range ports {
			all = append(all, fmt.Sprintf("{port: %d, %s}", port, tcp))
		}
		return fmt.Sprintf("{%s: [{podSelector: {matchLabels: {cnpg.io/cluster: %s}}}], ports: [%s]}", peers, name, strings.Join(all, ", "))
	}
	ciliumRule := func(peers, key, name, more string, ports ...int) string {
		var all []string
		for _, port := range ports {
			all = append(all, fmt.Sprintf("{port: %q, %s}", fmt.Sprint(port), tcp))
		}
		return fmt.Sprintf("{%s: [{matchLabels: {%q: %s}, %s}], toPorts: [{ports: [%s]}]}", peers, key, name, more, strings.Join(all, ", "))
	}
	web := "{from: [{podSelector: {matchLabels: {app: web}}}]}"
	both := settings("both")
	tests := []struct {
		name           string
		settings       topology.Settings
		head           string
		spec           string
		inPlace, added string
	}{
		{"a policy of the Cluster", both, kubernetes,
			"{podSelector: {matchLabels: {cnpg.io/cluster: db}}, ingress: [" + web + "]}",
			"{podSelector: {matchLabels: {cnpg.io/cluster: db}}, ingress: [" + web + ", " + rule("from", "db", 5432, 8000) + ", " + rule("from", "db-replica", 5432) + "]}",
			"{podSelector: {matchLabels: {cnpg.io/cluster: db-replica}}, ingress: [" + web + ", " + rule("from", "db", 5432) + ", " + rule("from", "db-replica", 5432, 8000) + "]}"},
		{"on the side of the primary", settings("primary"), kubernetes,
			"{podSelector: {matchLabels: {cnpg.io/cluster: db}}}",
			"{podSelector: {matchLabels: {cnpg.io/cluster: db}}, ingress: [" + rule("from", "db", 5432, 8000) + ", " + rule("from", "db-replica", 5432) + "]}",
			""},
		{"on the side of the replica", settings("replica"), kubernetes,
			"{podSelector: {matchLabels: {cnpg.io/cluster: db}}}",
			"",
			"{podSelector: {matchLabels: {cnpg.io/cluster: db-replica}}, ingress: [" + rule("from", "db", 5432) + ", " + rule("from", "db-replica", 5432, 8000) + "]}"},
		{"a policy that allows the pair everything", both, kubernetes,
			"{podSelector: {matchLabels: {cnpg.io/cluster: db}}, ingress: [{ports: [{port: postgresql}, {port: 8000, endPort: 8001}]}]}",
			"",
			"{podSelector: {matchLabels: {cnpg.io/cluster: db-replica}}, ingress: [{ports: [{port: postgresql}, {port: 8000, endPort: 8001}]}]}"},
		{"a policy of another protocol", both, kubernetes,
			"{podSelector: {matchLabels: {cnpg.io/cluster: db}}, policyTypes: [Egress], egress: [{ports: [{port: 5432, protocol: UDP}]}]}",
			"{podSelector: {matchLabels: {cnpg.io/cluster: db}}, policyTypes: [Egress], egress: [{ports: [{port: 5432, protocol: UDP}]}, " + rule("to", "db", 5432, 8000) + ", " + rule("to", "db-replica", 5432) + "]}",
			"{podSelector: {matchLabels: {cnpg.io/cluster: db-replica}}, policyTypes: [Egress], egress: [{ports: [{port: 5432, protocol: UDP}]}, " + rule("to", "db", 5432) + ", " + rule("to", "db-replica", 5432, 8000) + "]}"},
		{"rules for egress isolate too", both, kubernetes,
			"{podSelector: {matchLabels: {cnpg.io/cluster: db}}, ingress: [{}], egress: [{ports: [{port: 53}, {port: 6000, endPort: 9000}]}]}",
			"{podSelector: {matchLabels: {cnpg.io/cluster: db}}, ingress: [{}], egress: [{ports: [{port: 53}, {port: 6000, endPort: 9000}]}, " + rule("to", "db", 5432) + ", " + rule("to", "db-replica", 5432) + "]}",
			"{podSelector: {matchLabels: {cnpg.io/cluster: db-replica}}, ingress: [{}], egress: [{ports: [{port: 53}, {port: 6000, endPort: 9000}]}, " + rule("to", "db", 5432) + ", " + rule("to", "db-replica", 5432) + "]}"},
		{"the Cluster as its own peer", both, kubernetes,
			"{podSelector: {matchLabels: {cnpg.io/cluster: db}}, ingress: [{from: [{podSelector: {matchLabels: {cnpg.io/cluster: db}}}]}]}",
			"{podSelector: {matchLabels: {cnpg.io/cluster: db}}, ingress: [{from: [{podSelector: {matchLabels: {cnpg.io/cluster: db}}}]}, " + rule("from", "db-replica", 5432) + "]}",
			"{podSelector: {matchLabels: {cnpg.io/cluster: db-replica}}, ingress: [{from: [{podSelector: {matchLabels: {cnpg.io/cluster: db-replica}}}]}, " + rule("from", "db", 5432) + "]}"},
		{"every Cluster", both, kubernetes,
			"{podSelector: {matchExpressions: [{key: cnpg.io/cluster, operator: Exists}]}}",
			"",
			"{podSelector: {matchExpressions: [{key: cnpg.io/cluster, operator: In, values: [db, db-replica]}]}, ingress: [" + rule("from", "db", 5432, 8000) + ", " + rule("from", "db-replica", 5432, 8000) + "]}"},
		{"every Cluster, and the pair may do everything", both, kubernetes,
			"{podSelector: {matchExpressions: [{key: cnpg.io/cluster, operator: Exists}]}, ingress: [{}]}", "", ""},
		{"one of two by name, and the pair may do everything", both, kubernetes,
			"{podSelector: {matchExpressions: [{key: cnpg.io/cluster, operator: In, values: [db, old]}]}, ingress: [{}]}", "",
			"{podSelector: {matchExpressions: [{key: cnpg.io/cluster, operator: In, values: [db, db-replica]}]}, ingress: [{}]}"},
		{"the pair by name", both, kubernetes,
			"{podSelector: {matchExpressions: [{key: cnpg.io/cluster, operator: In, values: [db, db-replica]}]}}",
			"{podSelector: {matchExpressions: [{key: cnpg.io/cluster, operator: In, values: [db, db-replica]}]}, ingress: [" + rule("from", "db", 5432, 8000) + ", " + rule("from", "db-replica", 5432, 8000) + "]}",
			""},
		{"another's peer", both, kubernetes,
			"{podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {cnpg.io/cluster: db, a: b}}}]}]}",
			"{podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {cnpg.io/cluster: db, a: b}}}, {podSelector: {matchLabels: {cnpg.io/cluster: db-replica, a: b}}}]}]}",
			""},
		{"a peer in another namespace", both, kubernetes,
			"{podSelector: {}, egress: [{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}, podSelector: {matchLabels: {cnpg.io/cluster: db}}}]}]}", "", ""},
		{"a peer that is there already", both, kubernetes,
			"{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {cnpg.io/cluster: db}}}, {podSelector: {matchLabels: {cnpg.io/cluster: db-replica}}}]}]}", "", ""},
		{"blocks of addresses and Pods with more labels allow no member for sure", both, kubernetes,
			"{podSelector: {matchLabels: {cnpg.io/cluster: db}}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}, podSelector: {}}, {podSelector: {matchLabels: {a: b}}}]}]}",
			"{podSelector: {matchLabels: {cnpg.io/cluster: db}}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}, podSelector: {}}, {podSelector: {matchLabels: {a: b}}}]}, " + rule("from", "db", 5432, 8000) + ", " + rule("from", "db-replica", 5432) + "]}",
			"{podSelector: {matchLabels: {cnpg.io/cluster: db-replica}}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}, podSelector: {}}, {podSelector: {matchLabels: {a: b}}}]}, " + rule("from", "db", 5432) + ", " + rule("from", "db-replica", 5432, 8000) + "]}"},
		{"another Cluster excluded", both, kubernetes,
			"{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchExpressions: [{key: cnpg.io/cluster, operator: NotIn, values: [other]}]}}]}]}", "", ""},
		{"the Cluster excluded", both, kubernetes,
			"{podSelector: {matchExpressions: [{key: cnpg.io/cluster, operator: NotIn, values: [db]}]}}",
			"{podSelector: {matchExpressions: [{key: cnpg.io/cluster, operator: NotIn, values: [db, db-replica]}]}}",
			""},
		{"a key with a source is another label", both, kubernetes,
			"{podSelector: {matchLabels: {'k8s:cnpg.io/cluster': db}}}", "", ""},

		{"Cilium: the Cluster, spelt with a source", both, cilium,
			"{endpointSelector: {matchLabels: {'k8s:cnpg.io/cluster': db}}, egress: [{toEntities: [kube-apiserver]}]}",
			"{endpointSelector: {matchLabels: {'k8s:cnpg.io/cluster': db}}, egress: [{toEntities: [kube-apiserver]}, " + ciliumRule("toEndpoints", "k8s:cnpg.io/cluster", "db", "", 5432, 8000) + ", " + ciliumRule("toEndpoints", "k8s:cnpg.io/cluster", "db-replica", "", 5432) + "]}",
			"{endpointSelector: {matchLabels: {'k8s:cnpg.io/cluster': db-replica}}, egress: [{toEntities: [kube-apiserver]}, " + ciliumRule("toEndpoints", "k8s:cnpg.io/cluster", "db", "", 5432) + ", " + ciliumRule("toEndpoints", "k8s:cnpg.io/cluster", "db-replica", "", 5432, 8000) + "]}"},
		{"Cilium: no section isolates nobody", both, cilium,
			"{endpointSelector: {matchLabels: {cnpg.io/cluster: db}}}", "",
			"{endpointSelector: {matchLabels: {cnpg.io/cluster: db-replica}}}"},
		{"Cilium: isolation switched off", both, cilium,
			"{endpointSelector: {matchLabels: {cnpg.io/cluster: db}}, enableDefaultDeny: {ingress: false}, ingress: [{fromEntities: [host]}]}", "",
			"{endpointSelector: {matchLabels: {cnpg.io/cluster: db-replica}}, enableDefaultDeny: {ingress: false}, ingress: [{fromEntities: [host]}]}"},
		{"Cilium: what is denied isolates too", both, cilium,
			"{endpointSelector: {matchLabels: {cnpg.io/cluster: db}}, ingressDeny: [{fromEntities: [world]}]}",
			"{endpointSelector: {matchLabels: {cnpg.io/cluster: db}}, ingressDeny: [{fromEntities: [world]}], ingress: [" + ciliumRule("fromEndpoints", "cnpg.io/cluster", "db", "", 5432, 8000) + ", " + ciliumRule("fromEndpoints", "cnpg.io/cluster", "db-replica", "", 5432) + "]}",
			"{endpointSelector: {matchLabels: {cnpg.io/cluster: db-replica}}, ingressDeny: [{fromEntities: [world]}], ingress: [" + ciliumRule("fromEndpoints", "cnpg.io/cluster", "db", "", 5432) + ", " + ciliumRule("fromEndpoints", "cnpg.io/cluster", "db-replica", "", 5432, 8000) + "]}"},
		{"Cilium: denied peers", both, cilium,
			"{endpointSelector: {matchLabels: {app: web}}, ingressDeny: [{fromEndpoints: [{matchLabels: {cnpg.io/cluster: db}}]}]}",
			"{endpointSelector: {matchLabels: {app: web}}, ingressDeny: [{fromEndpoints: [{matchLabels: {cnpg.io/cluster: db}}, {matchLabels: {cnpg.io/cluster: db-replica}}]}]}",
			""},
		{"Cilium: the replica in another Kubernetes cluster", settings("primary", "there"), cilium,
			"{endpointSelector: {matchLabels: {cnpg.io/cluster: db}}, ingress: [{fromEntities: [cluster]}]}",
			"{endpointSelector: {matchLabels: {cnpg.io/cluster: db}}, ingress: [{fromEntities: [cluster]}, " + ciliumRule("fromEndpoints", "cnpg.io/cluster", "db-replica", otherCluster, 5432) + "]}",
			""},
		{"Cilium: all Kubernetes clusters may connect", settings("primary"), cilium,
			"{endpointSelector: {matchLabels: {cnpg.io/cluster: db}}, ingress: [{fromEntities: [all]}]}", "", ""},
		{"Cilium: a peer that is in another Kubernetes cluster", settings("replica", "there"), cilium,
			"{endpointSelector: {matchLabels: {app: web}}, egress: [{toEndpoints: [{matchLabels: {cnpg.io/cluster: db}}]}]}",
			"{endpointSelector: {matchLabels: {app: web}}, egress: [{toEndpoints: [{matchLabels: {cnpg.io/cluster: db}}, {matchLabels: {cnpg.io/cluster: db}, " + otherCluster + "}, {matchLabels: {cnpg.io/cluster: db-replica}}]}]}",
			""},
		{"Cilium: local endpoints are none of the other side", settings("replica", "there"), cilium,
			"{endpointSelector: {matchLabels: {cnpg.io/cluster: db}}, ingress: [{fromEndpoints: [{}]}]}", "",
			"{endpointSelector: {matchLabels: {cnpg.io/cluster: db-replica}}, ingress: [{fromEndpoints: [{}]}, " + ciliumRule("fromEndpoints", "cnpg.io/cluster", "db", otherCluster, 5432) + "]}"},
		{"Cilium: endpoints of the other side", settings("replica", "there"), cilium,
			"{endpointSelector: {matchLabels: {cnpg.io/cluster: db}}, ingress: [{fromEndpoints: [{}, {" + otherCluster + "}]}]}", "",
			"{endpointSelector: {matchLabels: {cnpg.io/cluster: db-replica}}, ingress: [{fromEndpoints: [{}, {" + otherCluster + "}]}]}"},
		{"Cilium: a rule without fields allows nobody", both, cilium,
			"{endpointSelector: {matchLabels: {cnpg.io/cluster: db}}, ingress: [{}]}",
			"{endpointSelector: {matchLabels: {cnpg.io/cluster: db}}, ingress: [{}, " + ciliumRule("fromEndpoints", "cnpg.io/cluster", "db", "", 5432, 8000) + ", " + ciliumRule("fromEndpoints", "cnpg.io/cluster", "db-replica", "", 5432) + "]}",
			"{endpointSelector: {matchLabels: {cnpg.io/cluster: db-replica}}, ingress: [{}, " + ciliumRule("fromEndpoints", "cnpg.io/cluster", "db", "", 5432) + ", " + ciliumRule("fromEndpoints", "cnpg.io/cluster", "db-replica", "", 5432, 8000) + "]}"},
		{"Cilium: nodes have no Pods", both, cilium,
			"{nodeSelector: {matchLabels: {cnpg.io/cluster: db}}, ingress: [{fromEntities: [host]}]}", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			stream, policies, clusters := read(t, test.settings, cluster("db")+test.head+"metadata: {name: p, namespace: blog}\nspec: "+test.spec+"\n")
			policy := stream.Objects[1].Tree()
			changes, problems := changesOf(policies, stream.Objects, clusters)
			if len(problems) > 0 {
				t.Fatal(problems[0].Err)
			}
			change, changed := changes[policy]
			if changed != (test.inPlace != "" || test.added != "") {
				t.Fatalf("changed: %v", changed)
			}
			if !changed {
				return
			}
			inPlace := test.inPlace
			if inPlace == "" {
				inPlace = test.spec
			}
			if diff := cmp.Diff(decode(t, inPlace), decodeTree(t, change.InPlace)["spec"]); diff != "" {
				t.Errorf("in place: %s", diff)
			}
			if len(change.Added) == 0 {
				if test.added != "" {
					t.Error("no copy")
				}
				return
			}
			added := decodeTree(t, change.Added[0].Tree)
			if diff := cmp.Diff(decode(t, test.added), added["spec"]); diff != "" || len(change.Added) > 1 || !change.Added[0].Copy {
				t.Errorf("copy: %s", diff)
			}
			if diff := cmp.Diff(decode(t, "{name: p-replica, namespace: blog}"), added["metadata"]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestSpecs: the replica's copy has only those specs that concern the pair.
func TestSpecs(t *testing.T) {
	of := func(label, name string) string {
		return "{endpointSelector: {matchLabels: {" + label + ": " + name + "}}, ingress: [{fromEntities: [all]}]}"
	}
	stream, policies, clusters := read(t, settings("both"), cluster("db")+cilium+"metadata: {name: p}\nspec: "+of("app", "web")+
		"\nspecs: ["+of("app", "admin")+", "+of("cnpg.io/cluster", "db")+"]\n")
	changes, _ := changesOf(policies, stream.Objects, clusters)
	added := changes[stream.Objects[1].Tree()].Added
	if len(added) != 1 {
		t.Fatalf("%d copies", len(added))
	}
	want := decode(t, cilium+"metadata: {name: p-replica}\nspecs: ["+of("cnpg.io/cluster", "db-replica")+"]\n")
	if diff := cmp.Diff(want, any(decodeTree(t, added[0].Tree))); diff != "" {
		t.Error(diff)
	}
}

// TestCopyNames: a policy of several Clusters has a copy for each pair.
func TestCopyNames(t *testing.T) {
	stream, policies, clusters := read(t, settings("both"), cluster("a")+cluster("b")+cluster("single")+kubernetes+
		"metadata: {name: p, namespace: blog, uid: 1-2-3, annotations: {a: b}}\nspec: {podSelector: {matchExpressions: [{key: cnpg.io/cluster, operator: Exists}]}}\nstatus: {}\n")
	changes, _ := changesOf(policies, stream.Objects, clusters[:2])
	var got []any
	for _, added := range changes[stream.Objects[3].Tree()].Added {
		tree := decodeTree(t, added.Tree)
		got = append(got, tree["metadata"])
		if tree["status"] != nil {
			t.Error("the copy has a status")
		}
	}
	want := decode(t, "[{name: p-a-replica, namespace: blog, annotations: {a: b}}, {name: p-b-replica, namespace: blog, annotations: {a: b}}]")
	if diff := cmp.Diff(want, any(got)); diff != "" {
		t.Error(diff)
	}
}

// TestNamespaces: a policy concerns the Clusters of its own namespace only.
func TestNamespaces(t *testing.T) {
	stream, policies, clusters := read(t, settings("both"), cluster("db")+policyOf(kubernetes, "{name: p, namespace: shop}", "db")+
		kubernetes+"metadata: {name: q, namespace: shop}\nspec: {podSelector: {matchExpressions: [{key: cnpg.io/cluster, operator: NotIn, values: [db]}]}, ingress: [{from: [{podSelector: {matchLabels: {cnpg.io/cluster: db}}}]}]}\n")
	if changes, problems := changesOf(policies, stream.Objects, clusters); len(changes)+len(problems) > 0 {
		t.Errorf("%d changes, %d problems", len(changes), len(problems))
	}
}

// TestManyPairs: a policy gets the replicas of the pairs that it names, in the order
// of the stream, and the replica of a replica that is a pair itself.
func TestManyPairs(t *testing.T) {
	stream, policies, clusters := read(t, settings("both"), cluster("c")+cluster("b")+cluster("a")+cluster("a-replica")+kubernetes+
		"metadata: {name: p, namespace: blog}\nspec: {podSelector: {}, ingress: [{from: [{podSelector: {matchExpressions: [{key: cnpg.io/cluster, operator: In, values: [a, c]}]}}]}]}\n")
	changes, _ := changesOf(policies, stream.Objects, clusters)
	peers := yamledit.Get(yamledit.Get(yamledit.Get(changes[stream.Objects[4].Tree()].InPlace, "spec"), "ingress").Content[0], "from").Content
	var got []string
	for _, peer := range peers[1:] {
		got = append(got, yamledit.Get(yamledit.Get(yamledit.Get(peer, "podSelector"), "matchExpressions").Content[0], "values").Content[0].Value)
	}
	if diff := cmp.Diff([]string{"c-replica", "a-replica", "a-replica-replica"}, got); diff != "" {
		t.Error(diff)
	}
}

// policyOf is a policy that selects the Pods of a Cluster.
func policyOf(head, metadata, cluster string) string {
	subject := "podSelector"
	if head == cilium {
		subject = "endpointSelector"
	}
	return head + "metadata: " + metadata + "\nspec: {" + subject + ": {matchLabels: {cnpg.io/cluster: " + cluster + "}}}\n---\n"
}

func TestConflict(t *testing.T) {
	own := policyOf(kubernetes, "{name: p, namespace: blog}", "db")
	tests := map[string]struct {
		policies string
		side     string
		want     message.ID
	}{
		"none":                                 {own, "both", ""},
		"taken":                                {own + policyOf(kubernetes, "{name: p-replica}", "other"), "both", message.PolicyNameTaken},
		"taken, but the copy is not made here": {own + policyOf(kubernetes, "{name: p-replica}", "other"), "primary", ""},
		"taken in another namespace":           {own + policyOf(kubernetes, "{name: p-replica, namespace: shop}", "other"), "both", ""},
		"taken by a policy of another kind":    {own + policyOf(cilium, "{name: p-replica}", "other"), "both", ""},
		"no name":                              {policyOf(cilium, "{generateName: p-}", "db"), "replica", message.PolicyWithoutName},
		"no name, and no copy":                 {policyOf(cilium, "{generateName: p-}", "db"), "primary", ""},
		"no name, of another Cluster":          {policyOf(cilium, "{generateName: p-}", "other"), "both", ""},
		"a selector that is no mapping":        {kubernetes + "metadata: {namespace: blog}\nspec: {podSelector: cnpg.io/cluster=db}\n", "both", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, policies, clusters := read(t, settings(test.side), cluster("db")+test.policies)
			got := policies.Conflict(clusters[0])
			if (got == nil) != (test.want == "") || got != nil && (got.ID != test.want || strings.Contains(got.Error()+got.Hint(), "{")) {
				t.Errorf("%v, want %q", got, test.want)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	tests := map[string]struct {
		settings topology.Settings
		policies string
		want     message.ID
		text     string
		line     int // 0: that of the object
	}{
		"the other Kubernetes cluster has no name": {settings("primary"),
			cilium + "metadata: {name: p, namespace: blog}\nspec:\n  endpointSelector: {matchLabels: {cnpg.io/cluster: db}}\n  ingress: [{fromEntities: [cluster]}]\n",
			message.NoPeerClusters, "it isolates the Pods of Cluster blog/db and would cut the pair: with --side primary, db-replica ", 10},
		"nor for a policy of every Pod": {settings("replica"),
			cilium + "metadata: {name: p, namespace: blog}\nspec:\n  endpointSelector: {}\n  ingress: [{fromEndpoints: [{matchLabels: {cnpg.io/cluster: db}}]}]\n",
			message.NoPeerClusters, "it isolates the Pods of Cluster blog/db and would cut the pair: with --side replica, db ", 10},
		"two copies of one name": {settings("both"),
			policyOf(kubernetes, "{name: p}", "db") + policyOf(kubernetes, "{name: p, namespace: blog}", "db"),
			message.PolicyNamesMatch, "the replica's copy of it and that of NetworkPolicy p (stdin:6) would both be called p-replica", 0},
		"peers that are no list": {settings("both"),
			kubernetes + "metadata: {name: p}\nspec:\n  podSelector: {matchLabels: {cnpg.io/cluster: db}}\n  egress:\n  - ports: []\n  - to: {}\n",
			message.ExpectedSequence, "egress[1].to: expected a sequence", 13},
		"a selector that is no mapping": {settings("both"),
			cilium + "metadata: {name: p}\nspec:\n  endpointSelector: {matchLabels: {cnpg.io/cluster: db}}\n  ingressDeny:\n  - fromEndpoints:\n    - matchLabels: app\n",
			message.ExpectedMapping, "ingressDeny[0].fromEndpoints[0].matchLabels: expected a mapping", 13},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			stream, policies, clusters := read(t, test.settings, cluster("db")+test.policies)
			_, problems := changesOf(policies, stream.Objects, clusters)
			if len(problems) != 1 {
				t.Fatalf("%d problems", len(problems))
			}
			err := problems[0].Err
			var m *message.Message
			if !errors.As(err, &m) || m.ID != test.want || !strings.HasPrefix(err.Error(), test.text) {
				t.Errorf("%v, want %s", err, test.text)
			}
			line := 0
			var at *yamledit.Error
			if errors.As(err, &at) {
				line = at.Line
			}
			if line != test.line {
				t.Errorf("line %d, want %d", line, test.line)
			}
		})
	}
}
