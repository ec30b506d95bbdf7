package serving

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/topology"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// TestPoolers: those through which applications write get twins, if both names are free.
func TestPoolers(t *testing.T) {
	var documents []string
	for _, pooler := range []string{
		"metadata: {name: plain}\nspec: {cluster: {name: db}}",
		"metadata: {name: rw}\nspec: {cluster: {name: db}, type: rw}",
		"metadata: {name: ro}\nspec: {cluster: {name: db}, type: ro}",
		"metadata: {name: r}\nspec: {cluster: {name: db}, type: r}",
		"metadata: {name: elsewhere, namespace: shop}\nspec: {cluster: {name: db}}",
		"metadata: {name: of-another}\nspec: {cluster: {name: other}}",
		"metadata: {name: of-none}\nspec: {}",
		"spec: {cluster: {name: db}}",
		"metadata: {name: " + strings.Repeat("long", 15) + "}\nspec: {cluster: {name: db}}",
		"metadata: {name: taken}\nspec: {cluster: {name: db}}",
	} {
		documents = append(documents, "apiVersion: postgresql.cnpg.io/v1\nkind: Pooler\n"+pooler+"\n")
	}
	documents = append(documents, "apiVersion: example.com/v1\nkind: Pooler\nmetadata: {name: not-ours}\nspec: {cluster: {name: db}}\n")
	stream, problems := manifest.Read([]manifest.Source{{Name: "stdin", Data: []byte(strings.Join(documents, "---\n"))}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	settings, err := topology.New(topology.Settings{EnableHotStandby: true, PrimaryRegion: "a", ReplicaRegion: "b"})
	if err != nil {
		t.Fatal(err)
	}
	cluster := &manifest.Cluster{Object: &manifest.Object{Name: "db", Namespace: "blog"}, Pair: settings.Pair("db", true)}
	poolers := FindPoolers(stream, []*manifest.Cluster{cluster})
	for _, o := range stream.Objects {
		if poolers.HasTwin(o) {
			t.Errorf("%s has a twin although nothing shall follow", o.Name)
		}
	}
	poolers.Twin(func(_ string, names ...string) bool { return !slices.Contains(names, "taken-active") })
	got := make(map[string][]string)
	for _, o := range stream.Objects {
		change, changes, err := poolers.Change(o)
		if err != nil || changes != poolers.HasTwin(o) {
			t.Errorf("%s: %v %v", o.Name, changes, err)
		}
		for _, added := range change.Added {
			name, _ := yamledit.StringAt(added.Tree, "metadata.name")
			got[o.Name] = append(got[o.Name], name)
		}
	}
	long := strings.Repeat("long", 15)
	want := map[string][]string{
		"plain": {"plain-replica", "plain-active"},
		"rw":    {"rw-replica", "rw-active"},
		long:    {topology.ServantName(long), topology.PoolerAddress(long)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what is added (-want +got):\n%s", diff)
	}
	var of []string
	for _, p := range poolers.Of(cluster.Object) {
		of = append(of, p.Name)
	}
	if diff := cmp.Diff([]string{"plain", "rw", "ro", "r", long, "taken"}, of); diff != "" {
		t.Errorf("the Poolers of the Cluster (-want +got):\n%s", diff)
	}
	if none := (Poolers{}); none.HasTwin(stream.Objects[0]) || none.Of(cluster.Object) != nil {
		t.Error("the Poolers of a stream in which nobody has looked for them")
	}
}
