package follow

import (
	"strings"
	"testing"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// withPoolers is a finder of a Cluster db, and of its Poolers app and ro.
func withPoolers() *Finder {
	cluster := &manifest.Cluster{Object: &manifest.Object{Kind: "Cluster", Name: "db", Namespace: "blog"}}
	pooler := func(name string, writes bool) *manifest.Pooler {
		p := &manifest.Pooler{Object: &manifest.Object{Kind: "Pooler", Name: name}, Cluster: cluster, Writes: writes}
		if writes {
			p.Address = name + "-active"
		}
		return p
	}
	return NewFinder([]*Cluster{{Object: cluster.Object, Secret: "db-app"}}, []*manifest.Pooler{pooler("app", true), pooler("ro", false)})
}

// TestPoolerHosts: the name of a Pooler is any word, and a host only where nothing else
// can stand.
func TestPoolerHosts(t *testing.T) {
	for text, want := range map[string]string{
		"app":                                 "",
		"the app is app":                      "",
		"app:5432 app:54321 app:543 app:8080": "app",
		"app.blog:5432,app.blog.svc.cluster.local:5432":  "app.blog app.blog.svc.cluster.local",
		"app.shop:5432 my-app:5432 app-2:5432 _app:5432": "",
		"postgres://app/app":                             "app",
		"postgres://app":                                 "app",
		"postgres://app?x=app":                           "app",
		"postgres://app:5432/app":                        "app",
		"postgres://app:$(PORT)/app":                     "app",
		"postgres://app:6432/app":                        "",
		"postgres://app@db/app":                          "",
		"postgres://app:app@db/app":                      "",
		"postgres://app:5432@db/app":                     "",
		"postgres://app:$(PASSWORD)@db/app":              "",
		"postgres://app:app@app/app":                     "app",
		"postgres://app:app@app.blog.svc/app":            "app.blog.svc",
		"postgres://u:p@db,app:5432/app":                 "app",
		"postgres://a/b u@app":                           "",
		"http://a/@app":                                  "",
		"u@app":                                          "",
		"http://app:9127/metrics":                        "",
		"s3://backups/app":                               "",
		"host=app dbname=app user=app":                   "app",
		"--host=app":                                     "app",
		"PGHOST='app' PGUSER='app'":                      "app",
		"host=application ghosts app":                    "",
		"host = app":                                     "app",
		"a: b\n  host: app\n  name: app\n":               "app",
		"- host: \"app\"\r\n  user: \"app\"":             "app",
		"DB_SERVER=app\nDB_NAME=app":                     "app",
		"export DB_ADDR='app'":                           "app",
		"{\"host\": \"app\", \"user\": \"app\"}":         "app",
		"{\"user\":\"app\",\"address\":\"app\"}":         "app",
		"the server: app is slow":                        "",
		"# a server: app":                                "",
		"host: app and more":                             "",
		"ro:5432":                                        "ro",
		"":                                               "",
	} {
		var got []string
		for _, h := range withPoolers().hosts(text, "blog", false) {
			got = append(got, h.name)
			if label := text[h.from:h.to]; !strings.HasPrefix(h.name, label) {
				t.Errorf("%q: %q is not at its place", text, label)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]int{"app": 1, " 'app'\n": 1, "app.blog.svc": 1, "app.shop": 0, "app:8080": 0, "app:5432": 1, "app or app": 0, "my-app": 0} {
		if got := len(withPoolers().hosts(text, "blog", true)); got != want {
			t.Errorf("%q, the value of a key that says host: %d", text, got)
		}
	}
	const often = 100_000 // in a time that grows with the text
	if got := len(withPoolers().hosts(strings.Repeat("app:5432,", often), "blog", true)); got != often {
		t.Errorf("%d of %d hosts", got, often)
	}
	if len(withPoolers().hosts("app:5432", "shop", false)) != 0 {
		t.Error("a name in another namespace is a host")
	}
}

// TestMayFindPoolers: the filter lets through each document that has a place with a Pooler.
func TestMayFindPoolers(t *testing.T) {
	for text, want := range map[string]int{
		"kind: A\nspec: {host: app}\n":                                                                  1,
		"kind: A\nspec: {hosts: [app, db]}\n":                                                           1,
		"kind: A\nspec: {url: \"postgres:\\x2f\\x2fapp\"}\n":                                            1,
		"kind: A\nspec: {a: \"x\\napp:5432\"}\n":                                                        1,
		"kind: A\nspec: {a: \"x\\u000aapp:5432\"}\n":                                                    1,
		"apiVersion: v1\nkind: Secret\ndata: {host: YXBw, user: YXBw}\n":                                1,
		"kind: A\nspec: {containers: [{env: [{name: DB_HOST, value: app}, {name: DB, value: app}]}]}\n": 1,
		"kind: A\nspec: {selector: {host: app}, name: app, image: 'app:5432'}\n":                        0,
	} {
		document, err := yamledit.Parse([]byte(text), yamledit.Split([]byte(text))[0])
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		f := withPoolers()
		for _, o := range manifest.ObjectsOf(document) {
			places := f.Find(o)
			if len(places) != want || want > 0 && !f.MayFind([]byte(text)) {
				t.Errorf("%d places, found by the filter: %v\n%s", len(places), f.MayFind([]byte(text)), text)
			}
			for _, p := range places {
				if p.Address() != "app-active" {
					t.Errorf("%s: %s", text, p.Address())
				}
			}
		}
	}
	for text, want := range map[string]bool{"kind: A\nspec: {host: app2}\n": false, "kind: A\nspec: {host: xapp}\n": false} {
		if withPoolers().MayFind([]byte(text)) != want {
			t.Errorf("the filter lets %s through", text)
		}
	}
	if finderOf("blog").MayFind([]byte("kind: A\nspec: {host: app}\n")) {
		t.Error("without Poolers, the filter lets a host through")
	}
}
