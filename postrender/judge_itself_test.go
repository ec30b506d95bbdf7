// This file must not import internal/, nor use more of package postrender than its settings and
// results: see TestIndependent.

package postrender_test

import "slices"

// judgeItself makes of a spec that selects the Pods of a Cluster one that selects
// those of its replica, as docs/reference.md says it, written down a second time: on
// whole selectors instead of labels.
func judgeItself(spec values, namespace, name string) {
	list := func(v any) []any { l, _ := v.([]any); return l }
	for _, c := range list(spec["topologySpreadConstraints"]) {
		judgeSelector(at(c.(values), "labelSelector"), name)
	}
	for _, ref := range list(spec["podSelectorRefs"]) {
		judgeSelector(at(ref.(values), "selector"), name)
	}
	for _, kind := range []string{"additionalPodAffinity", "additionalPodAntiAffinity"} {
		terms := slices.Clone(list(at(spec, "affinity", kind, "requiredDuringSchedulingIgnoredDuringExecution")))
		for _, weighted := range list(at(spec, "affinity", kind, "preferredDuringSchedulingIgnoredDuringExecution")) {
			terms = append(terms, at(weighted.(values), "podAffinityTerm"))
		}
		for _, term := range terms {
			term, _ := term.(values)
			named := list(term["namespaces"])
			if len(named) == 0 || term["namespaceSelector"] != nil || namespace == "" || slices.Contains(named, any(namespace)) {
				judgeSelector(term["labelSelector"], name)
			}
		}
	}
}

func judgeSelector(v any, name string) {
	selector, _ := v.(values)
	labels, _ := selector["matchLabels"].(values)
	expressions, _ := selector["matchExpressions"].([]any)
	moves := map[string][2]string{
		"cnpg.io/cluster":      {name, wantReplicaName(name)},
		"openova.io/cnpg-role": {"primary", "replica"},
		"openova.io/region":    {cfg.PrimaryRegion, cfg.ReplicaRegion},
	}
	itself := labels["cnpg.io/cluster"] == name
	for _, e := range expressions {
		named, _ := e.(values)["values"].([]any)
		itself = itself || e.(values)["key"] == "cnpg.io/cluster" && slices.Contains(named, any(name)) && !slices.Contains(named, any(wantReplicaName(name)))
	}
	if !itself {
		return
	}
	for key, move := range moves {
		moveLabel(selector, key, move[0], move[1])
	}
}

// moveLabel replaces a value of a label in a selector, in a list that does not have the
// other one.
func moveLabel(selector values, key, from, to string) {
	if labels, _ := selector["matchLabels"].(values); labels[key] == from {
		labels[key] = to
	}
	for _, e := range sequence(selector["matchExpressions"]) {
		named, _ := e.(values)["values"].([]any)
		if e.(values)["key"] == key && !slices.Contains(named, any(to)) {
			for i := range named {
				if named[i] == from {
					named[i] = to
				}
			}
		}
	}
}
