package follow

import (
	"cmp"
	"slices"
	"strings"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// A Pooler has a Service of its own name, which is any word: app, say. So it is a host only
// where nothing else could stand.

// addPoolers has the finder find the names of Poolers too.
func (f *Finder) addPoolers(poolers []*manifest.Pooler) {
	for _, p := range poolers {
		i := slices.IndexFunc(f.clusters[p.Cluster.Name], func(c *Cluster) bool { return c.Object == p.Cluster.Object })
		if i < 0 {
			continue
		}
		leads := Reads
		if p.Writes {
			leads = Writes
		}
		f.words[p.Name] = append(f.words[p.Name], word{cluster: f.clusters[p.Cluster.Name][i], leads: leads, pooler: p})
		f.poolers[p.Name] = true
	}
}

// pooler finds the Cluster of a Pooler. It stays, but where the Pooler has a twin, the
// Service for both leads to the member that takes writes.
func (w *walker) pooler() {
	for _, word := range w.words[w.object.Name] {
		if word.pooler == nil || word.pooler.Object != w.object {
			continue
		}
		name, _ := yamledit.At(w.object.Tree(), "spec.cluster.name")
		w.places = append(w.places, Place{
			Object: w.object, Path: "spec.cluster.name", Line: name.Line, Cluster: word.cluster, Kind: Pooler, Name: name.Value,
			Leads: word.leads, Becomes: word.address(), node: name,
		})
	}
}

// namespace is that of the Service.
func (w word) namespace() string {
	if w.pooler != nil {
		return w.pooler.KnownNamespace()
	}
	return w.cluster.Namespace
}

// address takes the place of the name; it is empty where nothing can.
func (w word) address() string { return addressFor(w.cluster, w.pooler) }

func addressFor(c *Cluster, p *manifest.Pooler) string {
	if p != nil {
		return p.Address
	}
	return c.Pair.WriteAddress
}

// OfPooler tells whether the place leads to a Cluster through a Pooler.
func (p *Place) OfPooler() bool { return p.Kind == Pooler || p.pooler != nil }

// Address is that to which an application at the place should connect.
func (p *Place) Address() string {
	return cmp.Or(addressFor(p.Cluster, p.pooler), p.Cluster.Pair.WriteAddress)
}

// mentionsPooler tells whether the name of a Pooler is a label of a DNS name in a text.
func (f *Finder) mentionsPooler(text []byte) bool {
	isPooler := func(label []byte) bool { return f.poolers[string(label)] }
	for from := 0; len(f.poolers) > 0 && from < len(text); {
		to := from
		for to < len(text) && isOfLabel(text[to]) {
			to++
		}
		if to > from && labelOrRest(text, from, to, isPooler) {
			return true
		}
		from = to + 1
	}
	return false
}

// quotes are what may stand around a value in a text.
const quotes = " \t\r\"'"

// isHost tells whether a name in a text can only be a host: that of a URL, one with
// PostgreSQL's port, or the whole value of a key that says so. ofHost is true where that
// is the key of the text itself.
func isHost(text string, from, to int, ofHost bool) bool {
	const most = 1000 // characters that are looked at on each side: a text may have the name very often
	before, after := text[max(from-most, 0):from], text[to:min(to+most, len(text))]
	port, hasPort := strings.CutPrefix(after, ":")
	port = port[:len(port)-len(strings.TrimLeft(port, alphanumeric))]
	switch {
	case hasPort && port != "" && port != "5432": // where the Service for a Pooler and its twin does not listen
		return false
	case strings.HasSuffix(before, "://"):
		return !isLogin(after)
	case port == "5432":
		return true
	case strings.HasSuffix(before, "@"):
		_, login, isURL := strings.Cut(before[strings.LastIndexAny(before, " \t\r\n\"'`")+1:], "://")
		return isURL && !strings.Contains(login, "/")
	case hasSuffixFold(strings.TrimRight(before, "\"'"), "host="):
		return true
	}
	return ofHost && strings.Trim(text, quotes+"\n") == text[from:to] || isValue(before, after)
}

const alphanumeric = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// isLogin tells whether what follows a word in a URL says that it is a user.
func isLogin(after string) bool {
	if end := strings.IndexAny(after, "/?# \t\r\n\"'`"); end >= 0 {
		after = after[:end]
	}
	return strings.Contains(after, "@")
}

// isValue tells whether what stands before and after a word makes it a value, in a text of
// any format, of a key that says that it is a host.
func isValue(before, after string) bool {
	after = strings.TrimLeft(after, quotes)
	if after != "" && !strings.ContainsRune("\n,}", rune(after[0])) {
		return false
	}
	line := strings.TrimRight(before[strings.LastIndexByte(before, '\n')+1:], quotes)
	key := strings.TrimRight(strings.TrimRight(line, ":="), quotes)
	start := strings.LastIndexAny(key, " \t\"'{,") + 1
	first := strings.Trim(strings.TrimSuffix(strings.TrimSpace(line[:start]), "export"), " \t-{\"'") == ""
	quoted := start > 0 && strings.ContainsRune("\"'", rune(line[start-1]))
	return len(key) < len(line) && (first || quoted) && saysHost(key[start:])
}

// saysHost tells whether a key, or a variable, says that its value is a host.
func saysHost(key string) bool {
	key = strings.ToLower(key)
	return strings.Contains(key, "host") || strings.Contains(key, "server") || strings.Contains(key, "addr")
}

func hasSuffixFold(s, suffix string) bool {
	return len(s) >= len(suffix) && strings.EqualFold(s[len(s)-len(suffix):], suffix)
}

// ofHost tells whether the key of a value says that it is a host; that of a variable of a
// container is its name.
func (w *walker) ofHost(here *at) bool {
	if here.key == "value" && w.variable != nil {
		return saysHost(yamledit.Scalar(w.variable, "name"))
	}
	return saysHost(here.key)
}
