package topology

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
)

// TestPair shows the whole pair in each step of a switchover there and back.
func TestPair(t *testing.T) {
	settings := func(active, token, failover string) Settings {
		return Settings{EnableHotStandby: true, PrimaryRegion: "a", ReplicaRegion: "b", Replication: Sync,
			Active: active, PromotionToken: Tokens(token), Failover: failover}
	}
	// at rest
	primary := Member{Role: Primary, Name: "db", Region: "a", Pinned: true, Here: true, Mesh: "db-mesh", ServesMesh: true}
	replica := Member{Role: Replica, Name: "db-replica", Region: "b", Pinned: true, Here: true, Cloned: true, Mesh: "db-replica-mesh", Source: Source{"db", "db-mesh"}}
	with := func(m Member, changes ...func(*Member)) Member {
		for _, change := range changes {
			change(&m)
		}
		return m
	}
	follows := func(m *Member) { m.Source = Source{"db-replica", "db-replica-mesh"} }
	writes := func(m *Member) { m.Writes = true }
	fenced := func(m *Member) { m.Fenced = true }
	serves := func(m *Member) { m.ServesMesh = true }
	keep := func(m *Member) { m.Keep = true }
	token := func(m *Member) { m.Token = testToken }
	waitsFor := func(name string) func(*Member) { return func(m *Member) { m.Standby = name } }
	for _, tt := range []struct {
		step             Step
		settings         Settings
		primary, replica Member
	}{
		{AtRest, settings(ActivePrimary, "", ""),
			with(primary, writes, waitsFor("db-replica")), replica},
		{AtRest, settings(ActivePrimary, "other="+testToken, FailoverDone),
			with(primary, writes, waitsFor("db-replica")), replica},
		{Demote, settings(ActiveNone, testToken, FailoverDone),
			with(primary, follows), with(replica, serves, keep)},
		{PromoteReplica, settings(ActiveReplica, testToken, ""),
			with(primary, follows), with(replica, serves, keep, writes, token, waitsFor("db"))},
		{PromoteReplica, settings(ActiveReplica, "other="+testToken+", db="+testToken, FailoverDone),
			with(primary, follows), with(replica, serves, keep, writes, token, waitsFor("db"))},
		{FailoverToReplica, settings(ActiveReplica, "", FailoverNow),
			with(primary, follows, fenced), with(replica, serves, keep, writes)},
		{ReplicaActive, settings(ActiveReplica, "", FailoverDone),
			with(primary, follows), with(replica, serves, keep, writes, waitsFor("db"))},
		{PromotePrimary, settings(ActivePrimary, testToken, ""),
			with(primary, follows, writes, token, waitsFor("db-replica")), with(replica, serves)},
		{FailoverToPrimary, settings(ActivePrimary, "", FailoverNow),
			with(primary, follows, writes), with(replica, serves, fenced)},
	} {
		t.Run(string(tt.step), func(t *testing.T) {
			topology, err := New(tt.settings)
			if err != nil || !topology.Enabled || topology.MustPair != (tt.settings.Active != ActivePrimary || tt.settings.Failover == FailoverNow) {
				t.Fatalf("%+v, %v", topology, err)
			}
			want := Pair{Primary: tt.primary, Replica: tt.replica, WriteAddress: "db-active", Step: tt.step, Side: SideBoth, RegionKey: DefaultRegionKey, Synchronous: true,
				Active: tt.settings.Active, Failover: tt.settings.Failover == FailoverNow, TokenForAll: string(tt.settings.PromotionToken) == testToken && tt.settings.Active != ActiveNone}
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

// TestSides: a side renders its own member, a stub for each Service of the other, and on
// the side of the replica the names of the primary.
func TestSides(t *testing.T) {
	for _, tt := range []struct {
		side, active string
		here         [2]bool
		stubs        []string
		absent       []string
	}{
		{SideBoth, ActivePrimary, [2]bool{true, true}, nil, nil},
		{SideBoth, ActiveReplica, [2]bool{true, true}, nil, nil},
		{SidePrimary, ActivePrimary, [2]bool{true, false}, nil, nil},
		{SidePrimary, ActiveNone, [2]bool{true, false}, []string{"db-replica-mesh"}, nil},
		{SideReplica, ActivePrimary, [2]bool{false, true}, []string{"db-mesh"}, []string{"db-rw", "db-ro", "db-r"}},
		{"Secondary ", ActiveReplica, [2]bool{false, true}, []string{"db-mesh"}, []string{"db-rw", "db-ro", "db-r"}},
	} {
		topology, err := New(Settings{EnableHotStandby: true, PrimaryRegion: "a", ReplicaRegion: "b", Side: tt.side, Active: tt.active, Failover: FailoverDone})
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
		if diff := cmp.Diff(tt.absent, p.Absent()); diff != "" {
			t.Errorf("%s, %s: the Services of the primary (-want +got):\n%s", tt.side, tt.active, diff)
		}
	}
}

// testToken is a demotion token as the operator writes one.
var testToken = base64.StdEncoding.EncodeToString([]byte(`{"latestCheckpointTimelineID":"2","redoWalFile":"000000020000000000000009",` +
	`"databaseSystemIdentifier":"7576514471711557653","latestCheckpointREDOLocation":"0/9000028",` +
	`"timeOfLatestCheckpoint":"Fri Nov 27 16:00:00 2026","operatorVersion":"1.30.0"}`))

// TestTokens: whose token is whose, and what is none.
func TestTokens(t *testing.T) {
	other := base64.StdEncoding.EncodeToString([]byte(strings.Replace(string(must(base64.StdEncoding.DecodeString(testToken))), "0/9000028", "0/A000028", 1)))
	for _, tt := range []struct {
		setting, db, shop string
		wrong             string
	}{
		{setting: ""},
		{setting: " " + testToken + "\n", db: testToken, shop: testToken},
		{setting: "db=" + testToken, db: testToken},
		{setting: "db=" + testToken + ",", db: testToken},
		{setting: "db=" + testToken + " , shop=" + other, db: testToken, shop: other},
		{setting: "db=" + testToken + ",db=" + other, wrong: "two tokens for db"},
		{setting: testToken + "," + other, wrong: "several tokens, and one without a name"},
		{setting: "db=" + testToken + "," + other, wrong: "several tokens, and one without a name"},
		{setting: "db=", wrong: `"" is not a demotion token`},
		{setting: testToken[:len(testToken)-5], wrong: "is not a demotion token"},
		{setting: "eyJhIjoiYiJ9", wrong: "is not a demotion token"}, // {"a":"b"}
		{setting: "bm90aGluZw==", wrong: "is not a demotion token"},
	} {
		s := Settings{PromotionToken: Tokens(tt.setting)}
		err := s.Validate()
		if (err == nil) != (tt.wrong == "") || err != nil && !strings.Contains(err.Error(), tt.wrong) {
			t.Errorf("%q: %v", tt.setting, err)
		}
		if err != nil {
			continue
		}
		tokens := s.normal().PromotionToken
		if tokens.of("db") != tt.db || tokens.of("shop") != tt.shop {
			t.Errorf("%q: db %q, shop %q", tt.setting, tokens.of("db"), tokens.of("shop"))
		}
	}
}

func must(text []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return text
}

// TestSettingsThatLoseRows: what would promote a member without having been told
// how, or make a copy of the writer, is refused.
func TestSettingsThatLoseRows(t *testing.T) {
	for _, tt := range []struct {
		settings Settings
		want     message.ID
	}{
		{Settings{Active: ActiveReplica}, message.ReplicaWithoutToken},
		{Settings{Active: ActiveNone, Failover: FailoverNow}, message.FailoverToNobody},
		{Settings{Active: ActiveReplica, Failover: FailoverNow, PromotionToken: Tokens(testToken)}, message.TokenAndFailover},
		{Settings{Active: ActiveReplica, Failover: FailoverDone, Clone: SideReplica}, message.CloneOfWriter},
		{Settings{Clone: SidePrimary}, message.CloneOfWriter},
		{Settings{Active: ActiveNone, Clone: SideReplica}, message.CloneOfWriter},
		{Settings{Failover: "nwo"}, message.UnknownWord},
		{Settings{Clone: SideBoth}, message.UnknownWord},
		{Settings{Failover: FailoverNow}, message.OffButFailover},
		{Settings{Active: ActiveNone}, message.OffButActive},
		{Settings{PromotionToken: "${TOKEN}"}, message.TokenIsVariable},
		{Settings{Active: ActiveReplica, Failover: FailoverDone, Clone: SidePrimary, EnableHotStandby: true, PrimaryRegion: "a", ReplicaRegion: "b"}, ""},
		{Settings{Clone: SideReplica}, ""},
	} {
		_, err := New(tt.settings)
		var got message.ID
		var m *message.Message
		if errors.As(err, &m) {
			got = m.ID
		}
		if got != tt.want {
			t.Errorf("%+v: %v", tt.settings, err)
		}
	}
}

// TestIsSwitchWord: nothing is not a word, although it switches off.
func TestIsSwitchWord(t *testing.T) {
	for word, want := range map[string]bool{"true": true, " ON ": true, "off": true, "No": true, "": false, " ": false, "ture": false} {
		if got := IsSwitchWord(word); got != want {
			t.Errorf("%q: %v", word, got)
		}
	}
}
