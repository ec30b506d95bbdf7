package krm_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openova-io/helm-cnpg-pair/internal/krm"
)

// TestResultsLinear: twice as many findings about twice as many objects take twice the
// work, counted in bytes that are allocated; also where all objects have one name.
func TestResultsLinear(t *testing.T) {
	for name, object := range map[string]string{"names of their own": "db%d", "one name": "db"} {
		t.Run(name, func(t *testing.T) {
			allocated := func(n int) uint64 {
				var b strings.Builder
				b.WriteString("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n")
				var findings []krm.Finding
				for i := range n {
					name := strings.ReplaceAll(object, "%d", fmt.Sprint(i))
					b.WriteString("- apiVersion: postgresql.cnpg.io/v1\n  kind: Cluster\n  metadata: {name: " + name + ", annotations: {config.kubernetes.io/path: a.yaml}}\n")
					findings = append(findings, krm.Finding{Severity: "warning", Message: "something", Object: "Cluster " + name, Line: 4 + 3*i})
				}
				text := []byte(b.String())
				list, is, err := krm.Read(text)
				if err != nil || !is {
					t.Fatalf("%v, %v", is, err)
				}
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				out, err := list.WithResults(text, findings)
				runtime.ReadMemStats(&after)
				if err != nil || strings.Count(string(out), "resourceRef:") != n || strings.Count(string(out), "file:") != n {
					t.Fatalf("%v\n%.1000s", err, out)
				}
				return after.TotalAlloc - before.TotalAlloc
			}
			allocated(10)
			one, two := allocated(500), allocated(1000)
			t.Logf("%d bytes for 500, %d for 1000", one, two)
			if two > one*5/2 {
				t.Errorf("%d bytes for 500 objects with a finding each, %d for 1000", one, two)
			}
		})
	}
}

// TestSettings: a value that is null is one that is left out.
func TestSettings(t *testing.T) {
	text := []byte(`apiVersion: config.kubernetes.io/v1
kind: ResourceList
items: []
functionConfig:
  kind: ConfigMap
  data: {CNPG_PAIR_SIDE: ~, CNPG_PAIR_ACTIVE: , CNPG_PAIR_CLONE: "", CNPG_PAIR_STRICT: true}
`)
	list, is, err := krm.Read(text)
	if err != nil || !is {
		t.Fatalf("%v, %v", is, err)
	}
	got, err := list.Settings()
	if diff := cmp.Diff(map[string]krm.Setting{"CNPG_PAIR_CLONE": {"", 6}, "CNPG_PAIR_STRICT": {"true", 6}}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// TestResults: a finding is one of the last object of its title that begins before it, in
// the file that the annotations of today or of the past name.
func TestResults(t *testing.T) {
	const list = `apiVersion: config.kubernetes.io/v1
kind: ResourceList
items:
- {apiVersion: v1, kind: A, metadata: {name: a, annotations: {internal.config.kubernetes.io/path: a.yaml, internal.config.kubernetes.io/index: '3'}}}
- {apiVersion: v1, kind: A, metadata: {name: a, annotations: {config.kubernetes.io/path: b.yaml, config.kubernetes.io/index: '4'}}}
- {apiVersion: v1, kind: A, metadata: {name: b, namespace: c, annotations: {internal.config.kubernetes.io/index: x, internal.config.kubernetes.io/path: '', config.kubernetes.io/path: c.yaml}}}
- {apiVersion: v1, kind: A, metadata: {name: d}}
`
	l, _, err := krm.Read([]byte(list))
	if err != nil {
		t.Fatal(err)
	}
	var findings []krm.Finding
	for _, f := range []struct {
		object string
		line   int
	}{{"A a", 3}, {"A a", 4}, {"A a", 5}, {"A a", 99}, {"A c/b", 6}, {"A d", 7}, {"A e", 8}, {"", 1}} {
		findings = append(findings, krm.Finding{Severity: "error", Message: fmt.Sprint(f.object, " ", f.line), Object: f.object, Line: f.line})
	}
	got, err := l.WithResults([]byte(list), findings)
	const want = list + `results:
- message: A a 3
  severity: error
- message: A a 4
  severity: error
  resourceRef:
    apiVersion: v1
    kind: A
    name: a
  file:
    path: a.yaml
    index: 3
- message: A a 5
  severity: error
  resourceRef:
    apiVersion: v1
    kind: A
    name: a
  file:
    path: b.yaml
    index: 4
- message: A a 99
  severity: error
  resourceRef:
    apiVersion: v1
    kind: A
    name: a
  file:
    path: b.yaml
    index: 4
- message: A c/b 6
  severity: error
  resourceRef:
    apiVersion: v1
    kind: A
    name: b
    namespace: c
  file:
    path: c.yaml
- message: A d 7
  severity: error
  resourceRef:
    apiVersion: v1
    kind: A
    name: d
- message: A e 8
  severity: error
- message: ' 1'
  severity: error
`
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(string(got), "\n")); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if same, err := l.WithResults([]byte(list), nil); string(same) != list || err != nil {
		t.Errorf("without findings: %v\n%s", err, same)
	}
}
