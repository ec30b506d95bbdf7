package postrender_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	yamlv2 "go.yaml.in/yaml/v2"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// FuzzRun: whatever the stream and the settings, there is no panic and no hang;
// there is either an error and nothing else or an output; with hot standby off that
// is the input; Clusters that CNPG would accept come out as such; and a second
// run changes nothing.
func FuzzRun(f *testing.F) {
	files, err := filepath.Glob("../testdata/*/in.yaml")
	if err != nil || len(files) == 0 {
		f.Fatal(err)
	}
	for _, file := range files {
		in, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(in, uint64(0))
		f.Add(in, uint64(len(in)))
	}
	f.Fuzz(func(t *testing.T, in []byte, seed uint64) {
		if off, _, err := render(t, postrender.Config{}, in); err != nil || !bytes.Equal(in, off) {
			t.Fatalf("changed with hot standby off: %v\n%q\n%q", err, in, off)
		}
		c := settings(seed)
		begin := cpuTime()
		out, decisions, err := render(t, c, in)
		if took, limit := cpuTime()-begin, 5*time.Second+time.Duration(len(in))*20*time.Microsecond; took > limit {
			t.Fatalf("%d bytes took %s", len(in), took)
		}
		var filtered bytes.Buffer
		if failed := postrender.New(c).Filter(&filtered, bytes.NewReader(in)); (failed == nil) != (err == nil) || !bytes.Equal(filtered.Bytes(), out) {
			t.Fatalf("rendered: %v\n%q\nfiltered: %v\n%q", err, out, failed, filtered.Bytes())
		}
		if err != nil {
			return
		}
		if len(decisions) == 0 && !bytes.Equal(in, out) {
			t.Fatalf("changed without a Cluster:\n%q\n%q", in, out)
		}
		if before, ok := clusters(in); ok && !slices.ContainsFunc(before, refused) {
			after, ok := clusters(out)
			if i := slices.IndexFunc(after, refused); !ok || i >= 0 {
				t.Fatalf("what was written is no Cluster of CNPG's:\n%s\n%s", in, out)
			}
		}
		again, _, err := render(t, c, out)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, out)
		}
		// on the side of the replica, what was in the way of another Cluster may have gone with a primary
		inTheWay := slices.ContainsFunc(decisions, func(d postrender.Decision) bool { return d.Action == postrender.CannotBePaired })
		if gone := inTheWay && (c.Side == "replica" || c.Side == "secondary"); !gone && !bytes.Equal(again, out) {
			t.Fatalf("a second run changes something:\n%s\n%s", out, again)
		}
	})
}

func refused(o values) bool { return strict(o) != nil }

var documentStart = regexp.MustCompile(`(?m)^(---|\.\.\.)[ \t]*`)

// clusters reads the Clusters of a stream that may be anything, and whether all
// documents that name CNPG can be read.
func clusters(stream []byte) (all []values, ok bool) {
	for _, document := range documentStart.Split(string(stream), -1) {
		var v map[any]any
		if !strings.Contains(document, "postgresql.cnpg.io") {
			continue
		}
		if err := yamlv2.Unmarshal([]byte(document), &v); err != nil {
			return nil, false
		}
		o, _ := stringKeys(v).(values)
		for _, o := range items(o) {
			if isCluster(o) {
				all = append(all, o)
			}
		}
	}
	return all, true
}
