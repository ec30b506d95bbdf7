// This file must not import internal/, nor use more of package postrender than its settings and
// results: see TestIndependent.

package postrender_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	apiv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"github.com/google/go-cmp/cmp"
	yamlv2 "go.yaml.in/yaml/v2"
	k8syaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/kustomize/kyaml/kio"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// The judge reads what the renderer wrote by other means than the renderer:
// split by the API machinery, decoded by YAML 1.1, as Helm does it, parsed by
// kyaml, as kustomize and Helm 4 do it, and strictly into the API types of CNPG. What a pair must
// look like is written down here a second time, as docs/reference.md
// says it, on plain maps.

type values = map[string]any

var cfg = postrender.Config{EnableHotStandby: true, PrimaryRegion: "fsn1", ReplicaRegion: "hel1"}

// decode reads one document by YAML 1.1, which keeps integers exact.
func decode(t testing.TB, text string) values {
	t.Helper()
	var v map[any]any
	if err := yamlv2.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("decode: %v\n%s", err, text)
	}
	m, _ := stringKeys(v).(values)
	return m
}

func stringKeys(v any) any {
	switch v := v.(type) {
	case map[any]any:
		m := make(values, len(v))
		for key, value := range v {
			m[fmt.Sprint(key)] = stringKeys(value)
		}
		return m
	case []any:
		for i := range v {
			v[i] = stringKeys(v[i])
		}
	}
	return v
}

// documentsOf splits a stream as the API machinery does.
func documentsOf(t testing.TB, stream []byte) []string {
	t.Helper()
	var documents []string
	reader := k8syaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(stream)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, string(document))
	}
	lines := strings.Split(string(stream), "\n")
	if last := len(documents) - 1; last >= 0 && lines[len(lines)-1] != "" && !strings.HasPrefix(lines[len(lines)-1], "---") {
		documents[last] = strings.TrimSuffix(documents[last], "\n") // which the reader has added
	}
	return documents
}

// objects reads every object of a stream, the items of Lists too.
func objects(t testing.TB, stream []byte) []values {
	t.Helper()
	var all []values
	for _, document := range documentsOf(t, stream) {
		if o := decode(t, document); o != nil {
			all = append(all, items(o)...)
		}
	}
	if _, err := kio.ParseAll(string(stream)); err != nil {
		t.Fatalf("kyaml does not read the stream: %v", err)
	}
	return all
}

func items(o values) []values {
	kind, _ := o["kind"].(string)
	list, ok := o["items"].([]any)
	if !ok || !strings.HasSuffix(kind, "List") {
		return []values{o}
	}
	var all []values
	for _, item := range list {
		if o, ok := item.(values); ok {
			all = append(all, items(o)...)
		}
	}
	return all
}

func at(o values, path ...string) any {
	var v any = o
	for _, key := range path {
		m, ok := v.(values)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

func text(o values, path ...string) string {
	s, _ := at(o, path...).(string)
	return s
}

func deepCopy(v any) any {
	switch v := v.(type) {
	case values:
		m := make(values, len(v))
		for key, value := range v {
			m[key] = deepCopy(value)
		}
		return m
	case []any:
		s := make([]any, len(v))
		for i := range v {
			s[i] = deepCopy(v[i])
		}
		return s
	}
	return v
}

func isCluster(o values) bool {
	return strings.HasPrefix(text(o, "apiVersion"), "postgresql.cnpg.io/") && o["kind"] == "Cluster"
}

// child returns the mapping at key, which it makes.
func child(m values, key string) values {
	if c, ok := m[key].(values); ok {
		return c
	}
	c := values{}
	m[key] = c
	return c
}

func wantReplicaName(name string) string {
	if len(name+"-replica") <= 46 {
		return name + "-replica"
	}
	return name[:29] + "-" + fmt.Sprintf("%x", sha256.Sum256([]byte(name)))[:8] + "-replica"
}

func wantHalf(in values, role, region, otherRegion string) values {
	o := deepCopy(in).(values)
	name := text(in, "metadata", "name")
	labels := child(child(o, "metadata"), "labels")
	labels["openova.io/cnpg-role"] = role
	labels["openova.io/region"] = region
	labels["catalyst.openova.io/cnpg-pair"] = name
	annotations := child(child(o, "metadata"), "annotations")
	annotations["catalyst.openova.io/cnpg-pair-role"] = role
	annotations["catalyst.openova.io/cnpg-pair-name"] = name
	if role == "replica" {
		annotations["catalyst.openova.io/dr-promotion-mechanism"] = "manual"
	}
	ofPods := child(child(child(o, "spec"), "inheritedMetadata"), "labels")
	ofPods["openova.io/cnpg-role"] = role
	ofPods["openova.io/region"] = region

	addDNSNames(o, text(in, "metadata", "name")+"-active")

	affinity := child(child(o, "spec"), "affinity")
	pin(affinity, affinity, role, region, otherRegion)
	return o
}

// pin makes an affinity require the region, and what keeps the chart's Pods out of the
// replica's region move over with the replica.
func pin(affinity, besideSelector values, role, region, otherRegion string) {
	requirement := values{"key": "openova.io/region", "operator": "In", "values": []any{region}}
	required := child(child(affinity, "nodeAffinity"), "requiredDuringSchedulingIgnoredDuringExecution")
	terms, _ := required["nodeSelectorTerms"].([]any)
	if len(terms) == 0 {
		terms = []any{values{}}
	}
	for i, term := range terms {
		term := term.(values)
		expressions, _ := term["matchExpressions"].([]any)
		pinned := false
		for i, e := range expressions {
			if e := mapping(e); role == "replica" && lets(e, otherRegion) && !lets(e, region) {
				expressions[i] = requirement
			}
			pinned = pinned || cmp.Equal(expressions[i], any(requirement))
		}
		if !pinned {
			expressions = append(expressions, requirement)
		}
		term["matchExpressions"] = expressions
		terms[i] = term
	}
	required["nodeSelectorTerms"] = terms
	if selector, ok := besideSelector["nodeSelector"].(values); ok && role == "replica" && selector["openova.io/region"] == otherRegion {
		selector["openova.io/region"] = region
	}
}

// addDNSNames has a member's certificate name some Services, unless the chart brings one.
func addDNSNames(o values, services ...string) {
	if text(o, "spec", "certificates", "serverTLSSecret") != "" {
		return
	}
	certificates := child(child(o, "spec"), "certificates")
	names, _ := certificates["serverAltDNSNames"].([]any)
	for _, service := range services {
		wanted := []string{service}
		if ns := text(o, "metadata", "namespace"); ns != "" {
			wanted = append(wanted, service+"."+ns, service+"."+ns+".svc", service+"."+ns+".svc.cluster.local")
		}
		for _, w := range wanted {
			if !slices.Contains(names, any(w)) {
				names = append(names, w)
			}
		}
	}
	certificates["serverAltDNSNames"] = names
}

// lets tells whether a requirement of node labels lets nodes of a region through.
func lets(e values, region string) bool {
	among := slices.Contains(sequence(e["values"]), any(region))
	switch {
	case e["key"] != "openova.io/region", e["operator"] == "Exists":
		return true
	case e["operator"] == "In":
		return among
	case e["operator"] == "NotIn":
		return !among
	}
	return false
}

func wantPrimary(in values) values {
	o := wantHalf(in, "primary", cfg.PrimaryRegion, cfg.ReplicaRegion)
	name := text(in, "metadata", "name")
	spec := child(o, "spec")
	if spec["primaryUpdateMethod"] == nil {
		spec["primaryUpdateMethod"] = "switchover"
	}
	services := child(child(spec, "managed"), "services")
	additional, _ := services["additional"].([]any)
	var mesh values
	for _, entry := range additional {
		if text(entry.(values), "serviceTemplate", "metadata", "name") == name+"-mesh" {
			mesh = entry.(values)
		}
	}
	if mesh == nil {
		mesh = values{}
		additional = append(additional, mesh)
	}
	fill := func(m values, key string, value any) {
		if m[key] == nil {
			m[key] = value
		}
	}
	fill(mesh, "selectorType", "rw")
	metadata := child(child(mesh, "serviceTemplate"), "metadata")
	fill(metadata, "name", name+"-mesh")
	fill(child(metadata, "annotations"), "service.cilium.io/global", "true")
	fill(child(metadata, "annotations"), "service.cilium.io/affinity", "local")
	fill(child(metadata, "labels"), "catalyst.openova.io/cnpg-pair", name)
	fill(child(metadata, "labels"), "catalyst.openova.io/role", "replication-source")
	fill(child(child(mesh, "serviceTemplate"), "spec"), "type", "ClusterIP")
	services["additional"] = additional
	return o
}

// dropLive takes what belongs to one living object out of a copy.
func dropLive(o values) {
	metadata := child(o, "metadata")
	if metadata["uid"] == nil && metadata["resourceVersion"] == nil {
		return
	}
	delete(o, "status")
	for _, key := range []string{"uid", "resourceVersion", "managedFields", "generation", "creationTimestamp", "selfLink"} {
		delete(metadata, key)
	}
	if annotations, is := metadata["annotations"].(values); is {
		delete(annotations, "kubectl.kubernetes.io/last-applied-configuration")
		delete(annotations, "argocd.argoproj.io/tracking-id")
	}
}

func wantReplica(in values) values {
	o := wantHalf(in, "replica", cfg.ReplicaRegion, cfg.PrimaryRegion)
	name := text(in, "metadata", "name")
	metadata, spec := child(o, "metadata"), child(o, "spec")
	metadata["name"] = wantReplicaName(name)
	dropLive(o)
	judgeItself(spec, text(in, "metadata", "namespace"), name)
	spec["replica"] = values{"enabled": true, "source": name}

	database, owner, secret := "", "", ""
	for _, method := range []string{"initdb", "recovery", "pg_basebackup"} {
		if text(in, "spec", "bootstrap", method, "database") != "" {
			database = text(in, "spec", "bootstrap", method, "database")
		}
		if text(in, "spec", "bootstrap", method, "owner") != "" {
			owner = text(in, "spec", "bootstrap", method, "owner")
		}
		if text(in, "spec", "bootstrap", method, "secret", "name") != "" {
			secret = text(in, "spec", "bootstrap", method, "secret", "name")
		}
	}
	if database == "" {
		database = "app"
	}
	if owner == "" {
		owner = database
	}
	if secret == "" {
		secret = name + "-app"
	}
	spec["bootstrap"] = values{"pg_basebackup": values{
		"source": name, "database": database, "owner": owner, "secret": values{"name": secret},
	}}

	sslmode, ca, client := "verify-full", name+"-ca", name+"-replication"
	if text(in, "spec", "certificates", "serverTLSSecret") != "" {
		sslmode = "verify-ca"
	}
	if s := text(in, "spec", "certificates", "serverCASecret"); s != "" {
		ca = s
	}
	if s := text(in, "spec", "certificates", "replicationTLSSecret"); s != "" {
		client = s
	}
	var external []any
	placed := false
	source := values{
		"name": name,
		"connectionParameters": values{"host": name + "-mesh", "port": "5432", "user": "streaming_replica",
			"dbname": "postgres", "sslmode": sslmode, "tcp_user_timeout": "5000"},
		"sslKey":      values{"name": client, "key": "tls.key"},
		"sslCert":     values{"name": client, "key": "tls.crt"},
		"sslRootCert": values{"name": ca, "key": "ca.crt"},
	}
	own, _ := at(in, "spec", "externalClusters").([]any)
	for _, e := range own {
		if e.(values)["name"] == name {
			e, placed = source, true
		}
		external = append(external, e)
	}
	if !placed {
		external = append(external, source)
	}
	spec["externalClusters"] = external

	if spec["enableSuperuserAccess"] == true && spec["superuserSecret"] == nil {
		spec["superuserSecret"] = values{"name": name + "-superuser"}
	}
	if at(o, "spec", "managed", "services", "additional") != nil {
		services := child(child(spec, "managed"), "services")
		delete(services, "additional")
		if len(services) == 0 {
			delete(child(spec, "managed"), "services")
		}
		if len(child(spec, "managed")) == 0 {
			delete(spec, "managed")
		}
	}
	return o
}

// strict decodes a Cluster into the API type of CNPG; unknown fields and wrong
// types are errors.
func strict(o values) error {
	data, err := json.Marshal(o)
	if err != nil {
		return err
	}
	var c apiv1.Cluster
	return sigsyaml.UnmarshalStrict(data, &c)
}

// judgeStream compares a stream that went in with what came out: every Cluster
// that decisions say was paired is there as the pair that is asked
// for, and every other object is what it was, in the same order.
func judgeStream(t testing.TB, c postrender.Config, in, out []byte, decisions []postrender.Decision) {
	t.Helper()
	var want []values
	var couples []couple
	clusters := 0
	before, after := objects(t, in), objects(t, out)
	judgeTracking(t, before, after)
	for _, o := range before {
		if !isCluster(o) || decisions[clusters].Action != postrender.Paired {
			if isCluster(o) {
				clusters++
			}
			want = append(want, o)
			continue
		}
		clusters++
		name := text(o, "metadata", "name")
		couples = append(couples, couple{inNamespace(o), name, wantReplicaName(name)})
		pair := wantPair(c, o)
		if strict(o) == nil { // what goes in wrong comes out wrong
			for _, member := range pair {
				if !isCluster(member) {
					continue
				}
				if err := strict(member); err != nil {
					t.Errorf("%s: %v", text(member, "metadata", "name"), err)
				}
			}
		}
		want = append(want, pair...)
	}
	if clusters != len(decisions) {
		t.Errorf("%d Clusters, but %d decisions", clusters, len(decisions))
	}
	served := want
	want = nil
	for _, o := range served {
		want = append(want, wantServing(c, o, couples)...)
	}
	want = wantPoolers(c, before, want, couples)
	_, policies := withoutPolicies(t, want, want)
	want, _ = withoutPolicies(t, policies, want)
	got, changed := withoutPolicies(t, policies, after)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the output is not the pair that is asked for (-want +got):\n%s", diff)
	}
	judgeUntouched(t, policies, changed, couples)
	judgePolicies(t, c, policies, changed, couples)
}

// render runs the renderer on a stream.
func render(t testing.TB, c postrender.Config, in []byte) ([]byte, []postrender.Decision, error) {
	t.Helper()
	result, err := postrender.New(c).Render(postrender.Source{Name: "stdin", Data: in})
	if err != nil {
		return nil, nil, err
	}
	var out bytes.Buffer
	if _, err := result.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), result.Decisions, nil
}
