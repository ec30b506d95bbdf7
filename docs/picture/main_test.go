package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

func TestPictureIsFresh(t *testing.T) {
	var made strings.Builder
	if err := run("blog-db.yaml", &made); err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile("../pair.svg")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(kept), "\n"), strings.Split(made.String(), "\n")); diff != "" {
		t.Errorf("docs/pair.svg is stale; run make docs (-kept +made):\n%s", diff)
	}
}

// TestPictureIsTheDiff reads the lines back out of the picture.
func TestPictureIsTheDiff(t *testing.T) {
	data, err := os.ReadFile("blog-db.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(data), "\n"); lines > 15 {
		t.Errorf("the input has %d lines, too many for one screen", lines)
	}
	renderer := postrender.New(postrender.Config{EnableHotStandby: true, PrimaryRegion: "fsn1", ReplicaRegion: "hel1"})
	result, err := renderer.Render(postrender.Source{Name: "blog-db.yaml", Data: data})
	if err != nil {
		t.Fatal(err)
	}
	var diff strings.Builder
	if err := result.WriteDiff(&diff, false); err != nil {
		t.Fatal(err)
	}
	var picture struct {
		Text []struct {
			Class string `xml:"class,attr"`
			Text  string `xml:",chardata"`
		} `xml:"text"`
	}
	text, err := os.ReadFile("../pair.svg")
	if err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal(text, &picture); err != nil {
		t.Fatal(err)
	}
	var drawn []string
	for _, line := range picture.Text {
		switch {
		case line.Class == "remove":
			t.Errorf("the picture says that nothing is taken away, but: %s", line.Text)
		case line.Class != "say" && line.Class != "":
			drawn = append(drawn, line.Text)
		}
		if n := len([]rune(line.Text)); n > 59 {
			t.Errorf("%d characters do not fit: %s", n, line.Text)
		}
	}
	want := lines(strings.Replace(diff.String(), "\t", "  ", 1))
	if d := cmp.Diff(want, drawn); d != "" {
		t.Errorf("the lines of the diff (-want +drawn):\n%s", d)
	}
}

// TestPictures holds every picture of docs to what a page needs: well-formed,
// with words for those who do not see it, for light and dark pages, and without
// anything from elsewhere, which GitHub would not load.
func TestPictures(t *testing.T) {
	files, err := filepath.Glob("../*.svg")
	if err != nil || len(files) < 2 {
		t.Fatalf("only %d pictures: %v", len(files), err)
	}
	pages := make(map[string]string) // by how they link to docs
	for link, page := range map[string]string{"](docs/": "../../README.md", "](": "../reference.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		pages[link] = string(text)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var elements []string
		for decoder := xml.NewDecoder(strings.NewReader(string(text))); ; {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s is not well-formed: %v", file, err)
			}
			if start, ok := token.(xml.StartElement); ok {
				elements = append(elements, start.Name.Local)
				for _, a := range start.Attr {
					if a.Name.Local == "href" || a.Name.Local == "src" || strings.HasPrefix(a.Name.Local, "on") {
						t.Errorf("%s: <%s %s=%q>", file, start.Name.Local, a.Name.Local, a.Value)
					}
				}
			}
		}
		for _, name := range []string{"title", "desc", "style"} {
			if !slices.Contains(elements, name) {
				t.Errorf("%s has no <%s>", file, name)
			}
		}
		for _, name := range []string{"script", "image", "foreignObject", "use"} {
			if slices.Contains(elements, name) {
				t.Errorf("%s has a <%s>", file, name)
			}
		}
		rest := strings.Replace(string(text), `xmlns="http://www.w3.org/2000/svg"`, "", 1)
		for _, word := range []string{"://", "url(//", "@import", "@font-face"} {
			if strings.Contains(rest, word) {
				t.Errorf("%s has %s", file, word)
			}
		}
		if !strings.Contains(rest, "prefers-color-scheme: dark") || !strings.Contains(rest, `role="img"`) {
			t.Errorf("%s has no dark colours, or no role", file)
		}
		described := false
		for link, page := range pages {
			before, _, found := strings.Cut(page, link+filepath.Base(file)+")")
			at := strings.LastIndex(before, "![")
			described = described || found && at >= 0 && len(before)-at >= 40
		}
		if !described {
			t.Errorf("no page shows %s with a description", file)
		}
	}
}

// TestRegionsIsThePair holds the names in docs/regions.svg, which is drawn by hand,
// against the pair of a Cluster X. The Services -rw are the operator's; that it asks
// for port 8000 is known of the policies.
func TestRegionsIsThePair(t *testing.T) {
	const input = `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: x}
spec: {instances: 1}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p}
spec:
  podSelector: {matchLabels: {cnpg.io/cluster: x}}
  policyTypes: [Ingress]
`
	renderer := postrender.New(postrender.Config{EnableHotStandby: true, PrimaryRegion: "fsn1", ReplicaRegion: "hel1"})
	result, err := renderer.Render(postrender.Source{Name: "x", Data: []byte(input)})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if _, err := result.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	pair := out.String()
	for _, service := range []string{"x", "x-replica"} {
		pair += " " + service + "-rw"
	}
	drawing, err := os.ReadFile("../regions.svg")
	if err != nil {
		t.Fatal(err)
	}
	words := regexp.MustCompile(`\b(X(-[a-z]+)*|port \d+|streaming_replica|verify-[a-z]+)\b`).FindAllString(string(drawing), -1)
	if len(words) < 20 {
		t.Fatalf("only %d names in the drawing: %q", len(words), words)
	}
	for _, word := range words {
		word = strings.TrimPrefix(word, "port ")
		if !regexp.MustCompile(`(^|[\s"\[:,{])` + strings.ToLower(word) + `([\s"\],}]|$)`).MatchString(pair) {
			t.Errorf("the drawing speaks of %s, which the pair does not:\n%s", word, pair)
		}
	}
}
