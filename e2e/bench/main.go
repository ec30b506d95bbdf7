// Command bench times cnpg-pair as whole processes, in turn with what a user
// would reach for instead, on generated streams that look like Helm's output.
//
//	bench CNPG-PAIR YQ
//
// It prints a table: the median of the runs for CPU and wall time, the peak of
// memory, and the ratio of the CPU time to that of cnpg-pair.
package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

const runs = 5

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: bench CNPG-PAIR YQ")
		os.Exit(2)
	}
	if err := bench(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// command is one row of the table.
type command struct {
	name string
	args []string
	on   bool // with a valid trio
}

func bench(pair, yq string) error {
	dir, err := os.MkdirTemp("", "cnpg-pair-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	empty := filepath.Join(dir, "empty-program")
	if err := buildEmpty(dir, empty); err != nil {
		return err
	}
	info, err := os.Stat(pair)
	if err != nil {
		return err
	}
	fmt.Printf("the program: %.1f MB\n\n", float64(info.Size())/1e6)

	edit := `(select(.kind == "Cluster") | .metadata.labels."openova.io/region") = "fsn1"`
	filters := []command{
		{"cnpg-pair", []string{pair}, true},
		{"cnpg-pair, trio off", []string{pair}, false},
		{"cat", []string{"cat"}, false},
		{"yq, one edit", []string{yq, edit}, false},
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "stream\tcommand\tCPU ms\twall ms\tpeak MB\tCPU ratio\t")
	for _, stream := range []struct {
		name                string
		documents, clusters int
		commands            []command
	}{
		{"empty", 0, 0, []command{{"cnpg-pair", []string{pair}, true}, {"an empty Go program", []string{empty}, false}}},
		{"small", 14, 1, filters},
		{"medium", 1000, 20, filters},
		{"large", 20000, 200, filters},
	} {
		file := filepath.Join(dir, stream.name)
		if err := write(file, stream.documents, stream.clusters); err != nil {
			return err
		}
		if err := measure(table, stream.name, file, stream.commands); err != nil {
			return err
		}
	}
	return table.Flush()
}

func buildEmpty(dir, program string) error {
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o644); err != nil {
		return err
	}
	build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", program, source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	build.Stderr = os.Stderr
	return build.Run()
}

// usage is what one run took.
type usage struct {
	cpu, wall time.Duration
	peak      int64 // kB
}

// measure runs the commands in turn, so that a machine that slows down slows
// all of them down.
func measure(table *tabwriter.Writer, stream, file string, commands []command) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	stream = fmt.Sprintf("%s, %.1f MB", stream, float64(info.Size())/1e6)
	rounds := runs
	if info.Size() < 1e5 {
		rounds = 10 * runs // a single short run says nothing
	}
	all := make([][]usage, len(commands))
	for range rounds {
		for i, c := range commands {
			u, err := run(c, file)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			all[i] = append(all[i], u)
		}
	}
	ours := median(all[0], func(u usage) int64 { return int64(u.cpu) })
	for i, c := range commands {
		cpu := median(all[i], func(u usage) int64 { return int64(u.cpu) })
		wall := median(all[i], func(u usage) int64 { return int64(u.wall) })
		peak := median(all[i], func(u usage) int64 { return u.peak })
		fmt.Fprintf(table, "%s\t%s\t%.1f\t%.1f\t%.1f\t%.2f\t\n", stream, c.name,
			float64(cpu)/1e6, float64(wall)/1e6, float64(peak)/1e3, float64(cpu)/float64(ours))
	}
	return nil
}

// run feeds a file to a command through a pipe, as Helm does. The stream is
// never held here: what this process holds would count for the command.
func run(c command, file string) (usage, error) {
	stream, err := os.Open(file)
	if err != nil {
		return usage{}, err
	}
	defer stream.Close()
	cmd := exec.Command(c.args[0], c.args[1:]...)
	cmd.Env = os.Environ()
	if c.on {
		cmd.Env = append(cmd.Env, "SOVEREIGN_ENABLE_HOT_STANDBY=true", "SOVEREIGN_PRIMARY_REGION=fsn1", "SOVEREIGN_REPLICA_REGION=hel1")
	}
	cmd.Stdin = bufio.NewReader(stream) // not a file, so it becomes a pipe
	cmd.Stderr = os.Stderr
	begin := time.Now()
	err = cmd.Run()
	wall := time.Since(begin)
	if err != nil {
		return usage{}, err
	}
	return usage{
		cpu:  cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
		wall: wall,
		peak: cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss,
	}, nil
}

func median(all []usage, of func(usage) int64) int64 {
	values := make([]int64, len(all))
	for i, u := range all {
		values[i] = of(u)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// write generates a stream of documents as Helm 3 does, a given number of them
// Clusters; every tenth is a ConfigMap with a script and a ruler, every
// hundredth a CRD with long descriptions.
func write(file string, documents, clusters int) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	b := bufio.NewWriter(f)
	for i := range documents {
		fmt.Fprintf(b, "---\n# Source: platform/charts/app-%d/templates/object.yaml\n", i)
		switch {
		case clusters > 0 && i%(documents/clusters) == 1:
			fmt.Fprintf(b, clusterText, i, i%7, 1+i%3)
		case i%100 == 50:
			fmt.Fprintf(b, "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: things%d.example.com\nspec:\n  versions:\n  - name: v1\n    schema:\n      openAPIV3Schema:\n        properties:\n", i)
			for j := range 60 {
				fmt.Fprintf(b, "          field%d:\n            description: >-\n              %s\n            type: string\n", j, strings.Repeat("What the field is for, at length. ", 8))
			}
		case i%10 == 5:
			fmt.Fprintf(b, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: scripts-%d\ndata:\n  run.sh: |\n    #!/bin/sh\n    # -----------------------------------------------\n", i)
			for j := range 40 {
				fmt.Fprintf(b, "    echo \"step %d of the script: $(date)\" >> /var/log/steps\n", j)
			}
		default:
			fmt.Fprintf(b, deploymentText, i, i, i, i, i)
		}
	}
	return b.Flush()
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

const deploymentText = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-%d
  labels:
    app.kubernetes.io/name: web
    app.kubernetes.io/instance: release-%d
    app.kubernetes.io/managed-by: Helm
spec:
  replicas: 2
  selector:
    matchLabels:
      app.kubernetes.io/instance: release-%d
  template:
    metadata:
      labels:
        app.kubernetes.io/instance: release-%d
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
          value: tenant-%d-db-rw
        - name: DATABASE_NAME
          value: app
        resources:
          limits:
            cpu: 100m
            memory: 128Mi
          requests:
            cpu: 100m
            memory: 128Mi
`
