package postrender_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

const blog = `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: blog-db
spec:
  instances: 1
  storage:
    size: 1Gi
`

// A Renderer is what Helm's Go packages take as a post-renderer.
func ExampleRenderer() {
	cfg, err := postrender.ConfigFromEnv(func(name string) string { // as os.Getenv
		return map[string]string{
			postrender.EnvEnableHotStandby: "true",
			postrender.EnvPrimaryRegion:    "eu-central-1",
			postrender.EnvReplicaRegion:    "eu-north-1",
		}[name]
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	renderer := &postrender.Renderer{Config: cfg, Warn: func(err error) { fmt.Fprintln(os.Stderr, "warning:", err) }}
	out, err := renderer.Run(bytes.NewBufferString(blog))
	if err != nil {
		fmt.Println(err)
		return
	}
	for line := range bytes.Lines(out.Bytes()) {
		if bytes.HasPrefix(line, []byte("kind:")) || bytes.HasPrefix(line, []byte("  name:")) {
			fmt.Print(string(line))
		}
	}
	// Output:
	// kind: Cluster
	//   name: blog-db
	// kind: Cluster
	//   name: blog-db-replica
	// kind: Service
	//   name: blog-db-active
}

// An error says where it is, and what to do.
func ExampleRenderer_Render() {
	renderer := postrender.New(postrender.Config{EnableHotStandby: true, PrimaryRegion: "eu-central-1", ReplicaRegion: "eu-north-1"})
	_, err := renderer.Render(postrender.Source{Name: "blog.yaml", Data: []byte(blog + "  affinity: none\n")})
	var at *postrender.Error
	if errors.As(err, &at) {
		fmt.Printf("%s, line %d, %s: %v\n%s\n", at.Source, at.Line, at.Object, at.Err, at.Hint())
	}
	// Output:
	// blog.yaml, line 9, Cluster blog-db: spec.affinity: expected a mapping
	// kubectl explain cluster.spec.affinity --api-version=postgresql.cnpg.io/v1 shows its shape
}

// Expand takes API objects too, and pointers to them.
func ExampleExpand() {
	cfg := postrender.Config{EnableHotStandby: true, PrimaryRegion: "eu-central-1", ReplicaRegion: "eu-north-1"}
	pair, err := postrender.Expand(cfg, map[string]any{
		"apiVersion": "postgresql.cnpg.io/v1",
		"kind":       "Cluster",
		"metadata":   map[string]any{"name": "shop"},
		"spec":       map[string]any{"instances": 1, "storage": map[string]any{"size": "1Gi"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(pair.Decision.Action, pair.Primary["metadata"].(map[string]any)["name"], pair.Replica["spec"].(map[string]any)["replica"])
	// Output:
	// paired shop map[enabled:true source:shop]
}
