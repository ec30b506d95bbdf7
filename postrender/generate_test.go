// This file must not import internal/, nor use more of package postrender than its settings and
// results: see TestIndependent.

package postrender_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator writes streams of manifests in random styles: what they say comes
// from lists of what charts write, how they say it is drawn. The styles:
//
//   - block mappings and sequences, indented by two or four, sequences compact or
//     indented, one or three blanks after a dash; an item that begins on the line of
//     its dash;
//   - flow collections on one line and over several lines; whole documents in JSON, on
//     one line and indented, and in flow style; Lists of Clusters in each of these;
//   - scalars that are plain, in single and in double quotes, and over several lines;
//     literal and folded, with each of the chomping and indentation indicators; those
//     that readers of YAML 1.1 and 1.2 take for different types; with a tag;
//   - keys in quotes, and "? key";
//   - anchors, aliases and merge keys;
//   - comments above, after and between entries, empty lines, blanks at the end of a
//     line, characters of several bytes;
//   - LF and CR LF, a byte order mark, separators with a comment or blanks, "..." at
//     the end of a document, streams without a first separator or a final line break.
type generator struct {
	*rand.Rand
	strings.Builder
	eol    string
	anchor bool     // labels are shared by an anchor
	anew   bool     // a document is flow style throughout, which is written anew
	loose  []string // the lines of flow mappings, which may grow
}

type (
	field struct {
		key   string
		value any // string, raw, scalar, []any or []field
	}
	raw   string   // written as it is
	block []string // a block scalar: its header and lines
	long  []string // the lines of another scalar
)

func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

func (g *generator) line(indent int, text string) {
	g.WriteString(strings.Repeat(" ", indent) + text)
	g.WriteString(g.eol)
}

func (g *generator) comment(indent int) {
	if g.chance(8) {
		g.line(indent, fmt.Sprintf("# comment %d: ---", g.IntN(1000)))
	}
	if g.chance(5) {
		g.WriteString(g.eol)
	}
}

func (g *generator) tail() string {
	if g.chance(6) {
		return "  # because"
	}
	return ""
}

// mapping writes fields in block style; first is what stands before the first
// key on its line, if anything.
func (g *generator) mapping(indent int, first string, fields []field) {
	for i, f := range fields {
		prefix := strings.Repeat(" ", indent)
		if i == 0 && first != "" {
			prefix = first
		} else {
			g.comment(indent)
		}
		g.WriteString(prefix)
		key := f.key
		switch g.IntN(12) {
		case 0:
			key = `"` + key + `"`
		case 1:
			key = "'" + key + "'"
		}
		if key != "<<" && g.chance(2) {
			g.WriteString("? " + key + g.tail() + g.eol + strings.Repeat(" ", indent))
			key = ""
		}
		g.WriteString(key + ":")
		g.value(indent, f.value)
	}
}

func (g *generator) value(indent int, v any) {
	switch v := v.(type) {
	case raw:
		g.WriteString(" " + string(v) + g.tail() + g.eol)
	case string:
		g.WriteString(" " + g.quoted(v) + g.tail() + g.eol)
	case long:
		deeper := g.eol + strings.Repeat(" ", indent+1+g.IntN(4))
		quote := []string{"", "'", `"`}[g.IntN(3)]
		g.WriteString(" " + quote + strings.Join(v, deeper) + quote + g.tail() + g.eol)
	case block:
		g.WriteString(" " + v[0] + g.eol)
		deeper := indent + 1 + g.IntN(4)
		if strings.ContainsAny(v[0], "123456789") {
			deeper = indent + 2
		}
		for _, line := range v[1:] {
			if line == "" {
				g.WriteString(g.eol)
			} else {
				g.line(deeper, line)
			}
		}
	case []field:
		if len(v) == 0 || g.chance(8) && flowable(v) {
			g.WriteString(" " + g.flow(v) + g.tail() + g.eol)
			return
		}
		if g.chance(4) && flowable(v) {
			g.WriteString(" ")
			g.flowLines(indent, v)
			g.WriteString(g.tail() + g.eol)
			return
		}
		g.WriteString(g.tail() + g.eol)
		g.mapping(indent+2+2*g.IntN(2), "", v)
	case []any:
		if len(v) == 0 || g.chance(8) && flowable(v) {
			g.WriteString(" " + g.flow(v) + g.tail() + g.eol)
			return
		}
		g.WriteString(g.tail() + g.eol)
		dash := indent + 2*g.IntN(2)
		for _, item := range v {
			g.comment(dash)
			switch item := item.(type) {
			case []field:
				if len(item) == 0 {
					g.line(dash, "- {}")
					continue
				}
				wide := 2 + 2*g.IntN(2)
				g.mapping(dash+wide, strings.Repeat(" ", dash)+"-"+strings.Repeat(" ", wide-1), item)
			default:
				g.WriteString(strings.Repeat(" ", dash) + "-")
				g.value(dash, item)
			}
		}
	}
}

func (g *generator) quoted(s string) string {
	switch g.IntN(30) {
	case 0, 1, 2, 3, 4, 5, 6:
		return fmt.Sprintf("%q", s)
	case 7, 8, 9, 10, 11, 12, 13:
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	case 14:
		return "!!str " + s
	}
	return s
}

func flowable(v any) bool {
	switch v := v.(type) {
	case block, long:
		return false
	case raw:
		return !strings.HasPrefix(string(v), "*") && !strings.HasPrefix(string(v), "&")
	case []field:
		for _, f := range v {
			if !flowable(f.value) {
				return false
			}
		}
	case []any:
		for _, item := range v {
			if !flowable(item) {
				return false
			}
		}
	}
	return true
}

func (g *generator) flow(v any) string {
	var parts []string
	switch v := v.(type) {
	case []field:
		for _, f := range v {
			parts = append(parts, f.key+": "+g.flow(f.value))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		for _, item := range v {
			parts = append(parts, g.flow(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case raw:
		return string(v)
	}
	return g.quoted(v.(string))
}

// flowLines writes a flow mapping with an entry on each line.
func (g *generator) flowLines(indent int, fields []field) {
	begin := g.Len()
	g.WriteString("{" + g.eol)
	for i, f := range fields {
		g.WriteString(strings.Repeat(" ", indent+2) + f.key + ": " + g.flow(f.value))
		if i+1 < len(fields) || g.chance(30) {
			g.WriteString(",")
		}
		g.WriteString(g.tail() + g.eol)
	}
	g.WriteString(strings.Repeat(" ", indent+1) + "}")
	g.loose = append(g.loose, strings.Split(g.String()[begin:], g.eol)...)
}

// json returns a value as JSON, indented if deeper is not empty.
func (g *generator) json(deeper string, v any) string {
	var parts []string
	inside := deeper
	if inside != "" {
		inside += "  "
	}
	text := func(s string) string {
		b, _ := json.Marshal(s)
		return string(b)
	}
	brackets := "{}"
	switch v := v.(type) {
	case []field:
		for _, f := range v {
			parts = append(parts, text(f.key)+": "+g.json(inside, f.value))
		}
	case []any:
		brackets = "[]"
		for _, item := range v {
			parts = append(parts, g.json(inside, item))
		}
	case raw:
		switch {
		case v == "" || v == "~":
			return "null"
		case json.Valid([]byte(v)):
			return string(v)
		}
		return text(string(v))
	case block:
		return text(strings.Join(v[1:], "\n"))
	case long:
		return text(strings.Join(v, " "))
	case string:
		return text(v)
	}
	if len(parts) == 0 {
		return brackets
	}
	return brackets[:1] + deeper + strings.Join(parts, []string{",", ", "}[g.IntN(2)]+deeper) + strings.TrimSuffix(deeper, "  ") + brackets[1:]
}

// some keeps each of the fields with a chance.
func (g *generator) some(percent int, fields ...field) []field {
	var kept []field
	for _, f := range fields {
		if g.chance(percent) {
			kept = append(kept, f)
		}
	}
	g.Shuffle(len(kept), func(i, j int) { kept[i], kept[j] = kept[j], kept[i] })
	return kept
}

var blocks = []block{
	{"|", "DO $$", "BEGIN", "  PERFORM 1; -- ---", "END", "$$;"},
	{"|-", "#!/bin/sh", "# ------------", "echo done"},
	{"|+", "kept", "", ""},
	{">", "folded text", "goes on", "", "  more indented", "and back"},
	{">-", "one", "two"},
	{">+", "one", "", "    deep", ""},
	{"|2", "  begins deeper", "than it goes on"},
	{"|", "apiVersion: postgresql.cnpg.io/v1", "kind: Cluster", "metadata:", "  name: embedded"},
	{"| # remark", "with a remark in its header"},
}

func (g *generator) block() block { return blocks[g.IntN(len(blocks))] }

var oddities = []raw{"1.10", "0644", `"on"`, "on", "12:30", "12345678901234567", `"1e3"`, "1e3", "~", "2001-01-01", "'it''s'", `"a\tb # c"`, "yes", "0x1F", "plain words and more"}

func (g *generator) odd() any {
	if g.chance(30) {
		return g.block()
	}
	if g.chance(10) {
		return long{"plain text", "on two lines", "é😀 and three"}
	}
	return oddities[g.IntN(len(oddities))]
}

// flowing writes Clusters, one or a List of them, in JSON or flow style.
func (g *generator) flowing(names ...string) {
	g.anew = true
	var all []any
	for _, name := range names {
		metadata := append([]field{{"name", name}}, g.some(50, field{"namespace", "blog"}, field{"labels", []field{{"app", "blog"}, {"tier", raw(`"1.10"`)}}})...)
		all = append(all, []field{{"apiVersion", "postgresql.cnpg.io/v1"}, {"kind", "Cluster"}, {"metadata", metadata}, {"spec", g.spec(name)}})
	}
	document := all[0].([]field)
	if len(names) > 1 {
		document = []field{{"apiVersion", "v1"}, {"kind", "List"}, {"items", all}}
	}
	switch {
	case g.chance(30) && flowable(document):
		g.flowLines(0, document)
	case g.chance(30) && flowable(document):
		g.WriteString(g.flow(document))
	default:
		g.WriteString(g.json([]string{"", g.eol + "  "}[g.IntN(2)], document))
	}
	g.WriteString(g.eol)
}

// cluster writes one single Cluster.
func (g *generator) cluster(indent int, first, name string) {
	labels := g.some(60, field{"app", "blog"}, field{"tier", raw(`"1.10"`)}, field{"team", "data"})
	metadata := []field{{"name", name}}
	if g.chance(50) {
		metadata = append(metadata, field{"namespace", "blog"})
	}
	spec := g.spec(name)
	if len(labels) > 0 && g.chance(25) && first == "" {
		// the same labels twice, by an anchor
		g.anchor = true
		again := any(raw("*labels"))
		if g.chance(50) {
			again = []field{{"<<", again}, {"more", "labels"}}
		}
		spec = append(spec, field{"inheritedMetadata", []field{{"labels", again}}})
	}
	metadata = append(metadata, g.some(70, field{"annotations", g.some(60, field{"note", g.odd()}, field{"helm.sh/hook", "pre-install"})})...)
	g.mapping(indent, first, []field{{"apiVersion", "postgresql.cnpg.io/v1"}, {"kind", "Cluster"}})
	g.comment(indent)
	g.WriteString(strings.Repeat(" ", indent) + "metadata:" + g.eol)
	g.mapping(indent+2, "", metadata)
	if len(labels) > 0 {
		if g.anchor {
			g.line(indent+2, "labels: &labels")
			g.mapping(indent+4, "", labels)
			g.anchor = false
		} else {
			g.mapping(indent+2, "", []field{{"labels", labels}})
		}
	}
	g.mapping(indent, "", []field{{"spec", spec}})
}

func (g *generator) spec(name string) []field {
	requirement := func(key string) []field {
		return []field{{"key", key}, {"operator", "In"}, {"values", []any{"a", "b"}}}
	}
	var terms []any
	for range g.IntN(4) {
		terms = append(terms, g.some(80, field{"matchExpressions", []any{requirement("disk")}}, field{"matchFields", []any{requirement("metadata.name")}}))
	}
	if len(terms) > 0 && len(terms[0].([]field)) == 0 {
		terms[0] = []field{{"matchExpressions", []any{requirement("cpu"), requirement("disk")}}}
	}
	service := func(name string) []field {
		return []field{{"selectorType", "ro"}, {"serviceTemplate", []field{
			{"metadata", []field{{"name", name}, {"annotations", []field{{"note", g.odd()}}}}},
			{"spec", []field{{"type", "LoadBalancer"}}},
		}}}
	}
	bootstraps := [][]field{
		{{"initdb", []field{{"database", "wordpress"}, {"owner", "wp"}, {"postInitSQL", []any{g.block(), g.block(), "SELECT 1"}}}}},
		{{"initdb", g.some(50, field{"database", "shop"}, field{"encoding", "UTF8"}, field{"secret", []field{{"name", "shop-user"}}})}},
		{{"recovery", []field{{"source", "old"}, {"database", "shop"}, {"owner", "shopper"}}}},
		{{"pg_basebackup", []field{{"source", "old"}}}},
	}
	external := []any{
		[]field{{"name", "old"}, {"connectionParameters", []field{{"host", "old.example.com"}, {"user", "streaming_replica"}}}},
	}
	if g.chance(20) {
		external = append(external, []field{{"name", name}, {"connectionParameters", []field{{"host", "elsewhere"}}}})
	}
	managed := []field{
		{"services", g.some(70, field{"additional", []any{service("first"), service("second")}}, field{"disabledDefaultServices", []any{"ro", "r"}})},
	}
	managed = append(managed, g.some(50, field{"roles", []any{[]field{{"name", "dante"}, {"ensure", "present"}, {"comment", g.odd()}}}})...)
	fields := append([]field{{"instances", raw("3")}}, g.some(45,
		field{"storage", []field{{"size", "1Gi"}}},
		field{"walStorage", []field{{"size", "1Gi"}}},
		field{"bootstrap", bootstraps[g.IntN(len(bootstraps))]},
		field{"externalClusters", external},
		field{"managed", managed},
		field{"affinity", g.some(60,
			field{"nodeAffinity", g.some(80, field{"requiredDuringSchedulingIgnoredDuringExecution", []field{{"nodeSelectorTerms", terms}}})},
			field{"nodeSelector", []field{{"openova.io/region", "fsn1"}, {"disk", "ssd"}}},
			field{"topologyKey", "kubernetes.io/hostname"},
			field{"additionalPodAffinity", g.podTerms(name)},
			field{"additionalPodAntiAffinity", g.podTerms(name)})},
		field{"topologySpreadConstraints", []any{[]field{{"topologyKey", "kubernetes.io/hostname"}, {"labelSelector", g.selectorOf(name)}}}},
		field{"podSelectorRefs", []any{[]field{{"name", "own"}, {"selector", g.selectorOf(name)}}}},
		field{"postgresql", []field{{"parameters", []field{{"max_connections", raw(`"200"`)}, {"note", g.odd()}, {"other", g.odd()}}}}},
		field{"primaryUpdateMethod", "restart"},
		field{"enableSuperuserAccess", raw("true")},
		field{"certificates", g.some(50, field{"serverTLSSecret", "tls"}, field{"serverCASecret", "ca"}, field{"replicationTLSSecret", "repl"})},
		field{"backup", []field{{"barmanObjectStore", g.some(70, field{"destinationPath", "s3://backups/"}, field{"serverName", "blog"},
			field{"wal", []field{{"compression", "gzip"}, {"maxParallel", raw("4")}}}, field{"data", []field{{"jobs", raw("2")}}}, field{"tags", []field{{"note", g.odd()}}})}}},
		field{"plugins", []any{append(
			[]field{{"name", []string{barman, "backup.example.com"}[g.IntN(2)]}},
			g.some(60, field{"isWALArchiver", raw("true")}, field{"enabled", raw([]string{"true", "false"}[g.IntN(2)])},
				field{"parameters", g.some(70, field{"serverName", "shop"}, field{"note", g.odd()})})...)}},
		field{"env", []any{[]field{{"name", "TZ"}, {"value", g.odd()}}}},
		field{"description", g.odd()},
		field{"replica", raw("")},
	)...)
	g.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	return fields
}

// selectorOf selects Pods, perhaps those of a Cluster.
func (g *generator) selectorOf(name string) []field {
	names := []any{name, "other-db", name + "-replica", "x"}[g.IntN(3):]
	return g.some(60,
		field{"matchLabels", g.some(70, field{"cnpg.io/cluster", names[0]}, field{"app", "blog"}, field{"openova.io/cnpg-role", "primary"})},
		field{"matchExpressions", []any{
			[]field{{"key", "cnpg.io/cluster"}, {"operator", []string{"In", "NotIn"}[g.IntN(2)]}, {"values", names}},
			[]field{{"key", "openova.io/region"}, {"operator", "In"}, {"values", []any{"fsn1", "a"}}},
			[]field{{"key", "cnpg.io/cluster"}, {"operator", "Exists"}},
		}})
}

// podTerms are those of a pod affinity.
func (g *generator) podTerms(name string) []field {
	term := append([]field{{"topologyKey", "kubernetes.io/hostname"}, {"labelSelector", g.selectorOf(name)}},
		g.some(30, field{"namespaces", []any{"blog", "shop"}[g.IntN(2):]}, field{"namespaceSelector", []field{}})...)
	return g.some(70,
		field{"requiredDuringSchedulingIgnoredDuringExecution", []any{term}},
		field{"preferredDuringSchedulingIgnoredDuringExecution", []any{[]field{{"weight", raw("1")}, {"podAffinityTerm", term}}}})
}

// other writes a document that must come out as it went in.
func (g *generator) other() string {
	texts := []string{
		"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: scripts\ndata:\n  run: |\n    # -----------\n    ---\n    apiVersion: postgresql.cnpg.io/v1\n    kind: Cluster\n    metadata:\n      name: embedded\n",
		"# only a comment\n",
		"",
		"{\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"metadata\": {\"name\": \"json\"}}\n",
		"apiVersion: cluster.x-k8s.io/v1beta1\nkind: Cluster\nmetadata:\n  name: capi\nspec: {}\n",
		"apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  labels:   {a:   b}\nspec:\n    ports:   # odd   spacing\n    - port: 80\n",
		"apiVersion: postgresql.cnpg.io/v1\nkind: ScheduledBackup\nmetadata:\n  name: nightly\nspec:\n  schedule: \"0 0 0 * * *\"\n  cluster:\n    name: blog\n",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: folded}\ndata:\n  text: >\n    folded\n      more indented\n\n    back\n",
	}
	return strings.ReplaceAll(texts[g.IntN(len(texts))], "\n", g.eol)
}

// policy writes a network policy, of Kubernetes or of Cilium, that may know one of
// some Clusters.
func (g *generator) policy(name string, clusters []string) {
	cilium := g.chance(40)
	names := append([]string{"other-db"}, clusters...)
	cluster := func() string { return names[g.IntN(len(names))] }
	key := func(key string) string {
		if cilium {
			return []string{"", "k8s:", "any:"}[g.IntN(3)] + key
		}
		return key
	}
	selector := func() []field {
		requirement := func(operator string, values ...any) []field {
			r := []field{{"key", key("cnpg.io/cluster")}, {"operator", operator}}
			if len(values) > 0 {
				r = append(r, field{"values", values})
			}
			return r
		}
		role := []field{{"key", "cnpg.io/podRole"}, {"operator", "Exists"}}
		switch g.IntN(9) {
		case 0:
			return []field{}
		case 1:
			return []field{{"matchLabels", []field{{"app", []string{"web", "admin"}[g.IntN(2)]}}}}
		case 2:
			return []field{{"matchExpressions", []any{requirement("Exists")}}}
		case 3:
			return []field{{"matchExpressions", []any{requirement("NotIn", cluster())}}}
		case 4:
			return []field{{"matchExpressions", []any{requirement("In", cluster(), cluster()), role}}}
		case 5:
			return []field{{"matchExpressions", []any{requirement("In", cluster())}}}
		case 6:
			return []field{{"matchLabels", []field{{key("cnpg.io/cluster"), cluster()}, {"cnpg.io/podRole", "instance"}}}}
		}
		return []field{{"matchLabels", []field{{key("cnpg.io/cluster"), cluster()}}}}
	}
	few := func(most int, make func() []field) []any {
		var all []any
		for range g.IntN(most + 1) {
			all = append(all, make())
		}
		return all
	}
	item := func(peers string) func() []field {
		return func() []field {
			if cilium {
				port := func() []field {
					return []field{{"port", raw([]string{`"5432"`, "'8000'", `"80"`, "status"}[g.IntN(4)])}, {"protocol", "TCP"}}
				}
				return g.some(70, field{peers + "Endpoints", append(few(2, selector), selector())},
					field{"toPorts", []any{[]field{{"ports", append(few(1, port), port())}}}})
			}
			port := func() []field {
				return append([]field{{"port", raw([]string{"5432", "8000", "80", "postgresql", "5000"}[g.IntN(5)])}},
					g.some(30, field{"protocol", "TCP"})...)
			}
			peer := func() []field {
				all := g.some(15, field{"namespaceSelector", []field{{"matchLabels", []field{{"kubernetes.io/metadata.name", []string{"blog", "elsewhere"}[g.IntN(2)]}}}}})
				return append(all, field{"podSelector", selector()})
			}
			return g.some(70, field{peers, few(2, peer)}, field{"ports", few(2, port)})
		}
	}
	apiVersion, kind, subject := "networking.k8s.io/v1", "NetworkPolicy", "podSelector"
	if cilium {
		apiVersion, kind, subject = "cilium.io/v2", "CiliumNetworkPolicy", "endpointSelector"
	}
	spec := func() []field {
		fields := append([]field{{subject, selector()}},
			g.some(70, field{"ingress", few(2, item("from"))}, field{"egress", few(2, item("to"))})...)
		if !cilium {
			fields = append(fields, g.some(50, field{"policyTypes", []any{"Ingress", "Egress"}[g.IntN(2):]})...)
		}
		return fields
	}
	metadata := append([]field{{"name", name}}, g.some(50, field{"namespace", "blog"}, field{"labels", []field{{"app", "web"}, {"tier", g.odd()}}})...)
	body := []field{{"spec", spec()}}
	if cilium && g.chance(30) {
		body = []field{{"specs", []any{spec(), spec()}}}
	}
	g.mapping(0, "", append([]field{{"apiVersion", apiVersion}, {"kind", kind}, {"metadata", metadata}}, body...))
}

// pooler writes a Pooler, perhaps of one of some Clusters.
func (g *generator) pooler(name string, clusters []string) {
	names := append([]string{"other-db"}, clusters...)
	metadata := append([]field{{"name", name}}, g.some(50, field{"namespace", "blog"}, field{"annotations", []field{{"note", g.odd()}, {"helm.sh/hook", "pre-install"}}})...)
	spec := append(g.some(60, field{"type", []string{"rw", "ro"}[g.IntN(2)]}, field{"instances", raw("2")}, field{"pgbouncer", []field{{"poolMode", "session"}, {"parameters", []field{{"note", g.odd()}}}}}),
		field{"cluster", []field{{"name", names[g.IntN(len(names))]}}})
	g.mapping(0, "", []field{{"apiVersion", "postgresql.cnpg.io/v1"}, {"kind", "Pooler"}, {"metadata", metadata}, {"spec", spec}})
}

// generated is a stream, and the documents in it that must not change.
type generated struct {
	text   string
	others []string
	names  []string // of its Clusters
	shapes map[string]bool
	anew   bool     // a document is flow style throughout, which is written anew
	loose  []string // the lines of flow mappings, which may grow
}

func generate(seed uint64) generated {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 7)), eol: "\n"}
	s := generated{shapes: make(map[string]bool)}
	if g.chance(15) {
		g.eol = "\r\n"
	}
	s.shapes["CR LF"] = g.eol != "\n"
	if g.chance(4) {
		g.WriteString("\ufeff")
	}
	documents := 1 + g.IntN(5)
	s.shapes[fmt.Sprintf("%d documents", documents)] = true
	ofClusters := 0 // how many Clusters there are before the document
	for i := range documents {
		if len(s.names) > ofClusters && g.chance(5) {
			g.WriteString("..." + g.eol)
		}
		if i > 0 || g.chance(70) {
			g.WriteString([]string{"---", "--- # comment", "---  "}[g.IntN(3)] + g.eol)
		}
		if g.chance(50) {
			g.WriteString(fmt.Sprintf("# Source: chart/templates/%d.yaml", i) + g.eol)
		}
		ofClusters = len(s.names)
		name := fmt.Sprintf("db%d-%s", i, strings.Repeat("x", g.IntN(46)))
		name = strings.TrimSuffix(name, "-")
		switch {
		case g.chance(10):
			names := []string{name, name + "z"}[:1+g.IntN(2)]
			g.flowing(names...)
			s.names = append(s.names, names...)
		case g.chance(55):
			g.cluster(0, "", name)
			s.names = append(s.names, name)
		case g.chance(20):
			g.line(0, "apiVersion: v1")
			g.line(0, "kind: List")
			g.line(0, "items:")
			g.cluster(2, "- ", name)
			g.cluster(2, "- ", name+"z")
			s.names = append(s.names, name, name+"z")
			s.shapes["a List"] = true
		case g.chance(50):
			g.policy(fmt.Sprintf("policy%d", i), s.names)
			s.shapes["a policy"] = true
		case g.chance(30):
			g.pooler(fmt.Sprintf("pooler%d", i), s.names)
			s.shapes["a Pooler"] = true
		default:
			text := g.other()
			g.WriteString(text)
			s.others = append(s.others, text)
			s.shapes["a document that stays"] = true
		}
	}
	s.shapes[fmt.Sprintf("%d Clusters", min(len(s.names), 3))] = true
	s.text, s.anew, s.loose = g.String(), g.anew, g.loose
	if g.chance(15) {
		s.text = strings.TrimSuffix(s.text, g.eol)
		s.shapes["no final line break"] = true
	}
	return s
}
