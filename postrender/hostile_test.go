package postrender_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf16"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

const (
	head    = "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata:\n  name: db\n"
	other   = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: about-postgresql.cnpg.io\n"
	bystand = "---\napiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata:\n  name: bystander\nspec:\n  instances: 1\n"
)

func each(n int, format string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(format, "%d", fmt.Sprint(i)))
	}
	return b.String()
}

// TestHostileDocuments puts content that nobody means well into a Cluster, and
// into an object that is not ours. The first is an error with line, object and
// hint, or a pair; the second passes byte for byte beside a Cluster that becomes
// one.
func TestHostileDocuments(t *testing.T) {
	bomb := "spec:\n  a0: &a0 [x]\n"
	for i := range 30 {
		bomb += fmt.Sprintf("  a%d: &a%d [*a%d, *a%d, *a%d]\n", i+1, i+1, i, i, i)
	}
	const deep, wide = 100_000, 1 << 20
	for _, c := range []struct {
		name, content string
		cause         string // of the error, empty for a pair
		line          int
	}{
		{"alias bomb", bomb, "aliases", 7},
		{"alias of itself", "spec: &a\n  b: *a\n", "contains itself", 6},
		{"unknown alias", "spec:\n  b: *a\n", "unknown anchor", 6},
		{"flow nested deep", "spec:\n  a: " + strings.Repeat("[", deep) + strings.Repeat("]", deep) + "\n", "depth", 6},
		{"mappings nested deep", "spec:\n  a: " + strings.Repeat("{a: ", deep) + strings.Repeat("}", deep) + "\n", "depth", 6},
		{"brackets that never close", "spec:\n  a: " + strings.Repeat("[", deep) + "\n", "depth", 6},
		{"dashes nested deep", "spec:\n  a:\n    " + strings.Repeat("- ", deep) + "a\n", "depth", 7},
		{"question marks", "spec:\n  a:\n    " + strings.Repeat("? ", deep) + "a\n", "depth", 7},
		{"lines nested deep", "spec:\n" + func() string {
			var b strings.Builder
			for i := range 1500 {
				b.WriteString(strings.Repeat(" ", i+1) + "a:\n")
			}
			return b.String()
		}(), "", 0},
		{"plain key of a megabyte", "spec:\n  " + strings.Repeat("k", wide) + ": 1\n", "mapping values", 6},
		{"quoted key of a megabyte", "spec:\n  \"" + strings.Repeat("k", wide) + "\": 1\n", "mapping values", 6},
		{"explicit key of a megabyte", "spec:\n  ? " + strings.Repeat("k", wide) + "\n  : 1\n", "", 0},
		{"value of a megabyte", "spec:\n  a: " + strings.Repeat("v ", wide/2) + "\n", "", 0},
		{"tag of a megabyte", "spec:\n  a: !" + strings.Repeat("t", wide) + " 1\n", "", 0},
		{"anchor of a megabyte", "spec:\n  a: &" + strings.Repeat("t", wide) + " 1\n", "", 0},
		{"comment of a megabyte", "# " + strings.Repeat("c", wide) + "\nspec: {}\n", "", 0},
		{"blanks of a megabyte", "spec:" + strings.Repeat(" ", wide) + "{}\n", "", 0},
		{"many empty lines", strings.Repeat("\n", deep) + "spec: {}\n", "", 0},
		{"many carriage returns", strings.Repeat("\r", deep) + "spec: {}\n", "", 0},
		{"invalid UTF-8", "spec:\n  a: \"\xff\xfe\"\n", "UTF-8", 6},
		{"half a character at the end", "spec:\n  a: \xe2\x82", "UTF-8", 6},
		{"surrogate in UTF-8", "spec:\n  a: \"\xed\xa0\x80\"\n", "Unicode", 6},
		{"overlong UTF-8", "spec:\n  a: \"\xc0\x80\"\n", "UTF-8", 6},
		{"NUL", "spec:\n  a: \"\x00\"\n", "control characters", 6},
		{"NUL at the end", "spec: {}\n\x00", "control characters", 6},
		{"escape character", "spec:\n  a: \"\x1b[31m\"\n", "control characters", 6},
		{"open double quote at the end", "spec:\n  a: \"b", "unexpected end", 6},
		{"open single quote at the end", "spec:\n  a: 'b", "unexpected end", 6},
		{"open quote and an escape at the end", "spec:\n  a: \"b\\", "", 6},
		{"open tag at the end", "spec:\n  a: !<b", "expected '>'", 6},
		{"open anchor at the end", "spec:\n  a: &", "alphabetic", 6},
		{"open block scalar at the end", "spec:\n  a: |", "", 0},
		{"indicators at the end", "spec:\n  a: |9+", "", 0},
		{"directive in the middle", "spec: {}\n%YAML 9.9\n", "", 0},
		{"tab", "spec:\n\ta: 1\n", "cannot start any token", 6},
		{"merge of a scalar", "spec:\n  <<: 1\n", "", 6},
		{"spec twice", "spec: {}\nspec: {}\n", "spec", 6},
		{"mapping as a key", "spec:\n  {a: b}: 1\n", "", 0},
		{"broken far behind", "spec:\n  a:\n" + each(3000, "    k%d: 1\n") + "   b: 2\n", "did not find expected key", 3007},
		{"quote opened far before", "spec:\n  a: \"\n" + each(3000, "  k%d: 1\n"), "unexpected end", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := []byte(head + c.content)
			out, decisions, err := render(t, cfg, in)
			for _, err := range message.Split(err) {
				var located *postrender.Error
				switch {
				case !errors.As(err, &located) || located.Line == 0 || located.Object != "Cluster db" || located.Hint() == "":
					t.Errorf("an error without line, object or hint: %.200q %+v", err, located)
				case c.line != 0 && located.Line != c.line:
					t.Errorf("line %d instead of %d: %.200q", located.Line, c.line, err)
				case !strings.Contains(err.Error(), c.cause) || len(err.Error()) > 300:
					t.Errorf("%.300q", err)
				}
			}
			switch {
			case (err != nil) != (c.line != 0 || c.cause != ""):
				t.Errorf("%.200v", err)
			case err == nil && (len(decisions) != 1 || decisions[0].Action != postrender.Paired):
				t.Errorf("%+v", decisions)
			case err == nil:
				again, _, err := render(t, cfg, out)
				if err != nil || !bytes.Equal(again, out) {
					t.Errorf("a second run changes something: %.200v", err)
				}
			}

			passes(t, []byte(other+c.content))
		})
	}
}

// passes holds that a stream that is not ours comes out byte for byte, beside a
// Cluster of ours.
func passes(t *testing.T, in []byte) {
	t.Helper()
	if out, _, err := render(t, cfg, in); err != nil || !bytes.Equal(in, out) {
		t.Errorf("a document that is not ours: %.200v", err)
	}
	stream := append([]byte(bystand+"---\n"), in...)
	out, decisions, err := render(t, cfg, stream)
	if err != nil || len(decisions) != 1 || decisions[0].Action != postrender.Paired || !bytes.HasSuffix(out, in) {
		t.Errorf("a document that is not ours behind a Cluster: %.200v %+v", err, decisions)
	}
}

// TestUTF16: a stream in which no Cluster could be found says so, with and
// without a byte order mark; one that holds none passes.
func TestUTF16(t *testing.T) {
	for name, order := range map[string]binary.ByteOrder{"LE": binary.LittleEndian, "BE": binary.BigEndian} {
		for _, mark := range []string{"\ufeff", ""} {
			encode := func(text string) []byte {
				var b bytes.Buffer
				binary.Write(&b, order, utf16.Encode([]rune(mark+text)))
				return b.Bytes()
			}
			_, _, err := render(t, cfg, encode(head+"spec: {}\n"))
			var located *postrender.Error
			if !errors.As(err, &located) || located.Line != 1 || located.Hint() == "" || !strings.Contains(err.Error(), "UTF-16") {
				t.Errorf("%s, mark %q: %v", name, mark, err)
			}
			in := encode("apiVersion: v1\nkind: ConfigMap\n")
			if out, _, err := render(t, cfg, in); err != nil || !bytes.Equal(in, out) {
				t.Errorf("%s, mark %q, no Cluster: %v", name, mark, err)
			}
		}
	}
}

// failingWriter takes some bytes, and then no more.
type failingWriter struct{ left int }

var errFull = errors.New("no space left")

func (w *failingWriter) Write(p []byte) (int, error) {
	n := min(len(p), w.left)
	w.left -= n
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

// TestFilterEnds: a reader that yields little, or fails in the middle, and a
// writer that does.
func TestFilterEnds(t *testing.T) {
	in := head + "spec: {}\n" + bystand
	var whole, slow bytes.Buffer
	if err := postrender.New(cfg).Filter(&whole, strings.NewReader(in)); err != nil {
		t.Fatal(err)
	}
	if err := postrender.New(cfg).Filter(&slow, iotest.DataErrReader(iotest.OneByteReader(strings.NewReader(in)))); err != nil || !bytes.Equal(slow.Bytes(), whole.Bytes()) {
		t.Errorf("one byte at a time: %v", err)
	}
	var out bytes.Buffer
	broken := io.MultiReader(strings.NewReader(in), iotest.ErrReader(io.ErrClosedPipe))
	if err := postrender.New(cfg).Filter(&out, broken); !errors.Is(err, io.ErrClosedPipe) || out.Len() > 0 {
		t.Errorf("a reader that fails: %v, and %d bytes of output", err, out.Len())
	}
	for left := 0; left < whole.Len(); left += 53 {
		if err := postrender.New(cfg).Filter(&failingWriter{left}, strings.NewReader(in)); !errors.Is(err, errFull) {
			t.Fatalf("a writer that fails after %d bytes: %v", left, err)
		}
	}
}

// cpuTime is what the process has used: unlike the time on the clock it does not
// depend on what else the machine does.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// TestTimeBySize: whatever a stream has many of, it takes no more computing than a
// few plain streams of its size. Most of these take a fifth of that; what took the
// square or the cube of the size took minutes. How long a plain stream takes is
// measured, because the machine, and the race detector, may be slow.
func TestTimeBySize(t *testing.T) {
	if few() {
		t.Skip("it takes long")
	}
	const (
		cluster   = "---\napiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata:\n  name: db%d\n  namespace: a\nspec:\n  instances: 1\n"
		item      = "- apiVersion: postgresql.cnpg.io/v1\n  kind: Cluster\n  metadata:\n    name: db%d\n  spec:\n    instances: 1\n"
		jsonItem  = `{"apiVersion":"postgresql.cnpg.io/v1","kind":"Cluster","metadata":{"name":"db%d"},"spec":{"instances":1}},`
		netpol    = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: p%d\nspec:\n  podSelector:\n"
		selectsDB = "    matchLabels:\n      cnpg.io/cluster: db%d\n"
		listHead  = "apiVersion: v1\nkind: List\nitems:\n"
	)
	following := cfg
	following.Follow = true
	compute := func(in string) (time.Duration, error) {
		begin := cpuTime()
		_, _, err := render(t, following, []byte(in))
		return cpuTime() - begin, err
	}
	fastest := func(in string) time.Duration {
		least := time.Hour
		for range 3 {
			took, err := compute(in)
			if err != nil {
				t.Fatal(err)
			}
			least = min(least, took)
		}
		return least
	}
	plainStream := each(400, cluster)
	plain, quarter := fastest(plainStream), fastest(each(100, cluster))
	if plain > 8*quarter {
		t.Errorf("400 Clusters take %s, and 100 take %s", plain, quarter)
	}
	for name, in := range map[string]string{
		"keys":               head + "spec:\n  a:\n" + each(8000, "    k%d: 1\n"),
		"annotations":        "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata:\n  name: db\n  annotations:\n" + each(8000, "    k%d: a\n") + "spec: {}\n",
		"nesting":            head + "spec:\n  a: " + strings.Repeat("{a: ", 8000) + strings.Repeat("}", 8000) + "\n",
		"documents":          each(8000, "---\n"+other) + "---\n" + head + "spec: {}\n",
		"Clusters":           each(400, cluster),
		"Clusters of a name": each(400, strings.ReplaceAll(strings.ReplaceAll(cluster, "namespace: a", "namespace: a%d"), "db%d", "db")),
		"a line":             head + "spec:\n  a: " + strings.Repeat("a ", 400_000) + "\n",
		"lines of a scalar":  head + "spec:\n  a: |\n" + strings.Repeat("    some text\n", 60_000),
		"comments":           head + "spec:\n  a: 1\n" + strings.Repeat("  # some text\n", 60_000),
		"aliases":            head + "spec:\n  a: &a {b: 1}\n  c:\n" + strings.Repeat("  - *a\n", 8000),
		"anchors":            head + "spec:\n  a:\n" + each(4000, "  - &a%d 1\n") + each(4000, "  - *a%d\n"),
		"merges":             head + "spec:\n  a: &a {b: 1}\n  c:\n" + strings.Repeat("  - {<<: *a, d: 1}\n", 4000),
		"hosts in a text":    head + "spec: {}\n---\nkind: A\nspec:\n  a: |\n" + strings.Repeat("    a-rw db-rw\n", 20_000),
		"hosts in a line":    head + "spec: {}\n---\nkind: A\nspec:\n  a: " + strings.Repeat("db-rw-r ", 40_000) + "db-rw\n",
		"hosts, deep":        head + "spec: {}\n---\nkind: A\nspec:\n  a: " + strings.Repeat("{a: ", 8000) + "db-rw" + strings.Repeat("}", 8000) + "\n",
		"variables":          head + "spec: {}\n---\nkind: A\nspec:\n  env:\n" + each(3000, "  - name: V%d\n    valueFrom: {secretKeyRef: {name: db-app, key: uri}}\n"),
		"a List":             listHead + each(1000, item),
		"a List on a line":   `{"apiVersion":"v1","kind":"List","items":[` + strings.TrimSuffix(each(1000, jsonItem), ",") + "]}\n",
		"not ASCII":          `{"apiVersion":"v1","kind":"List","items":[` + strings.TrimSuffix(each(1000, strings.Replace(jsonItem, `"spec":{`, `"spec":{"description":"é",`, 1)), ",") + "]}\n",
		"deep in a List":     "apiVersion: v1\nkind: List\nitems:\n- a: &a 1\n" + strings.ReplaceAll(item, "%d", "") + "    a: " + strings.Repeat("{a: ", 8000) + strings.Repeat("}", 8000) + "\n",
		"a List of others":   listHead + each(8000, "- {apiVersion: v1, kind: Service, metadata: {name: a%d-mesh}}\n") + strings.ReplaceAll(item, "%d", ""),
		"faults in a List":   listHead + each(1000, strings.ReplaceAll(item, "instances", "affinity")),
		"faults":             each(1000, strings.ReplaceAll(cluster, "instances", "affinity")),
		"Services":           each(4000, "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: a%d-mesh\n") + bystand,
		"policies":           strings.ReplaceAll(cluster, "%d", "") + each(800, netpol+strings.ReplaceAll(selectsDB, "%d", "")),
		"policies of each":   each(400, cluster) + each(400, netpol+selectsDB),
		"a policy of many":   each(400, cluster) + netpol + "    matchExpressions:\n    - key: cnpg.io/cluster\n      operator: In\n      values:\n" + each(400, "      - db%d\n"),
		"peers":              strings.ReplaceAll(cluster, "%d", "") + netpol + "    {}\n  ingress:\n" + each(1000, "  - from: [{podSelector: {matchLabels: {cnpg.io/cluster: db, a: b%d}}}]\n"),
		"external clusters":  head + "spec:\n  externalClusters:\n" + each(2000, "  - {name: e%d, connectionParameters: {host: a}}\n"),
		"terms":              head + "spec:\n  affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [\n" + each(2000, "    {matchExpressions: [{key: a, operator: In, values: [b%d]}]},\n") + "    ]}}}\n",
		"broken at the end":  head + "spec:\n  a:\n" + each(20_000, "    k%d: 1\n") + "   b: 2\n",
		"broken at once":     head + "spec:\n  a: \"\n" + each(20_000, "    k%d: 1\n"),
		"open brackets":      head + "spec:\n  a: [" + strings.Repeat("a, ", 100_000) + "\n",
		"escapes":            other + "data:\n  a: '" + strings.Repeat(`apiVersion: "`, 50_000) + "'\n",
		"separators":         strings.Repeat("---\n", 200_000) + head + "spec: {}\n",
	} {
		t.Run(name, func(t *testing.T) {
			took, err := compute(in)
			limit := 3*plain + 2*plain*time.Duration(len(in))/time.Duration(len(plainStream))
			t.Logf("%d bytes, %s of %s", len(in), took, limit)
			if took > limit {
				t.Errorf("%d bytes took %s, and may take %s: %.100v", len(in), took, limit, err)
			}
		})
	}
}
