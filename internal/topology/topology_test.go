package topology

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPair shows the whole pair in each step of a switchover there and back.
func TestPair(t *testing.T) {
	settings := func(active string, rejoin bool) Settings {
		return Settings{EnableHotStandby: true, PrimaryRegion: "a", ReplicaRegion: "b", Active: active, Rejoin: rejoin, Replication: Sync}
	}
	// at rest
	primary := Member{Role: Primary, Name: "db", Region: "a", Pinned: true, Here: true, Mesh: "db-mesh", ServesMesh: true}
	replica := Member{Role: Replica, Name: "db-replica", Region: "b", Pinned: true, Here: true, Mesh: "db-replica-mesh", Source: Source{"db", "db-mesh"}}
	with := func(m Member, change func(*Member)) Member { change(&m); return m }
	follows := func(m *Member) { m.Source = Source{"db-replica", "db-replica-mesh"} }
	for _, tt := range []struct {
		step             Step
		settings         Settings
		primary, replica Member
	}{
		{AtRest, settings(ActivePrimary, false),
			with(primary, func(m *Member) { m.Writes, m.Standby = true, "db-replica" }), replica},
		{DemotePrimary, settings(ActiveNone, false),
			with(primary, func(m *Member) { follows(m); m.Fenced = true }),
			with(replica, func(m *Member) { m.ServesMesh = true })},
		{PromoteReplica, settings(ActiveReplica, false),
			with(primary, func(m *Member) { follows(m); m.Fenced = true }),
			with(replica, func(m *Member) { m.ServesMesh, m.Writes, m.Keep = true, true, true })},
		{Rejoin, settings(ActiveReplica, true),
			with(primary, follows),
			with(replica, func(m *Member) { m.ServesMesh, m.Writes, m.Keep, m.Standby = true, true, true, "db" })},
		{DemoteReplica, settings(ActiveNone, true),
			with(primary, follows),
			with(replica, func(m *Member) { m.ServesMesh, m.Fenced, m.Keep = true, true, true })},
	} {
		t.Run(string(tt.step), func(t *testing.T) {
			topology, err := New(tt.settings)
			if err != nil || !topology.Enabled || topology.MustPair != (tt.step != AtRest) {
				t.Fatalf("%+v, %v", topology, err)
			}
			want := Pair{Primary: tt.primary, Replica: tt.replica, Step: tt.step, Side: SideBoth, RegionKey: DefaultRegionKey, Synchronous: true}
			if diff := cmp.Diff(want, topology.Pair("db", true)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			writers := 0
			for _, m := range topology.Pair("db", true).Members() {
				if m.Writes {
					writers++
				}
				if m.Writes && (m.Fenced || m.Follows()) {
					t.Errorf("%s writes while it cannot", m.Name)
				}
			}
			if writers > 1 {
				t.Errorf("%d writers", writers)
			}
		})
	}
}

// TestSides: a side renders its own member, and a stub for each Service of the other.
func TestSides(t *testing.T) {
	for _, tt := range []struct {
		side, active string
		here         [2]bool
		stubs        []string
	}{
		{SideBoth, ActivePrimary, [2]bool{true, true}, nil},
		{SideBoth, ActiveReplica, [2]bool{true, true}, nil},
		{SidePrimary, ActivePrimary, [2]bool{true, false}, nil},
		{SidePrimary, ActiveNone, [2]bool{true, false}, []string{"db-replica-mesh"}},
		{SideReplica, ActivePrimary, [2]bool{false, true}, []string{"db-mesh"}},
		{"Secondary ", ActiveReplica, [2]bool{false, true}, []string{"db-mesh"}},
	} {
		topology, err := New(Settings{EnableHotStandby: true, PrimaryRegion: "a", ReplicaRegion: "b", Side: tt.side, Active: tt.active})
		if err != nil {
			t.Fatal(err)
		}
		p := topology.Pair("db", false)
		if got := [2]bool{p.Primary.Here, p.Replica.Here}; got != tt.here || p.Primary.Pinned || !p.Replica.Pinned {
			t.Errorf("%s, %s: here %v, pinned %v %v", tt.side, tt.active, got, p.Primary.Pinned, p.Replica.Pinned)
		}
		if diff := cmp.Diff(tt.stubs, p.Stubs()); diff != "" {
			t.Errorf("%s, %s: stubs (-want +got):\n%s", tt.side, tt.active, diff)
		}
	}
}
