// This file must not import internal/, nor use more of package postrender than its settings and
// results: see TestIndependent.

package postrender_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tracking takes the annotations out of an object by which kustomize and kpt
// follow it, and returns them.
func tracking(o values) values {
	found := make(values)
	annotations, _ := at(o, "metadata", "annotations").(values)
	for key, value := range annotations {
		domain, name, _ := strings.Cut(key, "/")
		switch {
		case domain == "internal.config.kubernetes.io", domain == "internal.config.k8s.io", domain == "internal.kpt.dev",
			domain == "config.k8s.io" && name == "id", domain == "kustomize.config.k8s.io" && name == "id",
			domain == "config.kubernetes.io" && (name == "path" || name == "index"):
			found[key] = value
			delete(annotations, key)
		}
	}
	if len(found) > 0 && len(annotations) == 0 {
		delete(o["metadata"].(values), "annotations")
	}
	return found
}

// judgeTracking takes the tracking annotations out of all objects. Those that
// were there before must have kept theirs; those that are new have a file at the
// most, and there a place of their own.
func judgeTracking(t testing.TB, before, after []values) {
	t.Helper()
	id := func(o values) string {
		return fmt.Sprint(o["apiVersion"], o["kind"], at(o, "metadata", "namespace"), at(o, "metadata", "name"))
	}
	had := make(map[string]values)
	tracked := false
	for _, o := range before {
		had[id(o)] = tracking(o)
		tracked = tracked || len(had[id(o)]) > 0
	}
	if !tracked {
		return
	}
	there := make(map[string]bool)
	for _, o := range after {
		there[id(o)] = true
	}
	places := make(map[string]string)
	for _, o := range after {
		is, was := tracking(o), had[id(o)]
		if single := strings.TrimSuffix(id(o), "-replica"); !there[single] {
			was = had[single] // on its side the replica stands in the place of the Cluster
		}
		if was != nil {
			if diff := cmp.Diff(was, is); diff != "" {
				t.Errorf("%s has lost track (-before +after):\n%s", id(o), diff)
			}
		}
		for key := range is {
			_, name, _ := strings.Cut(key, "/")
			switch name {
			case "path", "index", "package-path", "seqindent":
			default:
				if was == nil {
					t.Errorf("%s, which is new, has %s", id(o), key)
				}
			}
		}
		for _, prefix := range []string{"config.kubernetes.io/", "internal.config.kubernetes.io/"} {
			if is[prefix+"path"] == nil {
				continue
			}
			place := fmt.Sprint(prefix, is["internal.config.kubernetes.io/package-path"], is[prefix+"path"], is[prefix+"index"])
			if places[place] != "" {
				t.Errorf("%s and %s are both in %s", places[place], id(o), place)
			}
			places[place] = id(o)
		}
	}
}
