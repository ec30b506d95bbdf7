// This file must not import code of this repository: see TestIndependent in postrender/.

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/yaml"
)

// meshPods are the Pods of a pair of one instance each, by the side that they run on.
var meshPods = map[string]struct {
	address string
	labels  map[string]string
}{
	"primary": {"10.1.0.1", map[string]string{"cnpg.io/cluster": "blog-db", "cnpg.io/instanceRole": "primary", "cnpg.io/podRole": "instance"}},
	"replica": {"10.2.0.1", map[string]string{"cnpg.io/cluster": "blog-db-replica", "cnpg.io/instanceRole": "primary", "cnpg.io/podRole": "instance"}},
}

// meshService is a Service as Cilium's load balancing is asked about it.
type meshService struct {
	Annotations map[string]string
	Pods        []string
}

// TestPolicyCiliumServices asks Cilium's load balancing, with what ClusterMesh makes of it,
// where the Services of a pair in two Kubernetes clusters lead, from each side and in
// each state.
func TestPolicyCiliumServices(t *testing.T) {
	program := large(t, "cilium", "some minutes")
	asked := 0
	for _, state := range []struct {
		settings []string
		// from the primary's side and from the replica's, as docs/reference.md says
		leads map[string][2]string
	}{
		{nil, map[string][2]string{
			"blog-db-active": {"primary", "primary"}, "blog-db-rw": {"primary", "primary"},
			"blog-db-ro": {"", "replica"}, "blog-db-r": {"primary", "replica"}, "blog-db-mesh": {"primary", "primary"},
			"blog-db-replica-rw": {"", "replica"},
		}},
		{[]string{"--active", "none"}, map[string][2]string{
			"blog-db-active": {"", ""}, "blog-db-rw": {"primary", ""},
			"blog-db-mesh": {"primary", "primary"}, "blog-db-replica-mesh": {"replica", "replica"},
		}},
		{[]string{"--active", "replica", "--failover", "done"}, map[string][2]string{
			"blog-db-active": {"replica", "replica"}, "blog-db-rw": {"replica", "replica"},
			"blog-db-ro": {"", ""}, "blog-db-r": {"primary", "replica"},
			"blog-db-mesh": {"primary", "primary"}, "blog-db-replica-mesh": {"replica", "replica"},
		}},
	} {
		primary, replica := meshServices(t, "primary", state.settings), meshServices(t, "replica", state.settings)
		type question struct{ Local, Remote *meshService }
		var questions []question
		names := slices.Sorted(maps.Keys(state.leads))
		for _, name := range names {
			questions = append(questions, question{primary[name], replica[name]}, question{replica[name], primary[name]})
		}
		text, err := json.Marshal(questions)
		if err != nil {
			t.Fatal(err)
		}
		out, stderr, err := run(nil, string(text), program, "services")
		if err != nil {
			t.Fatalf("%v: %s", err, stderr)
		}
		var answers [][]string
		if err := json.Unmarshal([]byte(out), &answers); err != nil {
			t.Fatal(err)
		}
		for i, name := range names {
			for j, side := range []string{"primary", "replica"} {
				want := []string{}
				if member := state.leads[name][j]; member != "" {
					want = append(want, meshPods[member].address)
				}
				if got := answers[2*i+j]; !slices.Equal(got, want) {
					t.Errorf("%v: %s leads to %v from the %s's side, want %v", state.settings, name, got, side, want)
				}
				asked++
			}
		}
	}
	evidence(t, "Services looked up in Cilium's load balancing, with ClusterMesh's choice of Pods", "%d, from both sides, in three states", asked)
}

// meshServices are the Services of a side: those that are rendered, and those that the
// operator makes for the member of this side.
func meshServices(t *testing.T, side string, settings []string) map[string]*meshService {
	t.Helper()
	args := append([]string{"--strict", "--side", side}, settings...)
	out, stderr, err := run(hotStandby, policyDatabase, binary, args...)
	if err != nil {
		t.Fatalf("cnpg-pair %v: %v: %s", args, err, stderr)
	}
	pod := meshPods[side]
	behind := func(selector map[string]string) (pods []string) {
		for key, value := range selector {
			if pod.labels[key] != value {
				return nil
			}
		}
		return []string{pod.address}
	}
	services := make(map[string]*meshService)
	type metadata struct {
		Name        string
		Annotations map[string]string
	}
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(out), 1<<16)
	for {
		var o struct {
			Kind     string
			Metadata metadata
			Spec     struct {
				Selector          map[string]string
				InheritedMetadata metadata
				Managed           struct {
					Services struct {
						Additional []struct {
							SelectorType    string
							ServiceTemplate struct{ Metadata metadata }
						}
					}
				}
			}
		}
		if err := decoder.Decode(&o); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		add := func(m metadata, selector map[string]string) {
			if services[m.Name] != nil {
				t.Errorf("%v: two Services %s", args, m.Name)
			}
			services[m.Name] = &meshService{m.Annotations, behind(selector)}
		}
		switch o.Kind {
		case "Service":
			add(o.Metadata, o.Spec.Selector)
		case "Cluster": // what the operator inherits overrides what a template says
			name := o.Metadata.Name
			primary := map[string]string{"cnpg.io/cluster": name, "cnpg.io/instanceRole": "primary"}
			inherited := o.Spec.InheritedMetadata.Annotations
			for suffix, selector := range map[string]map[string]string{
				"-rw": primary, "-ro": {"cnpg.io/cluster": name, "cnpg.io/instanceRole": "replica"}, "-r": {"cnpg.io/cluster": name, "cnpg.io/podRole": "instance"},
			} {
				add(metadata{name + suffix, inherited}, selector)
			}
			for _, entry := range o.Spec.Managed.Services.Additional {
				annotations := maps.Clone(entry.ServiceTemplate.Metadata.Annotations)
				maps.Copy(annotations, inherited)
				if entry.SelectorType != "rw" {
					t.Fatal(fmt.Sprint(entry))
				}
				add(metadata{entry.ServiceTemplate.Metadata.Name, annotations}, primary)
			}
		}
	}
	return services
}
