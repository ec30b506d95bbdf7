package expand

import (
	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/topology"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

const (
	// BarmanPlugin is the name of the Barman Cloud CNPG-I plugin.
	BarmanPlugin = "barman-cloud.cloudnative-pg.io"
	// PathObjectStore is where a Cluster says where CNPG itself archives its WAL.
	PathObjectStore = "spec.backup.barmanObjectStore"
	// PathWALKeepSize says how much WAL a Cluster keeps for its standbys.
	PathWALKeepSize = "spec.postgresql.parameters.wal_keep_size"

	pathPlugins = "spec.plugins"
)

// Archive is where a Cluster, as the chart has it, archives its WAL. Its zero value
// is no archive.
type Archive struct {
	Plugin string // the plugin that archives; empty for CNPG's own barmanObjectStore

	config *yaml.Node // the object store, or the parameters of the plugin
	found  bool
}

// ArchiveOf follows the operator: a plugin archives if it is enabled and says
// isWALArchiver, and then the operator itself does not.
func ArchiveOf(cluster *yaml.Node) (Archive, error) {
	plugins, err := yamledit.MappingsAt(cluster, pathPlugins)
	if err != nil {
		return Archive{}, err
	}
	for i, plugin := range plugins {
		parameters, err := yamledit.MappingAt(plugin, "parameters")
		if err != nil {
			return Archive{}, yamledit.InItem(err, pathPlugins, i)
		}
		if yamledit.IsTrue(yamledit.Get(plugin, "isWALArchiver")) && !yamledit.IsFalse(yamledit.Get(plugin, "enabled")) {
			return Archive{yamledit.Scalar(plugin, "name"), parameters, true}, nil
		}
	}
	store, err := yamledit.MappingAt(cluster, PathObjectStore)
	return Archive{"", store, store != nil}, err
}

// Name says who archives, or nothing.
func (a Archive) Name() string {
	switch {
	case !a.found:
		return ""
	case a.Plugin == "":
		return "barmanObjectStore"
	}
	return a.Plugin
}

// ServerName is the name under which a member archives, or nothing where it does
// not, or where only its plugin knows.
func (a Archive) ServerName(m topology.Member) string {
	if !a.found || a.Plugin != "" && a.Plugin != BarmanPlugin {
		return ""
	}
	return m.ServerName(yamledit.Scalar(a.config, "serverName"))
}

// addTo gives an external cluster the archive of the member that it stands for. The
// server name is written out, because the plugin's default is the name of the
// Cluster that reads. How backups are taken is left out: nobody takes any there.
func (a Archive) addTo(external *yaml.Node, source topology.Member) {
	if !a.found {
		return
	}
	config := yamledit.Map()
	if a.config != nil {
		config = yamledit.Clone(a.config)
	}
	if name := a.ServerName(source); name != "" {
		yamledit.Set(config, "serverName", yamledit.String(name))
	}
	if a.Plugin == "" {
		for _, key := range []string{"data", "tags", "historyTags"} {
			yamledit.Remove(config, key)
		}
		yamledit.Set(external, "barmanObjectStore", config)
		return
	}
	plugin := yamledit.Map("name", a.Plugin)
	if len(config.Content) > 0 {
		yamledit.Set(plugin, "parameters", config)
	}
	yamledit.Set(external, "plugin", plugin)
}

// renameArchive keeps the WAL archives of the two members apart where the chart
// names the server, as the Cluster's name does otherwise; and that of a member that
// was cloned from what its forerunner left: the operator would refuse to archive.
func renameArchive(m *member) error {
	store, err := yamledit.MappingAt(m.tree, PathObjectStore)
	if err == nil && store != nil {
		err = m.renameServer(m.tree, PathObjectStore)
	}
	if err != nil {
		return err
	}
	plugins, err := yamledit.MappingsAt(m.tree, pathPlugins)
	for i, plugin := range plugins {
		if yamledit.Scalar(plugin, "name") != BarmanPlugin {
			continue
		}
		if err := m.renameServer(plugin, "parameters"); err != nil {
			return yamledit.InItem(err, pathPlugins, i)
		}
	}
	return err
}

// renameServer sets the serverName at path, if it is another one than the chart's,
// or than the default.
func (m *member) renameServer(tree *yaml.Node, path string) error {
	own, err := yamledit.StringAt(tree, path+".serverName")
	if name := m.ServerName(own); err == nil && name != own && (own != "" || name != m.Name) {
		yamledit.Set(yamledit.MakeMapping(tree, path), "serverName", yamledit.String(name))
	}
	return err
}

// keepWAL says how much WAL a member keeps for a standby that is away.
func keepWAL(m *member) error {
	own, err := yamledit.At(m.tree, PathWALKeepSize)
	if err == nil && own == nil && m.pair.WALKeepSize != "" {
		yamledit.Set(yamledit.MakeMapping(m.tree, "spec.postgresql.parameters"), "wal_keep_size", yamledit.String(m.pair.WALKeepSize))
	}
	return err
}
