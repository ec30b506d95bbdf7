package flux_test

import (
	"fmt"
	"strings"

	"github.com/openova-io/helm-cnpg-pair/flux"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// A program that writes HelmReleases need not render the chart: it says which
// Cluster the chart makes.
func ExampleGenerator_HelmRelease() {
	generator := &flux.Generator{Config: postrender.Config{EnableHotStandby: true, PrimaryRegion: "eu-central-1", ReplicaRegion: "eu-north-1"}}
	release := postrender.Source{Name: "blog.yaml", Data: []byte(`apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: blog
spec:
  interval: 10m # stays
`)}
	text, err := generator.HelmRelease(release, flux.Cluster("blog-db", "wordpress", "wordpress"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "  ") && !strings.HasPrefix(line, "   ") || strings.Contains(line, "# cnpg-pair") {
			fmt.Print(line)
		}
	}
	// Output:
	//   name: blog
	//   interval: 10m # stays
	//   postRenderers:
	//   - kustomize:
	//           # cnpg-pair flux: blog-db becomes a List of blog-db and blog-db-replica and blog-db-active; kustomize splits it before the next entry
	//   - kustomize:
	//           # cnpg-pair flux: blog-db, the primary
	//           # cnpg-pair flux: blog-db-replica, the replica
}
