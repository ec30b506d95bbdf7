package manifest_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
)

// TestRead: which documents are read, and which of those that are broken are our problem.
func TestRead(t *testing.T) {
	const v1 = "apiVersion: postgresql.cnpg.io/v1\n"
	wide := func(text string, order func(uint16) []byte) string {
		var b strings.Builder
		for _, unit := range utf16.Encode([]rune(text)) {
			b.Write(order(unit))
		}
		return b.String()
	}
	little := func(u uint16) []byte { return []byte{byte(u), byte(u >> 8)} }
	big := func(u uint16) []byte { return []byte{byte(u >> 8), byte(u)} }
	for _, tt := range []struct{ name, text, want string }{
		{"a Cluster", v1 + "kind: Cluster\nmetadata: {name: a, namespace: b}\n", "Cluster b/a"},
		{"with remarks", "# x\n\napiVersion: postgresql.cnpg.io/v1 # a\nkind: Cluster # b\n", "Cluster"},
		{"with CR LF", "apiVersion: postgresql.cnpg.io/v1\r\n\r\nkind: Cluster\r\n", "Cluster"},
		{"with quotes", "'apiVersion': \"postgresql.cnpg.io/v1\"\n\"kind\": 'Cluster'\n", "Cluster"},
		{"with blanks before the colon", "apiVersion : postgresql.cnpg.io/v1\nkind : Cluster\n", "Cluster"},
		{"with escapes", "apiVersion: \"postgresql.cnpg.i\\u006f/v1\"\nkind: Cluster\n", "Cluster"},
		{"with escapes, second", "{\"x\": {apiVersion: 'a'}, \"apiVersion\":\"postgresql.cnpg.i\\u006f/v1\",\n \"kind\": \"Cl\\u0075ster\"}\n", "Cluster"},
		{"with an anchor", "apiVersion: &v postgresql.cnpg.io/v1\nkind: &k Cluster\n", "Cluster"},
		{"in flow style", "{apiVersion: postgresql.cnpg.io/v1, kind: Cluster, metadata: {name: a}}", "Cluster a"},
		{"indented", "  apiVersion: postgresql.cnpg.io/v1\n  kind: Cluster\n", "Cluster"},
		{"of another version", "apiVersion: postgresql.cnpg.io/v2\nkind: Cluster\n", "Cluster"},
		{"mentioned in UTF-16", "apiVersion: v1\nkind: ConfigMap\n# " + wide("postgresql.cnpg.io", little) + "\n", ""},
		{"of a group alone", "apiVersion: postgresql.cnpg.io\nkind: Cluster\n", ""},
		{"of another group", "apiVersion: x.io/v1\nkind: Cluster\nx: postgresql.cnpg.io\n", ""},
		{"of a kind that begins so", v1 + "kind: ClusterImageCatalog\n", ""},
		{"mentioned", "apiVersion: v1\nkind: ConfigMap\ndata:\n  x: |\n    apiVersion: postgresql.cnpg.io/v1\n    kind: Cluster\n", ""},
		{"in a List", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: postgresql.cnpg.io/v1\n  kind: Cluster\n- kind: x\n", "Cluster, x"},
		{"in a List in a List", "kind: XList\nitems:\n- kind: List\n  items: [{apiVersion: postgresql.cnpg.io/v1, kind: Cluster}]\n", "Cluster"},
		{"in what is no List", "kind: Listing\nitems:\n- apiVersion: postgresql.cnpg.io/v1\n  kind: Cluster\n", ""},
		{"a List of no items", "apiVersion: postgresql.cnpg.io/v1\nkind: ClusterList\nitems: {}\n", ""},
		{"a List that is null", "apiVersion: postgresql.cnpg.io/v1\nkind: ClusterList\nitems:\n", ""},
		{"a name that is none", v1 + "kind: Cluster\nmetadata: {name: [a]}\n", "Cluster: metadata.name: expected a string"},
		{"a namespace that is none", v1 + "kind: Cluster\nmetadata: {name: a, namespace: [a]}\n", "Cluster a: metadata.namespace: expected a string"},

		{"the mesh Service", "apiVersion: v1\nkind: Service\nmetadata: {name: a-mesh}\n", "Service a-mesh"},
		{"the write address", "apiVersion: v1\nkind: Service\nmetadata: {name: a-active}\n", "Service a-active"},
		{"a Service of the replica", "apiVersion: v1\nkind: Service\nmetadata: {name: a-replica-rw}\n", "Service a-replica-rw"},
		{"a Service of the primary", "apiVersion: v1\nkind: Service\nmetadata: {name: a-rw}\n", "Service a-rw"},
		{"another Service", "apiVersion: v1\nkind: Service\nmetadata: {name: a-web}\n", ""},
		{"another kind of Service", "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: a-mesh}\n", ""},
		{"a Service of another version", "apiVersion: v2\nkind: Service\nmetadata: {name: a-mesh}\n", ""},
		{"a Pooler", v1 + "kind: Pooler\nmetadata: {name: a-replica-r}\n", "Pooler a-replica-r"},
		{"a Pooler of another group", "apiVersion: x.io/v1\nkind: Pooler\nmetadata: {name: a-replica-r}\n", ""},
		{"a ConfigMap of such a name", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a-mesh}\n", ""},
		{"a Service in a List", "kind: List\nitems: [{apiVersion: v1, kind: Service, metadata: {name: a-active}}]\n", "Service a-active"},

		{"a policy of Clusters", "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nspec: {podSelector: {matchLabels: {cnpg.io/cluster: a}}}\n", "NetworkPolicy"},
		{"a policy of a copy's name", "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a-replica}\n", "NetworkPolicy a-replica"},
		{"another policy", "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\n", ""},
		{"a policy of another group", "apiVersion: crd.projectcalico.org/v1\nkind: NetworkPolicy\nmetadata: {name: a-replica}\n", ""},
		{"Cilium's", "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: a-replica}\n", "CiliumNetworkPolicy a-replica"},
		{"Cilium's for all namespaces", "apiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\nmetadata: {name: a-replica}\n", ""},

		{"broken", v1 + "kind: Cluster\nmetadata:\n  name: a\nx: y: z\n", "Cluster a: not YAML"},
		{"broken, with quotes", "\"apiVersion\": \"postgresql.cnpg.io/v1\"\n'kind': \"Cluster\"\n'metadata':\n  labels:\n    x: y\n  \"name\": 'a'\nx: y: z\n", "Cluster a: not YAML"},
		{"broken, without a kind", v1 + "metadata:\n  name: a # b\nx: y: z\n", "Cluster a: not YAML"},
		{"broken, and of another kind", v1 + "kind: Backup\nx: y: z\n", ""},
		{"broken, and of another group", "apiVersion: v1\nkind: ConfigMap\nx: postgresql.cnpg.io: z\n", ""},
		{"broken, in flow style", "{apiVersion: postgresql.cnpg.io/v1, kind: Cluster, metadata: {name: a}", "Cluster: not YAML"},
		{"broken, in JSON", "[{\"apiVersion\":\"postgresql.cnpg.io/v1\",\"kind\":\"Cluster\"", "Cluster: not YAML"},
		{"broken, in JSON, and of another kind", "{\"apiVersion\":\"postgresql.cnpg.io/v1\",\"kind\":\"ClusterImageCatalog\"", ""},
		{"broken, in a List", "kind: List\nitems:\n- apiVersion: postgresql.cnpg.io/v1\n  kind: Cluster\n x\n", "Cluster: not YAML"},
		{"broken, in what is no List", "kind: Listing\nitems:\n- apiVersion: postgresql.cnpg.io/v1\n  kind: Cluster\n x\n", ""},
		{"broken, and mentioned", "x: y: z\ndata: |\n  apiVersion: postgresql.cnpg.io/v1\n  kind: Cluster\n", ""},
		{"a broken Service", "apiVersion: v1\nkind: Service\nmetadata: {name: a-mesh\n", ""},

		{"UTF-16", wide("\ufeff"+v1+"kind: Cluster\n", little), ": the stream is UTF-16"},
		{"UTF-16, the other way round", wide("\ufeff"+v1+"kind: Cluster\n", big), ": the stream is UTF-16"},
		{"UTF-16 without a mark", wide(v1+"kind: Cluster\n", little), ": the stream is UTF-16"},
		{"UTF-16 without a mark, the other way round", wide(v1+"kind: Cluster\n", big), ": the stream is UTF-16"},
		{"UTF-16 of something else", wide("\ufeffkind: Cluster\n", little), ""},
		{"a byte", "x", ""},
		{"nothing", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stream, problems := manifest.Read([]manifest.Source{{Name: "in", Data: []byte(tt.text)}})
			var got []string
			for _, o := range stream.Objects {
				got = append(got, o.Title())
			}
			for _, p := range problems {
				said, _, _ := strings.Cut(p.Err.Error(), ": ")
				if strings.HasPrefix(said, "metadata") {
					said = p.Err.Error()
				}
				got = append(got, fmt.Sprintf("%s: %s", p.Object.Title(), said))
			}
			if got := strings.Join(got, ", "); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
