package follow

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// Changes are what makes the places of an object follow the member that takes writes,
// by the nodes that change.
type Changes map[*yaml.Node]yamledit.Change

// Follow returns the changes for the places of an object, as [Finder.Find] returned
// them. It sets Becomes of those that follow.
func (f *Finder) Follow(places []Place) Changes {
	c := &changer{
		Finder: f, changes: make(Changes), helpers: make(map[login]bool),
		last: make(map[*yaml.Node][]*yaml.Node), first: make(map[*yaml.Node][]*yaml.Node),
	}
	for _, envFrom := range []bool{false, true} { // whose variables come last
		for i := range places {
			p := &places[i]
			address := addressFor(p.Cluster, p.pooler)
			if p.Leads != Writes || address == "" || p.Object.IsCluster() || p.Object.IsPolicy() || envFrom != (p.Kind == SecretEnv) {
				continue
			}
			if follow := rules[p.Kind]; follow != nil && follow(c, p) {
				p.Becomes = address
			}
		}
	}
	c.addVariables()
	return c.changes
}

// rules are how the kinds of places follow. A rule returns false where a place cannot.
var rules = map[Kind]func(c *changer, p *Place) bool{
	Host:      (*changer).host,
	SecretKey: (*changer).secretKey,
	SecretEnv: (*changer).secretEnv,
}

type changer struct {
	*Finder
	changes Changes
	helpers map[login]bool              // those that are there
	last    map[*yaml.Node][]*yaml.Node // the variables that follow an item of env
	first   map[*yaml.Node][]*yaml.Node // those of a container that has none
}

// login stands for the variables with the login of a Cluster in a container.
type login struct {
	container *yaml.Node
	cluster   *Cluster
}

// addressed returns a text at a place with the write address in it for each Service that
// leads to the instance that takes writes, and the edits that make it so.
func (f *Finder) addressed(text string, p *Place) (string, []yamledit.Edit) {
	var edits []yamledit.Edit
	for _, h := range f.hosts(text, p.Object.Namespace, p.ofHost) {
		if address := h.address(); h.leads == Writes && address != "" {
			edits = append(edits, yamledit.Edit{Start: h.from, End: h.to, New: address})
		}
	}
	return string(yamledit.Apply([]byte(text), edits)), edits
}

// host changes a value, a text or what is encoded.
func (c *changer) host(p *Place) bool {
	if _, done := c.changes[p.node]; done {
		return true // of another name in the same value
	}
	value := *p.node
	if text, ok := decoded(p.node); ok && strings.HasPrefix(p.Path, "data.") && p.Object.Kind == "Secret" {
		text, _ = c.addressed(text, p)
		value.Value = base64.StdEncoding.EncodeToString([]byte(text))
		value.Style &^= yaml.LiteralStyle | yaml.FoldedStyle
		c.changes[p.node] = yamledit.Change{InPlace: &value}
		return true
	}
	value.Value, _ = c.addressed(p.node.Value, p)
	c.changes[p.node] = yamledit.Change{InPlace: &value, Spell: func(written []byte) []yamledit.Edit {
		_, edits := c.addressed(string(written), p)
		return edits
	}}
	return true
}

// secretKey gives a variable the value that the secret would have, with the write
// address in it.
func (c *changer) secretKey(p *Place) bool {
	item := p.variable
	from := yamledit.Get(item, "valueFrom")
	if item == nil || p.container == nil || from == nil || yamledit.Get(from, "secretKeyRef") != p.node || len(from.Content) != 2 {
		return false
	}
	value, helpers, ok := p.Cluster.value(p.Key, yamledit.Get(p.node, "optional"))
	if !ok || !c.free(p.container, helpers) {
		return false
	}
	changed := yamledit.Clone(item)
	yamledit.Remove(changed, "valueFrom")
	yamledit.Set(changed, "value", yamledit.String(value))
	change := c.changes[item]
	change.InPlace = changed
	if len(helpers) > 0 && !c.hasHelpers(p) {
		change.Before = helpers
	}
	c.changes[item] = change
	return true
}

// secretEnv adds the variables behind those of envFrom, which they override.
func (c *changer) secretEnv(p *Place) bool {
	if p.container == nil {
		return false
	}
	prefix := ""
	if sources := yamledit.Get(p.container, "envFrom"); sources != nil {
		for _, source := range sources.Content {
			if yamledit.Get(source, "secretRef") == p.node {
				prefix = yamledit.Scalar(source, "prefix")
			}
		}
	}
	var added []*yaml.Node
	env := yamledit.Get(p.container, "env")
	if !yamledit.IsNull(env) && env.Kind != yaml.SequenceNode {
		return false
	}
	named := func(name string) bool {
		return !yamledit.IsNull(env) && slices.ContainsFunc(env.Content, func(item *yaml.Node) bool { return yamledit.Scalar(item, "name") == name })
	}
	for _, key := range []string{"host", "uri", "jdbc-uri", "fqdn-uri", "fqdn-jdbc-uri"} {
		value, helpers, _ := p.Cluster.value(key, yamledit.Get(p.node, "optional"))
		if named(prefix + key) {
			continue // it overrides that of envFrom already
		}
		if !c.free(p.container, helpers) {
			return false
		}
		if len(helpers) > 0 && !c.hasHelpers(p) {
			added = append(added, helpers...)
		}
		added = append(added, yamledit.Map("name", prefix+key, "value", value))
	}
	if yamledit.IsNull(env) || len(env.Content) == 0 {
		c.first[p.container] = append(c.first[p.container], added...)
		return true
	}
	last := env.Content[len(env.Content)-1]
	c.last[last] = append(c.last[last], added...)
	return true
}

// addVariables adds those for which there are no nodes that change yet. What changes
// in the node that they go into is known now.
func (c *changer) addVariables() {
	for item, added := range c.last {
		change, changed := c.changes[item]
		if !changed {
			change.InPlace = c.applied(item)
		}
		for _, variable := range added {
			change.Added = append(change.Added, yamledit.Added{Tree: variable})
		}
		c.changes[item] = change
	}
	for container, added := range c.first {
		changed := c.applied(container)
		yamledit.Set(changed, "env", yamledit.List(added...))
		c.changes[container] = yamledit.Change{InPlace: changed}
	}
}

// applied returns a node with the changes in it.
func (c *changer) applied(n *yaml.Node) *yaml.Node {
	if change, changed := c.changes[n]; changed {
		return change.InPlace
	}
	with := *n
	with.Content = nil
	for _, child := range n.Content {
		with.Content = append(with.Content, c.applied(child))
	}
	return &with
}

// hasHelpers tells whether the variables of the login are in a container, and notes
// that they will be.
func (c *changer) hasHelpers(p *Place) bool {
	key := login{p.container, p.Cluster}
	had := c.helpers[key]
	c.helpers[key] = true
	return had
}

// free tells whether no variable of a container has the name of a helper.
func (c *changer) free(container *yaml.Node, helpers []*yaml.Node) bool {
	env := yamledit.Get(container, "env")
	return yamledit.IsNull(env) || !slices.ContainsFunc(env.Content, func(item *yaml.Node) bool {
		return slices.ContainsFunc(helpers, func(helper *yaml.Node) bool { return yamledit.Scalar(item, "name") == yamledit.Scalar(helper, "name") })
	})
}

// value returns what a key of the secret has, with the write address in the place of
// the Service, and the variables that it is made of.
func (cluster *Cluster) value(key string, optional *yaml.Node) (value string, helpers []*yaml.Node, ok bool) {
	address := cluster.Pair.WriteAddress
	if key == "host" {
		return address, nil, true
	}
	prefix := "CNPG_PAIR_" + strings.ToUpper(strings.ReplaceAll(cluster.Name, "-", "_"))
	user, password := prefix+"_USERNAME", prefix+"_PASSWORD"
	host := address
	if namespace := cluster.Namespace; namespace != "" {
		host += "." + namespace
		if strings.HasPrefix(key, "fqdn-") {
			host += ".svc.cluster.local"
		}
	}
	host += ":5432/"
	database := strings.ReplaceAll(url.PathEscape(cluster.Database), "$", "$$")
	switch key {
	case "uri", "fqdn-uri":
		value = "postgresql://$(" + user + "):$(" + password + ")@" + host + database
	case "jdbc-uri", "fqdn-jdbc-uri":
		value = "jdbc:postgresql://" + host + database + "?password=$(" + password + ")&user=$(" + user + ")"
	default:
		return "", nil, false
	}
	for _, helper := range [][2]string{{user, "username"}, {password, "password"}} {
		ref := yamledit.Map("name", cluster.Secret, "key", helper[1])
		if optional != nil {
			yamledit.Set(ref, "optional", yamledit.Clone(optional))
		}
		helpers = append(helpers, yamledit.Map("name", helper[0], "valueFrom", yamledit.Map("secretKeyRef", ref)))
	}
	return value, helpers, true
}
