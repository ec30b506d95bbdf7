package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
)

// stream is one that looks like what Helm prints for the charts of a platform.
type stream struct {
	name                       string
	documents, clusters, bytes int
}

var streams = []stream{
	{"small", 14, 1, 40_000},
	{"medium", 1_000, 20, 2_300_000},
	{"large", 20_000, 200, 30_000_000},
}

// write generates the stream, the same one each time. Where the documents so
// far are shorter than they should be, one that charts make long follows: a CRD
// with its descriptions, or a ConfigMap with a script.
func (s stream) write(file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	random := rand.New(rand.NewPCG(1, 2))
	out := bufio.NewWriter(f)
	written := 0
	each, served := s.documents/s.clusters, 0
	for i := range s.documents {
		var text string
		missing := (i+1)*s.bytes/s.documents - written
		switch {
		case i%each == 1:
			text = fmt.Sprintf(clusterText, i, i%7, 1+random.IntN(3))
		case missing > 20_000:
			text = definition(random, i, missing)
		case missing > 2_500:
			text = script(random, i, missing)
		default:
			text = fmt.Sprintf(short[random.IntN(len(short))], i)
			if cluster := i - i%each + 1; served != cluster { // by no application yet
				own := strings.Replace(text, fmt.Sprintf("value: tenant-%d-db-rw", i), fmt.Sprintf("value: tenant-%d-db-rw.tenant-%d", cluster, cluster%7), 1)
				if own != text {
					text, served = own, cluster
				}
			}
		}
		n, err := fmt.Fprintf(out, "---\n# Source: platform/charts/app-%d/templates/object.yaml\n%s", i, text)
		if err != nil {
			return err
		}
		written += n
	}
	return out.Flush()
}

// definition is a CRD of about a size.
func definition(random *rand.Rand, i, size int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: things%d.example.com\nspec:\n  group: example.com\n  names:\n    kind: Thing%d\n    plural: things%d\n  scope: Namespaced\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n        type: object\n        properties:\n", i, i, i)
	for j := 0; b.Len() < size; j++ {
		fmt.Fprintf(&b, "          field%d:\n            description: |-\n%s            type: string\n", j,
			strings.Repeat("              What the field is for, at length, and when it may be left out:\n", 1+random.IntN(12)))
	}
	return b.String()
}

// script is a ConfigMap with a script of about a size, and with rulers in it.
func script(random *rand.Rand, i, size int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: scripts-%d\n  namespace: apps\ndata:\n  run.sh: |\n    #!/bin/sh\n", i)
	for j := 0; b.Len() < size; j++ {
		if random.IntN(12) == 0 {
			fmt.Fprintf(&b, "    # %s\n", strings.Repeat("-", 40+random.IntN(40)))
		}
		fmt.Fprintf(&b, "    echo \"step %d of the script: $(date)\" >> /var/log/steps\n", j)
	}
	return b.String()
}

const clusterText = `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: tenant-%d-db
  namespace: tenant-%d
  labels:
    app.kubernetes.io/managed-by: Helm
spec:
  instances: %d
  bootstrap:
    initdb:
      database: app
      owner: app
      postInitSQL:
      - |
        DO $$
        BEGIN
          CREATE EXTENSION IF NOT EXISTS pg_trgm;
        END
        $$;
  postgresql:
    parameters:
      max_connections: "200"
      shared_buffers: 256MB
  resources:
    requests:
      cpu: 500m
      memory: 1Gi
  storage:
    size: 10Gi
`

// short are the objects of which charts have most.
var short = []string{`apiVersion: v1
kind: ServiceAccount
metadata:
  name: web-%[1]d
  namespace: apps
automountServiceAccountToken: false
`, `apiVersion: v1
kind: Service
metadata:
  name: web-%[1]d
  namespace: apps
  labels:
    app.kubernetes.io/name: web
spec:
  type: ClusterIP
  ports:
  - name: http
    port: 80
    targetPort: http
    protocol: TCP
  selector:
    app.kubernetes.io/instance: release-%[1]d
`, `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: web-%[1]d
  namespace: apps
spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/instance: release-%[1]d
  policyTypes: [Ingress]
  ingress:
  - from:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: ingress
    ports:
    - {port: http, protocol: TCP}
`, `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-%[1]d
  namespace: apps
  labels:
    app.kubernetes.io/name: web
    app.kubernetes.io/instance: release-%[1]d
    app.kubernetes.io/managed-by: Helm
spec:
  replicas: 2
  selector:
    matchLabels:
      app.kubernetes.io/instance: release-%[1]d
  template:
    metadata:
      labels:
        app.kubernetes.io/instance: release-%[1]d
    spec:
      securityContext: {runAsNonRoot: true, fsGroup: 1000}
      containers:
      - name: web
        image: "web:1.27"
        imagePullPolicy: IfNotPresent
        ports:
        - name: http
          containerPort: 8080
          protocol: TCP
        livenessProbe:
          httpGet:
            path: /healthz
            port: http
        env:
        - name: DATABASE_HOST
          value: tenant-%[1]d-db-rw
        - name: DATABASE_NAME
          value: app
        resources:
          limits:
            cpu: 100m
            memory: 128Mi
          requests:
            cpu: 100m
            memory: 128Mi
`}
