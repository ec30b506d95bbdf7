package flux

import "github.com/openova-io/helm-cnpg-pair/postrender"

// Cluster returns manifests that contain a Cluster of that name, database and owner
// and nothing else, for programs that do not have what the chart renders. The
// postRenderers that are made for it suit every Cluster of that name in the namespace of
// its release that sets no node affinity, external clusters, additional services, plugins, certificates
// or superuser access of its own, because the postRenderers would replace the
// chart's lists. With synchronous replication it must set instances, to 1.
// An empty database or owner is CNPG's default.
func Cluster(name, database, owner string) postrender.Source {
	initdb := map[string]any{}
	if database != "" {
		initdb["database"] = database
	}
	if owner != "" {
		initdb["owner"] = owner
	}
	return postrender.Source{Name: "Cluster " + name, Data: encode(map[string]any{
		"apiVersion": "postgresql.cnpg.io/v1",
		"kind":       "Cluster",
		"metadata":   map[string]any{"name": name},
		"spec":       map[string]any{"instances": 1, "bootstrap": map[string]any{"initdb": initdb}},
	})}
}
