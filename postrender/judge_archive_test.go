// This file must not import internal/, nor use more of package postrender than its settings and
// results: see TestIndependent.

package postrender_test

import (
	"strings"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// Where the members archive their WAL, how much of it they keep, and from where they
// read what they have missed, as docs/reference.md says it, on plain maps.

const barman = "barman-cloud.cloudnative-pg.io"

// wantArchives finishes a pair in which each member may have the other one as an
// external cluster.
func wantArchives(c postrender.Config, in, primary, replica values) {
	primaryName, replicaName := text(in, "metadata", "name"), wantReplicaName(text(in, "metadata", "name"))
	for _, member := range []struct {
		o           values
		name, other string
		replica     bool
	}{{primary, primaryName, replicaName, false}, {replica, replicaName, primaryName, true}} {
		spec := child(member.o, "spec")
		if store := at(spec, "backup", "barmanObjectStore"); store != nil {
			wantServer(c, store.(values), member.name, member.replica)
		}
		plugins, _ := spec["plugins"].([]any)
		for _, p := range plugins {
			if p := p.(values); p["name"] == barman {
				parameters, _ := p["parameters"].(values)
				if parameters == nil {
					parameters = values{}
				}
				wantServer(c, parameters, member.name, member.replica)
				if len(parameters) > 0 {
					p["parameters"] = parameters
				}
			}
		}
		if c.WALKeepSize != "" && at(spec, "postgresql", "parameters", "wal_keep_size") == nil {
			child(child(spec, "postgresql"), "parameters")["wal_keep_size"] = c.WALKeepSize
		}
		if at(spec, "replica", "source") != member.other {
			continue
		}
		entries, _ := spec["externalClusters"].([]any)
		for _, e := range entries {
			if e := e.(values); e["name"] == member.other {
				wantSourceArchive(c, in, e, member.other, !member.replica)
			}
		}
	}
}

// wantSourceArchive writes into an external cluster where the member that it stands
// for archives.
func wantSourceArchive(c postrender.Config, in, external values, source string, replica bool) {
	plugins, _ := at(in, "spec", "plugins").([]any)
	for _, p := range plugins {
		p := p.(values)
		if p["isWALArchiver"] != true || p["enabled"] == false {
			continue
		}
		plugin := values{"name": p["name"]}
		parameters, _ := deepCopy(p["parameters"]).(values)
		if parameters == nil {
			parameters = values{}
		}
		if p["name"] == barman {
			wantServer(c, parameters, source, replica)
			if text(parameters, "serverName") == "" {
				parameters["serverName"] = source
			}
		}
		if len(parameters) > 0 {
			plugin["parameters"] = parameters
		}
		external["plugin"] = plugin
		return
	}
	if store := at(in, "spec", "backup", "barmanObjectStore"); store != nil {
		store := deepCopy(store).(values)
		wantServer(c, store, source, replica)
		if text(store, "serverName") == "" {
			store["serverName"] = source
		}
		delete(store, "data")
		delete(store, "tags")
		delete(store, "historyTags")
		external["barmanObjectStore"] = store
	}
}

// wantServer sets the serverName of the member called name, where it is not the
// chart's or the default.
func wantServer(c postrender.Config, m values, name string, replica bool) {
	server, _ := m["serverName"].(string)
	if server != "" && replica {
		server += "-replica"
	}
	for _, pair := range strings.Split(c.ArchiveGeneration, ",") {
		if of, n, _ := strings.Cut(strings.TrimSpace(pair), "="); of == name && n != "1" {
			if server == "" {
				server = name
			}
			server += "-g" + n
		}
	}
	if server != "" {
		m["serverName"] = server
	}
}
