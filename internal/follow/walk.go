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

	container, variable *yaml.Node // that the value is in
}

// notHosts are the keys whose values are labels, or the names of other things.
var notHosts = []string{
	"metadata", "labels", "matchLabels", "annotations", "selector", "image", "imagePullSecrets", "claimName", "configMap", "configMapKeyRef",
	"configMapRef", "serviceAccountName", "serviceAccount", "priorityClassName", "storageClassName", "roleRef", "subjects", "scaleTargetRef",
}

// node looks at a value. keys are those on the way to it.
func (w *walker) node(n *yaml.Node, path string, keys []string) {
	switch n.Kind {
	case yaml.MappingNode:
		if yamledit.Get(n, "env") != nil || yamledit.Get(n, "envFrom") != nil {
			defer func(outer *yaml.Node) { w.container = outer }(w.container)
			w.container = n
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i].Value, n.Content[i+1]
			at := path + "." + key
			switch {
			case slices.Contains(notHosts, key):
			case value.Kind == yaml.MappingNode && w.secret(value, at, key, keys):
			default:
				w.node(value, at, append(slices.Clip(keys), key))
			}
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			if keys[len(keys)-1] == "env" && item.Kind == yaml.MappingNode {
				w.variable = item
				defer func() { w.variable = nil }()
			}
			w.node(item, path+"["+strconv.Itoa(i)+"]", keys)
		}
	case yaml.ScalarNode:
		w.scalar(n, path, keys)
	}
}

// secret looks at a mapping that may be a reference to a secret, as Pods have them.
func (w *walker) secret(n *yaml.Node, path, key string, keys []string) (found bool) {
	place := Place{Path: path, Line: n.Line, Leads: Writes, Name: yamledit.Scalar(n, "name")}
	switch {
	case key == "secretKeyRef":
		place.Kind, place.Key = SecretKey, yamledit.Scalar(n, "key")
		place.Leads = leadsOf(place.Key)
	case key == "secretRef" && keys[len(keys)-1] == "envFrom":
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
	place.node = n
	w.add(place)
	return true
}

func (w *walker) scalar(n *yaml.Node, path string, keys []string) {
	if yamledit.IsNull(n) {
		return
	}
	mayBeHost, maybeSecret := true, true
	if last := len(keys) - 1; keys[last] == "name" {
		of := ""
		if last > 0 {
			of = strings.ToLower(keys[last-1])
		}
		mayBeHost = strings.Contains(of, "service") || strings.Contains(of, "backend")
		maybeSecret = strings.Contains(of, "secret")
	} else if strings.Contains(strings.ToLower(keys[last]), "secret") {
		mayBeHost = false
	}
	if c := w.secretOf(n.Value, w.object.Namespace); c != nil && maybeSecret {
		w.add(Place{Path: path, Line: n.Line, Cluster: c, Kind: SecretName, Name: n.Value, Leads: Writes, node: n})
		return
	}
	if mayBeHost {
		w.hostsIn(n, n.Value, path)
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
			w.hostsIn(value, text, "data."+data.Content[i].Value)
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
func (w *walker) hostsIn(n *yaml.Node, text, path string) {
	literal := n.Style&yaml.LiteralStyle != 0 && text == n.Value
	for _, h := range w.hosts(text, w.object.Namespace) {
		line := n.Line
		if literal {
			line += 1 + strings.Count(text[:h.from], "\n")
		}
		w.add(Place{Path: path, Line: line, Cluster: h.cluster, Kind: Host, Name: h.name, Leads: h.leads, node: n})
	}
}

func (w *walker) add(p Place) {
	p.Object, p.variable, p.container = w.object, w.variable, w.container
	if !slices.Contains(w.places, p) {
		w.places = append(w.places, p)
	}
}
