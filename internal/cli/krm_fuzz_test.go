package cli

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/krm"
	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// functionEnvs are the environments of a KRM function, each of which may be beaten by the
// functionConfig of a list.
var functionEnvs = []map[string]string{
	{postrender.EnvEnableHotStandby: "true", postrender.EnvPrimaryRegion: "fsn1", postrender.EnvReplicaRegion: "hel1"},
	{postrender.EnvEnableHotStandby: "true", postrender.EnvPrimaryRegion: "fsn1", postrender.EnvReplicaRegion: "hel1", postrender.EnvStrict: "true"},
	{postrender.EnvEnableHotStandby: "true", postrender.EnvPrimaryRegion: "fsn1", postrender.EnvReplicaRegion: "hel1", postrender.EnvActive: "none"},
	{},
}

// FuzzFunction: whatever the ResourceList, there is no panic, and there is an answer: a
// ResourceList. Where the function fails, its objects are those that came, and the
// results have an error. Where it does not, all objects that came are still there, in
// their order, each with the annotations that tell where it is; what is new is nowhere
// where something is; and a second run changes no object.
func FuzzFunction(f *testing.F) {
	files, err := filepath.Glob("../../testdata/*/in.yaml")
	if err != nil || len(files) < 50 {
		f.Fatalf("%d files: %v", len(files), err)
	}
	lists := 0
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		if _, is, _ := krm.Read(text); is {
			lists++
			for which := range functionEnvs {
				f.Add(text, uint8(which))
			}
		} else if list := listOf(text); i%4 == 0 && list != nil {
			f.Add(list, uint8(i/4))
		}
	}
	f.Add([]byte("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\nfunctionConfig: {kind: ConfigMap, data: {SOVEREIGN_REPLICA_REGION: n int}}\n"), uint8(1))
	if lists < 2 {
		f.Fatalf("%d ResourceLists", lists)
	}
	f.Fuzz(func(t *testing.T, text []byte, which uint8) {
		list, is, err := krm.Read(text)
		if err != nil || !is {
			return
		}
		env := functionEnvs[int(which)%len(functionEnvs)]
		answer, failed := callFunction(t, env, text)
		if _, is, err := krm.Read(answer); err != nil || !is {
			t.Fatalf("the answer is no ResourceList: %v\n%s\n%s", err, text, answer)
		}
		before, after := objectsOf(t, text), objectsOf(t, answer)
		if failed != nil {
			if diff := gocmp.Diff(values(before), values(after), cmpopts.EquateNaNs()); diff != "" {
				t.Fatalf("it fails, and changes objects: %v\n%s\n%s\n%s", failed, diff, text, answer)
			}
			if !hasError(t, answer) {
				t.Fatalf("no error in the results: %v\n%s", failed, answer)
			}
			return
		}
		if own, err := list.Settings(); err == nil && cmp.Or(own[postrender.EnvSide].Value, "both") == "both" {
			judgeAnnotations(t, before, after, text, answer)
		}
		second, failed := callFunction(t, env, answer)
		if failed != nil {
			t.Fatalf("the second time: %v\n%s\n%s", failed, text, answer)
		}
		if diff := gocmp.Diff(values(after), values(objectsOf(t, second)), cmpopts.EquateNaNs()); diff != "" {
			t.Fatalf("a second run changes objects:\n%s\n%s\n%s", diff, text, answer)
		}
	})
}

// listOf makes a ResourceList of the documents of a stream in block style, with places.
func listOf(stream []byte) []byte {
	list := "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n"
	for _, piece := range yamledit.Split(stream) {
		body := string(stream[piece.Body:piece.End])
		if !strings.HasPrefix(body, "apiVersion:") {
			return nil
		}
		body = strings.Replace(body, "\nmetadata:\n", "\nmetadata:\n  annotations: {config.kubernetes.io/path: a.yaml}\n", 1)
		for i, line := range strings.Split(strings.TrimRight(body, "\n"), "\n") {
			list += []string{"- ", "  "}[min(i, 1)] + line + "\n"
		}
	}
	return []byte(list)
}

// callFunction runs the filter on a ResourceList.
func callFunction(t *testing.T, env map[string]string, list []byte) ([]byte, error) {
	t.Helper()
	getenv := func(name string) string { return env[name] }
	chosen, err := parse(nil, getenv, nil)
	if err != nil {
		t.Fatal(err)
	}
	var answer bytes.Buffer
	p := &Process{Getenv: getenv, Stdout: &answer, Stderr: io.Discard}
	err = chosen.(filter).render(p, postrender.Source{Name: "stdin", Data: list})
	for _, one := range message.Split(err) {
		var at *postrender.Error
		var setting *postrender.ConfigError // of the environment, perhaps
		if !errors.As(one, &setting) && (!errors.As(one, &at) || at.Err == nil) {
			t.Fatalf("%v of %T does not say where", one, one)
		}
	}
	return answer.Bytes(), err
}

func objectsOf(t *testing.T, list []byte) []*manifest.Object {
	t.Helper()
	for _, piece := range yamledit.Split(list) {
		document, err := yamledit.Parse(list, piece)
		if err != nil {
			t.Fatalf("%v\n%s", err, list)
		}
		if document.Tree != nil {
			all := manifest.ObjectsOf(document)
			if len(all) == 1 && all[0].Tree() == document.Tree { // the list itself, to which results are added
				return nil
			}
			return all
		}
	}
	return nil
}

// values are what objects say.
func values(objects []*manifest.Object) (all []any) {
	for _, o := range objects {
		var value any
		if err := o.Tree().Decode(&value); err != nil {
			value = "go-yaml reads it as nodes only"
		}
		all = append(all, value)
	}
	return all
}

func hasError(t *testing.T, list []byte) bool {
	t.Helper()
	var all struct {
		Results []struct{ Severity, Message string }
	}
	for _, piece := range yamledit.Split(list) {
		document, err := yamledit.Parse(list, piece)
		if err != nil || document.Tree == nil {
			continue
		}
		if n := yamledit.Get(document.Tree, "results"); n != nil && n.Kind == yaml.SequenceNode {
			if err := n.Decode(&all.Results); err != nil {
				t.Fatalf("results: %v\n%s", err, list)
			}
		}
	}
	for _, r := range all.Results {
		if r.Severity == "error" && r.Message != "" {
			return true
		}
	}
	return false
}

// place is an object, and where the annotations say it is.
type place struct{ apiVersion, kind, namespace, name, folder, path, index, old, oldIndex string }

func placeOf(o *manifest.Object) place {
	annotations, _ := yamledit.MappingAt(o.Tree(), "metadata.annotations")
	get := func(key string) string {
		value, _ := yamledit.StringAt(annotations, key)
		if n := yamledit.Get(annotations, key); n != nil && n.Kind == yaml.ScalarNode {
			value = n.Value
		}
		return value
	}
	const prefix = "internal.config.kubernetes.io/"
	return place{o.APIVersion, o.Kind, o.Namespace, o.Name, get(prefix + "package-path"), get(prefix + "path"), get(prefix + "index"),
		get("config.kubernetes.io/path"), get("config.kubernetes.io/index")}
}

// judgeAnnotations compares the places of the objects before and after.
func judgeAnnotations(t *testing.T, before, after []*manifest.Object, in, out []byte) {
	t.Helper()
	rest := after
	for _, o := range before {
		for len(rest) > 0 && placeOf(rest[0]) != placeOf(o) {
			rest = rest[1:]
		}
		if len(rest) == 0 {
			t.Fatalf("%+v is gone, or elsewhere\n%s\n%s", placeOf(o), in, out)
		}
		rest = rest[1:]
	}
	count := func(objects []*manifest.Object) map[place]int {
		n := make(map[place]int)
		for _, o := range objects {
			p := placeOf(o)
			p.apiVersion, p.kind, p.namespace, p.name = "", "", "", ""
			n[p]++
		}
		return n
	}
	had := count(before)
	for p, n := range count(after) {
		if n > max(1, had[p]) && (p.path != "" && p.index != "" || p.old != "" && p.oldIndex != "") {
			t.Fatalf("%d objects are in one place: %+v\n%s\n%s", n, p, in, out)
		}
	}
}
