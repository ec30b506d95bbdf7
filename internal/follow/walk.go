package follow

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// walker collects the places of one object.
type walker struct {
	*Finder
	object *manifest.Object
	places []Place
	seen   map[Place]bool

	container, variable *yaml.Node // that the value is in
}

// at is where a value is: its key, or its index in the sequence that has the key.
type at struct {
	within *at // nil at the top of the object
	key    string
	index  int // -1 for the value of the key itself
}

// path returns it as in spec.containers[0].env.
func (a *at) path() string {
	var parts []string
	for ; a != nil; a = a.within {
		switch {
		case a.index >= 0:
			parts = append(parts, "["+strconv.Itoa(a.index)+"]")
		case a.within != nil:
			parts = append(parts, "."+a.key)
		default:
			parts = append(parts, a.key)
		}
	}
	slices.Reverse(parts)
	return strings.Join(parts, "")
}

// above returns the key of the mapping that has the key of a value.
func (a *at) above() string {
	for a.index >= 0 {
		a = a.within
	}
	if a.within == nil {
		return ""
	}
	return a.within.key
}

// notHosts are the keys whose values are labels, or the names of other things.
var notHosts = []string{
	"metadata", "labels", "matchLabels", "annotations", "selector", "image", "imagePullSecrets", "claimName", "configMap", "configMapKeyRef",
	"configMapRef", "serviceAccountName", "serviceAccount", "priorityClassName", "storageClassName", "roleRef", "subjects", "scaleTargetRef",
}

// node looks at a value.
func (w *walker) node(n *yaml.Node, here *at) {
	switch n.Kind {
	case yaml.MappingNode:
		if yamledit.Get(n, "env") != nil || yamledit.Get(n, "envFrom") != nil {
			defer func(outer *yaml.Node) { w.container = outer }(w.container)
			w.container = n
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i].Value, n.Content[i+1]
			there := &at{here, key, -1}
			switch {
			case slices.Contains(notHosts, key):
			case value.Kind == yaml.MappingNode && w.secret(value, there):
			default:
				w.node(value, there)
			}
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			if here.key == "env" && item.Kind == yaml.MappingNode {
				w.variable = item
				defer func() { w.variable = nil }()
			}
			w.node(item, &at{here, here.key, i})
		}
	case yaml.ScalarNode:
		w.scalar(n, here)
	}
}

// secret looks at a mapping that may be a reference to a secret, as Pods have them.
func (w *walker) secret(n *yaml.Node, here *at) (found bool) {
	key := here.key
	place := Place{Line: n.Line, Leads: Writes, Name: yamledit.Scalar(n, "name")}
	switch {
	case key == "secretKeyRef":
		place.Kind, place.Key = SecretKey, yamledit.Scalar(n, "key")
		place.Leads = leadsOf(place.Key)
	case key == "secretRef" && here.above() == "envFrom":
		place.Kind = SecretEnv
	case key == "secret":
		place.Kind = SecretVolume
		if name := yamledit.Scalar(n, "secretName"); name != "" {
			place.Name = name
		}
		if items := yamledit.Get(n, "items"); items != nil && len(items.Content) > 0 {
			login := func(item *yaml.Node) bool { return leadsOf(yamledit.Scalar(item, "key")) == Login }
			if !slices.ContainsFunc(items.Content, func(item *yaml.Node) bool { return !login(item) }) {
				place.Leads = Login
			}
		}
	default:
		return false
	}
	if place.Cluster = w.secretOf(place.Name, w.object.Namespace); place.Cluster == nil {
		return false
	}
	place.Path, place.node = here.path(), n
	w.add(place)
	return true
}

func (w *walker) scalar(n *yaml.Node, here *at) {
	if yamledit.IsNull(n) {
		return
	}
	mayBeHost, maybeSecret := true, true
	if here.key == "name" {
		of := strings.ToLower(here.above())
		mayBeHost = strings.Contains(of, "service") || strings.Contains(of, "backend")
		maybeSecret = strings.Contains(of, "secret")
	} else if strings.Contains(strings.ToLower(here.key), "secret") {
		mayBeHost = false
	}
	if c := w.secretOf(n.Value, w.object.Namespace); c != nil && maybeSecret {
		w.add(Place{Path: here.path(), Line: n.Line, Cluster: c, Kind: SecretName, Name: n.Value, Leads: Writes, node: n})
		return
	}
	if mayBeHost {
		w.hostsIn(n, n.Value, here)
	}
}

// encoded looks at the data of a Secret.
func (w *walker) encoded(data *yaml.Node) {
	if data.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(data.Content); i += 2 {
		value := data.Content[i+1]
		if text, ok := decoded(value); ok {
			w.hostsIn(value, text, &at{&at{nil, "data", -1}, data.Content[i].Value, -1})
		}
	}
}

// decoded returns the text of a value in Base64, which may have line breaks.
func decoded(n *yaml.Node) (string, bool) {
	if n.Kind != yaml.ScalarNode {
		return "", false
	}
	text, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.Value), ""))
	return string(text), err == nil
}

// hostsIn adds the names of Services in the text of a value, each once a line.
func (w *walker) hostsIn(n *yaml.Node, text string, here *at) {
	literal := n.Style&yaml.LiteralStyle != 0 && text == n.Value
	ofHost := w.ofHost(here)
	found := w.hosts(text, w.object.Namespace, ofHost)
	if len(found) == 0 {
		return
	}
	path, line, counted := here.path(), n.Line, 0
	if literal {
		line++
	}
	for _, h := range found {
		if literal {
			line += strings.Count(text[counted:h.from], "\n")
			counted = h.from
		}
		w.add(Place{Path: path, Line: line, Cluster: h.cluster, Kind: Host, Name: h.name, Leads: h.leads, pooler: h.pooler, ofHost: ofHost, node: n})
	}
}

func (w *walker) add(p Place) {
	p.Object, p.variable, p.container = w.object, w.variable, w.container
	if !w.seen[p] {
		w.seen[p] = true
		w.places = append(w.places, p)
	}
}
