package netpol_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	yamlv2 "go.yaml.in/yaml/v2"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

const besidePolicies = `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: blog-db, namespace: blog}
spec: {instances: 3}
---
`

// FuzzPolicies: whatever stands beside a Cluster as its network policies, and whatever
// the settings, there is no panic, and an error says in which line it is. Without an
// error, every policy that came is still there: the same where it does not name Clusters
// by their label, and otherwise with nothing less in it. A second run changes nothing.
//
// It is in this package, not in postrender, whose tests link so much that one
// execution takes a hundred times as long.
func FuzzPolicies(f *testing.F) {
	files, err := filepath.Glob("../../testdata/*polic*/in.yaml")
	if err != nil || len(files) < 20 {
		f.Fatalf("%d files: %v", len(files), err)
	}
	for i, file := range files {
		in, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for j, piece := range yamledit.Split(in) {
			if body := in[piece.Body:piece.End]; bytes.Contains(body, []byte("NetworkPolicy")) {
				f.Add(bytes.Clone(body), uint64(i+j))
			}
		}
	}
	f.Fuzz(func(t *testing.T, policies []byte, seed uint64) {
		in := append([]byte(besidePolicies), policies...)
		c := anySettings(seed)
		out, alone, err := render(c, in)
		if err != nil {
			for _, err := range message.Split(err) {
				var config *postrender.ConfigError
				var at *postrender.Error
				if !errors.As(err, &config) && (!errors.As(err, &at) || at.Line == 0 || at.Line > 1+bytes.Count(in, []byte("\n"))) {
					t.Fatalf("%v of %T does not say in which line\n%s", err, err, in)
				}
			}
			return
		}
		again, _, err := render(c, out)
		if err != nil || !alone && !bytes.Equal(again, out) {
			t.Fatalf("a second run: %v\n%s\n%s", err, out, again)
		}
		before, ok := policiesOf(in)
		if !ok {
			return
		}
		after, ok := policiesOf(out)
		if !ok {
			t.Fatalf("Helm reads what came, and not what was written:\n%s\n%s", in, out)
		}
		for _, policy := range before {
			same := func(o map[any]any) bool {
				return o["kind"] == policy["kind"] && cmp.Equal(o["metadata"], policy["metadata"])
			}
			if !slices.ContainsFunc(after, func(o map[any]any) bool {
				return same(o) && has(o, policy) && (names(policy) || cmp.Equal(o, policy))
			}) && cmp.Equal(policy, policy) { // unlike one with .nan
				t.Fatalf("%+v: %v is gone, or has changed\n%s\n%s", c, policy["metadata"], in, out)
			}
		}
	})
}

// anySettings are those of a seed.
func anySettings(seed uint64) postrender.Config {
	random := rand.New(rand.NewPCG(seed, 3))
	c := postrender.Config{EnableHotStandby: true, PrimaryRegion: "fsn1", ReplicaRegion: "hel1"}
	c.Side = []postrender.Side{"", "primary", "replica"}[random.IntN(3)]
	if random.IntN(2) == 0 {
		c.PeerClusters = []string{"far"}
	}
	c.Active = []postrender.Active{"", "none", "replica"}[random.IntN(3)]
	if c.Active == "replica" {
		c.Failover = "done"
	}
	c.Strict = random.IntN(4) == 0
	return c
}

// render runs the renderer, and tells whether the Cluster stays alone.
func render(c postrender.Config, in []byte) (out []byte, alone bool, err error) {
	result, err := postrender.New(c).Render(postrender.Source{Name: "stdin", Data: in})
	if err != nil {
		return nil, false, err
	}
	var b bytes.Buffer
	result.WriteTo(&b)
	alone = slices.ContainsFunc(result.Decisions, func(d postrender.Decision) bool { return d.Action == postrender.CannotBePaired })
	return b.Bytes(), alone, nil
}

// policiesOf reads the network policies of a stream that may be anything, as Helm does,
// and tells whether that reads all of it.
func policiesOf(stream []byte) (all []map[any]any, ok bool) {
	var add func(v any)
	add = func(v any) {
		o, _ := v.(map[any]any)
		kind := fmt.Sprint(o["kind"])
		if items, is := o["items"].([]any); is && strings.HasSuffix(kind, "List") {
			for _, item := range items {
				add(item)
			}
		} else if strings.HasSuffix(kind, "NetworkPolicy") {
			all = append(all, o)
		}
	}
	for _, piece := range yamledit.Split(stream) {
		var v any
		if err := yamlv2.Unmarshal(stream[piece.Body:piece.End], &v); err != nil {
			return nil, false
		}
		add(v)
	}
	return all, true
}

// names tells whether a policy may know a Cluster by the label of its Pods.
func names(policy any) bool { return strings.Contains(fmt.Sprint(policy), "cnpg.io/cluster") }

// has tells whether a value is another one and more.
func has(value, part any) bool {
	switch part := part.(type) {
	case nil:
		return true
	case map[any]any:
		m, _ := value.(map[any]any)
		for key, one := range part {
			if !has(m[key], one) {
				return false
			}
		}
		return true
	case []any:
		l, _ := value.([]any)
		for i, one := range part {
			if i >= len(l) || !has(l[i], one) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(value, part)
}
