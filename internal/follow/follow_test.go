package follow

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

func finderOf(namespace string) *Finder {
	return NewFinder([]*Cluster{{Object: &manifest.Object{Kind: "Cluster", Name: "db", Namespace: namespace}, Secret: "db-app"}}, nil)
}

// TestHosts: a name is one as a whole DNS name only, and in the namespace of the Cluster.
func TestHosts(t *testing.T) {
	for text, want := range map[string]string{
		"db-rw":                                   "db-rw",
		"db-ro db-r":                              "db-ro db-r",
		"postgres://u:db-app@db-rw:5432/db-rw":    "db-rw",
		"jdbc:postgresql://db-rw.blog/x?h=db-rw":  "db-rw.blog db-rw",
		"a,db-rw:5432,db-rw.blog.svc:5432":        "db-rw db-rw.blog.svc",
		"host=db-rw.blog.svc.example.org. port=1": "db-rw.blog.svc.example.org",
		"is db-rw.":                               "db-rw",
		"\"db-rw\"":                               "db-rw",
		"tcp://db-rw":                             "db-rw",
		"my-db-rw db-rw-2 db-rwx xdb-rw DB-RW":    "",
		"db-rw.shop db-rw.shop.svc a.db-rw":       "",
		"db-rw.blog.example.com db-rw_x _db-rw":   "",
		"/run/db-rw /run/db-rw/x http://x/db-rw":  "",
		"adb-rw zdb-rw Adb-rw Zdb-rw 0db-rw":      "", // the ends of what a name is made of
		"9db-rw db-rwa db-rwz db-rwA db-rwZ":      "",
		"db-rw0 db-rw9 -db-rw db-rw- db-rw_":      "",
		"`db-rw {db-rw @db-rw [db-rw":             "db-rw db-rw db-rw db-rw",
		"db-app":                                  "",
		"":                                        "",
	} {
		var got []string
		for _, h := range finderOf("blog").hosts(text, "blog", false) {
			got = append(got, h.name)
			if label := text[h.from:h.to]; !strings.HasPrefix(h.name, label) {
				t.Errorf("%q: %q is not at its place", text, label)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for _, tt := range []struct {
		cluster, object, text string
		want                  int
	}{
		{"blog", "blog", "db-rw", 1}, {"blog", "shop", "db-rw", 0}, {"blog", "shop", "db-rw.blog", 1}, {"blog", "", "db-rw", 1},
		{"", "", "db-rw.blog", 1}, {"", "blog", "db-rw.blog", 1}, {"", "blog", "db-rw.shop", 0}, {"", "blog", "db-rw", 1},
	} {
		if got := finderOf(tt.cluster).hosts(tt.text, tt.object, false); len(got) != tt.want {
			t.Errorf("%+v: %d", tt, len(got))
		}
	}
}

// TestMayFind: the filter lets through each document that has a place.
func TestMayFind(t *testing.T) {
	encoded := base64.StdEncoding.EncodeToString([]byte("postgres://app@db-rw:5432/db"))
	for text, want := range map[string]int{
		"kind: A\nspec: {x: db-rw}\n":                    1,
		"kind: A\nspec:\n- db-r\n":                       1,
		"kind: A\nspec: {x: \"a\\ndb-rw\\u000adb-r\"}\n": 2,
		"{\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"data\": {\"a\": \"" + encoded + "\"}}":                 1,
		"apiVersion: v1\nkind: Secret\ndata:\n  a: " + encoded + "\n":                                            1,
		"apiVersion: v1\nkind: Secret\ndata:\n  a: |\n    " + encoded[:20] + "\n    " + encoded[20:] + "\n":      1,
		"apiVersion: v1\nkind: Secret\ndata:\n  a: '" + encoded + "' # b\n":                                      1,
		"apiVersion: v1\nkind: Secret\ndata: {b: eA==, a: " + encoded + ", c: eA==}\n":                           1,
		"kind: A\nspec: {secretName: db-app}\n":                                                                  1,
		"kind: A\nmetadata: {name: db-rw}\nspec: {containers: [{name: db-rw, image: db-rw}], claimName: db-r}\n": 0,
		"kind: A\nstatus: {host: db-rw}\n":                                                                       0,
		"kind: A\nspec: {volumes: [{secret: {secretName: other}}], env: [{name: db-app, value: db}]}\n":          0,
	} {
		document, err := yamledit.Parse([]byte(text), yamledit.Split([]byte(text))[0])
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		f := finderOf("blog")
		for _, o := range manifest.ObjectsOf(document) {
			places := f.Find(o)
			if len(places) != want || want > 0 && !f.MayFind([]byte(text)) {
				t.Errorf("%d places, found by the filter: %v\n%s", len(places), f.MayFind([]byte(text)), text)
			}
		}
	}
	if finderOf("blog").MayFind([]byte("apiVersion: v1\nkind: Secret\ndata: {a: c2VjcmV0, b: db}\n")) {
		t.Error("the filter lets everything through")
	}
}

// TestNotHosts: a name under one of these keys is that of something else, or a label.
func TestNotHosts(t *testing.T) {
	want := []string{
		"annotations", "claimName", "configMap", "configMapKeyRef", "configMapRef", "image", "imagePullSecrets", "labels", "matchLabels",
		"metadata", "priorityClassName", "roleRef", "scaleTargetRef", "selector", "serviceAccount", "serviceAccountName", "storageClassName", "subjects",
	}
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(notHosts))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestLeads: what the keys of the secret lead to is what the operator writes into them.
func TestLeads(t *testing.T) {
	got := make(map[Leads][]string)
	for _, key := range []string{"username", "user", "password", "dbname", "host", "port", "pgpass", "uri", "jdbc-uri", "fqdn-uri", "fqdn-jdbc-uri"} {
		got[leadsOf(key)] = append(got[leadsOf(key)], key)
	}
	want := map[Leads][]string{
		Login:  {"username", "user", "password", "dbname", "port"},
		Writes: {"host", "pgpass", "uri", "jdbc-uri", "fqdn-uri", "fqdn-jdbc-uri"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
