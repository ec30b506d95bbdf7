package postrender_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// A reader of YAML decodes one document. That of Helm is go-yaml 2 behind a
// conversion to JSON. The other one shares no code with any go-yaml, and reads YAML
// 1.2: it has errors of its own, but not the same ones.
var readers = map[string]func(text []byte, v any) error{
	"Helm's reader": func(text []byte, v any) error { return sigsyaml.Unmarshal(text, v) },
	"goccy/go-yaml": func(text []byte, v any) error {
		return yaml.Unmarshal(bytes.TrimPrefix(text, []byte("\ufeff")), v) // which it takes for a key
	},
}

// judgeReading reads what went in and what came out by another reader of YAML, and
// compares as judgeStream does. It returns false where the reader cannot read what
// went in.
func judgeReading(t testing.TB, reader string, c postrender.Config, in, out []byte, decisions []postrender.Decision) bool {
	t.Helper()
	read := func(stream []byte) (all []values, err error) {
		for _, document := range documentsOf(t, stream) {
			var o values
			if err := readers[reader]([]byte(document), &o); err != nil {
				return nil, err
			}
			if o != nil {
				all = append(all, items(whole(o).(values))...)
			}
		}
		return all, nil
	}
	before, err := read(in)
	if err != nil {
		return false
	}
	after, err := read(out)
	if err != nil {
		t.Errorf("%s has read the input, and does not read the output: %v", reader, err)
		return true
	}
	var want []values
	var couples []couple
	clusters := 0
	for _, o := range before {
		if isCluster(o) {
			clusters++
		}
		if isCluster(o) && decisions[clusters-1].Action == postrender.Paired {
			name := text(o, "metadata", "name")
			couples = append(couples, couple{inNamespace(o), name, wantReplicaName(name)})
			want = append(want, wantPair(c, o)...)
		} else if !isPolicy(o) {
			want = append(want, o)
		}
	}
	want = wantPoolers(c, before, want, couples)
	var got []values
	for _, o := range after {
		if !isPolicy(o) {
			got = append(got, o)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s reads another output than the pair that is asked for (-want +got):\n%s", reader, diff)
	}
	return true
}

// whole makes all whole numbers the same type, as those of the judge are.
func whole(v any) any {
	switch v := v.(type) {
	case values:
		for key, value := range v {
			v[key] = whole(value)
		}
	case []any:
		for i, item := range v {
			v[i] = whole(item)
		}
	case uint64:
		return int(v)
	case int64:
		return int(v)
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int(v)
		}
	}
	return v
}
