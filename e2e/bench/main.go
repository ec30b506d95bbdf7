// Command bench times cnpg-pair as whole processes, in turn with what a user
// would reach for instead, on generated streams that look like Helm's output.
//
//	bench CNPG-PAIR YQ KYAML KUSTOMIZE
//
// It prints a table: the medians of CPU and wall time, the peak of memory, and
// the CPU time in units of that of cnpg-pair; and then the bars. A bar that is
// missed makes it fail.
package main

import (
	"bufio"
	"context"
	"errors"
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

const (
	runs  = 7
	bound = time.Minute // for one run of kustomize on the large stream

	pair    = "cnpg-pair"
	follows = "cnpg-pair --follow"
	off     = "cnpg-pair, hot standby off"
	cat     = "cat"
	yq      = "yq, one edit"
	kyaml   = "kyaml, read and write"
	kustom  = "kustomize, one patch"
	nothing = "an empty Go program"
)

var errMissed = errors.New("a bar was missed")

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: bench CNPG-PAIR YQ KYAML KUSTOMIZE")
		os.Exit(2)
	}
	if err := bench(os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// command is one row of the table.
type command struct {
	name string
	args []string
	on   bool // with valid hot-standby settings
}

func bench(pairProgram, yqProgram, kyamlProgram, kustomizeProgram string) error {
	dir, err := os.MkdirTemp("", "cnpg-pair-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	empty := filepath.Join(dir, "empty-program")
	if err := buildEmpty(dir, empty); err != nil {
		return err
	}
	info, err := os.Stat(pairProgram)
	if err != nil {
		return err
	}
	fmt.Printf("the program: %.1f MB\n\n", float64(info.Size())/1e6)

	edit := `(select(.kind == "Cluster") | .metadata.labels."openova.io/region") = "fsn1"`
	all := make(map[string]usage)
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "stream\tcommand\tCPU ms\twall ms\tpeak MB\tCPU ratio\t")
	for _, s := range slices.Concat([]stream{{name: "empty"}}, streams) {
		file := filepath.Join(dir, s.name+".yaml")
		if err := s.write(file); err != nil {
			return err
		}
		build := filepath.Join(dir, s.name)
		if err := kustomization(build, file); err != nil {
			return err
		}
		commands := []command{
			{pair, []string{pairProgram}, true},
			{follows, []string{pairProgram, "--follow"}, true},
			{off, []string{pairProgram}, false},
			{cat, []string{"cat"}, false},
			{yq, []string{yqProgram, edit}, false},
			{kyaml, []string{kyamlProgram}, false},
			{kustom, []string{kustomizeProgram, "build", build}, false},
		}
		if s.documents == 0 {
			commands = []command{commands[0], commands[2], {nothing, []string{empty}, false}}
		}
		if err := measure(table, s.name, file, commands, all); err != nil {
			return err
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Println()
	return printBars(all)
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

// kustomization writes a folder in which kustomize patches the Clusters of a file.
func kustomization(dir, file string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	// a file outside its folder is refused
	if err := os.Link(file, filepath.Join(dir, "rendered.yaml")); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(`resources: [rendered.yaml]
patches:
- target: {kind: Cluster}
  patch: '[{"op": "add", "path": "/metadata/labels/openova.io~1region", "value": "fsn1"}]'
`), 0o644)
}

// usage is what one run took.
type usage struct {
	cpu, wall time.Duration
	peak      int64 // kB
	stopped   bool  // at the bound
}

// measure runs the commands in turn, so that a machine that slows down slows
// all of them down.
func measure(table *tabwriter.Writer, name, file string, commands []command, all map[string]usage) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	rounds := runs
	if info.Size() < 1e5 {
		rounds = 10 * runs // a single short run says nothing
	}
	measured := make([][]usage, len(commands))
	for range rounds {
		for i, c := range commands {
			if n := len(measured[i]); n > 0 && measured[i][n-1].stopped {
				continue
			}
			u, err := run(c, file)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			measured[i] = append(measured[i], u)
		}
	}
	for i, c := range commands {
		u := usage{
			cpu:  median(measured[i], func(u usage) time.Duration { return u.cpu }),
			wall: median(measured[i], func(u usage) time.Duration { return u.wall }),
			peak: median(measured[i], func(u usage) int64 { return u.peak }),
		}
		all[name+" "+c.name] = u
		more := ""
		if measured[i][0].stopped {
			more = fmt.Sprintf(" (stopped after %s)", bound)
		}
		fmt.Fprintf(table, "%s, %.2f MB\t%s%s\t%.1f\t%.1f\t%.1f\t%.2f\t\n", name, float64(info.Size())/1e6, c.name, more,
			float64(u.cpu)/1e6, float64(u.wall)/1e6, float64(u.peak)/1e3, float64(u.cpu)/float64(all[name+" "+pair].cpu))
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
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(s string) bool {
		return strings.HasPrefix(s, "SOVEREIGN_") || strings.HasPrefix(s, "CNPG_PAIR_")
	})
	if c.on {
		cmd.Env = append(cmd.Env, "SOVEREIGN_ENABLE_HOT_STANDBY=true", "SOVEREIGN_PRIMARY_REGION=fsn1", "SOVEREIGN_REPLICA_REGION=hel1")
	}
	if c.name != kustom {
		cmd.Stdin = bufio.NewReaderSize(stream, 1<<16) // not a file, so it becomes a pipe
	}
	cmd.Stderr = os.Stderr
	begin := time.Now()
	err = cmd.Run()
	wall := time.Since(begin)
	stopped := ctx.Err() != nil
	if err != nil && !stopped {
		return usage{}, err
	}
	return usage{
		cpu:     cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
		wall:    wall,
		peak:    cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss,
		stopped: stopped,
	}, nil
}

func median[T ~int64](all []usage, of func(usage) T) T {
	values := make([]T, len(all))
	for i, u := range all {
		values[i] = of(u)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
