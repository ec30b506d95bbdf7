package postrender_test

import (
	"runtime"
	"strings"
	"testing"
)

// TestLinear: what is twice as long takes twice the work, counted in bytes that are
// allocated, which no other program on the machine changes. The clock is in
// TestTimeBySize.
func TestLinear(t *testing.T) {
	const (
		list     = "apiVersion: v1\nkind: List\nitems:\n- a: &a 1\n"
		item     = "- apiVersion: postgresql.cnpg.io/v1\n  kind: Cluster\n  metadata: {name: db%d}\n  spec: {instances: 1}\n"
		jsonItem = `{"apiVersion":"postgresql.cnpg.io/v1","kind":"Cluster","metadata":{"name":"db%d"},"spec":{"description":"é"}},`
	)
	one := strings.ReplaceAll(item, "%d", "")
	for name, shape := range map[string]struct {
		n  int // so many that the constant part does not count
		of func(n int) string
	}{
		"deep flow in a List with an anchor": {1000, func(n int) string {
			return list + one + "  a: " + strings.Repeat("{a: ", n) + strings.Repeat("}", n) + "\n"
		}},
		"deep flow over lines in a List with an anchor": {1000, func(n int) string {
			return list + one + "  a: " + strings.Repeat("{a:\n     ", n) + strings.Repeat("}", n) + "\n"
		}},
		"wide flow in a List with an anchor": {2000, func(n int) string {
			return list + one + "  a: {" + each(n, "k%d: [*a, {b: 1}], ") + "}\n"
		}},
		"Clusters in a List with an anchor": {100, func(n int) string { return list + each(n, item) }},
		"a List on a line, not ASCII": {100, func(n int) string {
			return `{"apiVersion":"v1","kind":"List","items":[` + strings.TrimSuffix(each(n, jsonItem), ",") + "]}\n"
		}},
		"aliases of a Cluster": {2000, func(n int) string { return head + "spec:\n  a: &a {b: 1}\n  c:\n" + strings.Repeat("  - *a\n", n) }},
	} {
		t.Run(name, func(t *testing.T) {
			allocated := func(n int) uint64 {
				in := []byte(shape.of(n))
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				out, decisions, err := render(t, cfg, in)
				runtime.ReadMemStats(&after)
				if err != nil || len(decisions) == 0 || len(out) <= len(in) {
					t.Fatalf("%d Clusters, %d bytes of %d: %v", len(decisions), len(out), len(in), err)
				}
				return after.TotalAlloc - before.TotalAlloc
			}
			allocated(10)
			single, double := allocated(shape.n), allocated(2*shape.n)
			t.Logf("%d bytes for %d, %d for %d", single, shape.n, double, 2*shape.n)
			if double > single*5/2 {
				t.Errorf("%d bytes for %d, %d for %d", single, shape.n, double, 2*shape.n)
			}
		})
	}
}
