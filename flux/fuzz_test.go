package flux

import (
	"bytes"
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// generators are what a release is given to, with different settings.
var generators = []Generator{
	{Config: valid},
	{Config: valid, Substitute: true},
	{},
	{Config: postrender.Config{EnableHotStandby: true, PrimaryRegion: "fsn1", ReplicaRegion: "hel1", Active: "none"}},
	{Config: postrender.Config{EnableHotStandby: true, PrimaryRegion: "fsn1", ReplicaRegion: "hel1", PromotionToken: "${TOKEN}"}},
}

// FuzzHelmRelease: whatever the file with the HelmRelease, whatever the chart, and for
// all settings, there is no panic. An error says in which file it is, and in that of the
// release in which line. Without an error the file says what it said before, apart from
// the postRenderers, of which only ours change; Check agrees; and a second run changes
// nothing.
//
// A chart without text is one Cluster.
func FuzzHelmRelease(f *testing.F) {
	files, err := filepath.Glob("../testdata/flux*/release.yaml")
	if err != nil || len(files) < 4 {
		f.Fatalf("%d files: %v", len(files), err)
	}
	releases := [][]byte{[]byte(release), []byte(release + others), []byte(strings.ReplaceAll(release+others, "\n", "\r\n"))}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		releases = append(releases, text)
	}
	for i, text := range releases {
		f.Add(text, []byte(nil), uint8(i))
		f.Add(text, []byte(nil), uint8(i+131))
	}
	charts, err := filepath.Glob("../testdata/flux*/in.yaml")
	if err != nil || len(charts) < 5 {
		f.Fatalf("%d charts: %v", len(charts), err)
	}
	for i, file := range charts {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(release), text, uint8(i))
	}
	generated := make([][]PostRenderer, len(generators)) // for the chart of one Cluster
	for i := range generators {
		if generated[i], err = generators[i].PostRenderers(source(oneCluster)); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, text, manifests []byte, which uint8) {
		g := generators[int(which)%len(generators)]
		in, of := file(string(text)), source(cmp.Or(string(manifests), oneCluster))
		write := func(in postrender.Source) ([]byte, error) { return g.HelmRelease(in, of) }
		check := func(in postrender.Source) error { return g.Check(in, of) }
		if len(manifests) == 0 && which < 128 {
			// kustomize is slow: here it runs only where others have postRenderers too
			wanted := generated[int(which)%len(generators)]
			write = func(in postrender.Source) ([]byte, error) {
				r, err := readRelease(in)
				if err != nil || len(r.others) > 0 {
					return in.Data, err
				}
				stateIn(r.ours)
				if len(wanted) == 0 && len(r.ours) == 0 {
					return in.Data, nil
				}
				if all := r.with(wanted); len(all) > 0 {
					return r.set(all)
				}
				return r.set(nil)
			}
			check = func(in postrender.Source) error {
				r, err := readRelease(in)
				if difference := stale(r.ours, wanted); err == nil && len(r.others) == 0 && difference != nil {
					return difference
				}
				return err
			}
		}
		made, err := write(in)
		if err != nil {
			judgeErrors(t, err, text)
			return
		}
		before, after := releaseOf(t, text), releaseOf(t, made)
		if diff := gocmp.Diff(before.others, after.others, cmpopts.EquateNaNs()); diff != "" {
			t.Fatalf("what was not ours has changed (-before +after):\n%s\n%s\n%s", diff, text, made)
		}
		if !slices.Equal(before.around, after.around) {
			t.Fatalf("the other documents have changed:\n%q\n%q", before.around, after.around)
		}
		result := file(string(made))
		if err := check(result); err != nil {
			t.Fatalf("what was written is not what is wanted: %v\n%s", err, made)
		}
		again, err := write(result)
		if err != nil || !bytes.Equal(again, made) {
			t.Fatalf("the second time: %v\n%s\n%s", err, made, again)
		}
	})
}

const oneCluster = "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: blog-db}\nspec: {instances: 1}\n"

// judgeErrors finds errors that do not say where they are.
func judgeErrors(t *testing.T, err error, release []byte) {
	t.Helper()
	for _, err := range message.Split(err) {
		var config *postrender.ConfigError
		var at *postrender.Error
		var said *message.Message
		errors.As(err, &said)
		switch lines := 1 + bytes.Count(release, []byte("\n")); {
		case errors.As(err, &config):
		case !errors.As(err, &at) || at.Source == "" || at.Err == nil:
			t.Fatalf("%v of %T does not say where", err, err)
		case at.Source == "release.yaml" && at.Line == 0 && (said == nil || said.ID != message.FluxNoRelease):
			t.Fatalf("%v is in no line", err)
		case at.Source == "release.yaml" && at.Line > lines:
			t.Fatalf("%v is in a line of %d", err, lines)
		}
	}
}

// fileOfRelease is what a file with a HelmRelease says.
type fileOfRelease struct {
	others any      // the HelmRelease, without our postRenderers
	around []string // the other documents
}

func releaseOf(t *testing.T, text []byte) (f fileOfRelease) {
	t.Helper()
	found := false
	for _, piece := range yamledit.Split(text) {
		body := text[piece.Body:piece.End]
		document, err := yamledit.Parse(text, piece)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if !isRelease(document.Tree) {
			f.around = append(f.around, strings.TrimRight(string(body), "\r\n"))
			continue
		}
		if found {
			t.Fatalf("two HelmReleases:\n%s", text)
		}
		found = true
		if err := yaml.Unmarshal(body, &f.others); err != nil {
			f.others = "go-yaml reads it as nodes only"
			continue
		}
		if release, ok := f.others.(map[string]any); ok {
			if spec, ok := release["spec"].(map[string]any); ok {
				entries, _ := spec["postRenderers"].([]any)
				spec["postRenderers"] = slices.DeleteFunc(slices.Clone(entries), isOurs)
				if len(spec["postRenderers"].([]any)) == 0 {
					delete(spec, "postRenderers")
				}
				if len(spec) == 0 {
					delete(release, "spec")
				}
			} else if release["spec"] == nil {
				delete(release, "spec")
			}
		}
	}
	if !found {
		t.Fatalf("no HelmRelease:\n%s", text)
	}
	return f
}

func isOurs(entry any) bool {
	e, _ := entry.(map[string]any)
	build, _ := e["kustomize"].(map[string]any)
	patches, _ := build["patches"].([]any)
	return len(patches) > 0 && !slices.ContainsFunc(patches, func(patch any) bool {
		p, _ := patch.(map[string]any)
		text, _ := p["patch"].(string)
		return !strings.HasPrefix(text, mark)
	})
}
