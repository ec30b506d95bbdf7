package topology

import (
	"errors"
	"testing"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
)

// TestServerName: the archive of each member, of each clone, and of each Cluster has a
// name of its own, and nothing but its own generation changes it.
func TestServerName(t *testing.T) {
	settings := Settings{EnableHotStandby: true, PrimaryRegion: "a", ReplicaRegion: "b"}
	for _, tt := range []struct {
		generations      Generations
		own              string
		primary, replica string
	}{
		{"", "", "db", "db-replica"},
		{"", "shop", "shop", "shop-replica"},
		{"db=1,db-replica=1", "", "db", "db-replica"},
		{"db=2", "", "db-g2", "db-replica"},
		{"db-replica=3", "", "db", "db-replica-g3"},
		{" db=2 , db-replica=20261128093000,", "shop", "shop-g2", "shop-replica-g20261128093000"},
		{"other=2,db-rep=3", "", "db", "db-replica"},
	} {
		settings.ArchiveGeneration = tt.generations
		topology, err := New(settings)
		if err != nil {
			t.Fatal(err)
		}
		pair := topology.Pair("db", true)
		if p, r := pair.Primary.ServerName(tt.own), pair.Replica.ServerName(tt.own); p != tt.primary || r != tt.replica {
			t.Errorf("%q, %q: %s and %s", tt.generations, tt.own, p, r)
		}
		if pair.SourceOf(pair.Replica).Name != "db" || pair.SourceOf(pair.Primary).Name != "db-replica" {
			t.Error("a member follows itself")
		}
	}
}

// TestSettingsOfWAL: a number that belongs to nobody, or a size that PostgreSQL does not
// start with, is refused.
func TestSettingsOfWAL(t *testing.T) {
	for _, tt := range []struct {
		settings Settings
		want     message.ID
	}{
		{Settings{ArchiveGeneration: "db=2,db-replica=999999999999999999"}, ""},
		{Settings{ArchiveGeneration: "2"}, message.NoGeneration},
		{Settings{ArchiveGeneration: "db=2,=3"}, message.NoGeneration},
		{Settings{ArchiveGeneration: "db=02"}, message.NoGeneration},
		{Settings{ArchiveGeneration: "db=0"}, message.NoGeneration},
		{Settings{ArchiveGeneration: "db = 2"}, message.NoGeneration},
		{Settings{ArchiveGeneration: "db=2,other=2,db=2"}, message.GenerationTwice},
		{Settings{WALKeepSize: " 2GB "}, ""},
		{Settings{WALKeepSize: "2147483647"}, ""},
		{Settings{WALKeepSize: "2147483647MB"}, ""},
		{Settings{WALKeepSize: "2047TB"}, ""},
		{Settings{WALKeepSize: "2048TB"}, message.WALKeepSize},
		{Settings{WALKeepSize: "2097151GB"}, ""},
		{Settings{WALKeepSize: "2097152GB"}, message.WALKeepSize},
		{Settings{WALKeepSize: "2199023254528kB"}, ""},
		{Settings{WALKeepSize: "2199023255552kB"}, message.WALKeepSize},
		{Settings{WALKeepSize: "536870912B"}, ""},
		{Settings{WALKeepSize: "2251799813685248B"}, message.WALKeepSize},
		{Settings{WALKeepSize: "2 gb"}, message.WALKeepSize},
		{Settings{WALKeepSize: "2Gi"}, message.WALKeepSize},
		{Settings{WALKeepSize: "-1"}, message.WALKeepSize},
	} {
		var got message.ID
		var m *message.Message
		if err := tt.settings.Validate(); errors.As(err, &m) {
			got = m.ID
		}
		if got != tt.want {
			t.Errorf("%+v: %q", tt.settings, got)
		}
	}
}
