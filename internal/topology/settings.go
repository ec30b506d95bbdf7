package topology

import (
	"slices"
	"strings"
	"unicode"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
)

// The names of the settings as the platform writes them into an environment.
const (
	EnvEnableHotStandby  = "SOVEREIGN_ENABLE_HOT_STANDBY"
	EnvPrimaryRegion     = "SOVEREIGN_PRIMARY_REGION"
	EnvReplicaRegion     = "SOVEREIGN_REPLICA_REGION"
	EnvSide              = "CNPG_PAIR_SIDE"
	EnvReplication       = "CNPG_PAIR_REPLICATION"
	EnvActive            = "CNPG_PAIR_ACTIVE"
	EnvPromotionToken    = "CNPG_PAIR_PROMOTION_TOKEN"
	EnvFailover          = "CNPG_PAIR_FAILOVER"
	EnvClone             = "CNPG_PAIR_CLONE"
	EnvArchiveGeneration = "CNPG_PAIR_ARCHIVE_GENERATION"
	EnvWALKeepSize       = "CNPG_PAIR_WAL_KEEP_SIZE"
	EnvPeerClusters      = "CNPG_PAIR_PEER_CLUSTERS"
	EnvFollow            = "CNPG_PAIR_FOLLOW"
	EnvStrict            = "CNPG_PAIR_STRICT"
)

// envRejoin is a setting of the versions before tokens.
const envRejoin = "CNPG_PAIR_REJOIN"

// Variables are the names of all settings, in the order in which people are told
// of them.
var Variables = []string{EnvEnableHotStandby, EnvPrimaryRegion, EnvReplicaRegion, EnvStrict,
	EnvSide, EnvReplication, EnvActive, EnvPromotionToken, EnvFailover, EnvClone, EnvArchiveGeneration, EnvWALKeepSize, EnvPeerClusters, EnvFollow}

// The words of Settings.Side.
const (
	SideBoth    = "both"
	SidePrimary = "primary"
	SideReplica = "replica"
)

// The words of Settings.Replication.
const (
	Async = "async"
	Sync  = "sync"
)

// The words of Settings.Active.
const (
	ActivePrimary = "primary"
	ActiveNone    = "none"
	ActiveReplica = "replica"
)

// The words of Settings.Failover.
const (
	FailoverNow  = "now"
	FailoverDone = "done"
)

// DefaultRegionKey is the node label that says in which region a node runs.
const DefaultRegionKey = "openova.io/region"

// Settings are what a user asks for. postrender.Config documents the fields.
type Settings struct {
	EnableHotStandby             bool
	PrimaryRegion, ReplicaRegion string
	RegionKey                    string
	Side, Replication, Active    string
	PromotionToken               Tokens
	Failover, Clone              string
	ArchiveGeneration            Generations
	WALKeepSize                  string
	PeerClusters                 []string
	Follow, Strict               bool
}

// FromEnv reads the settings from variables. Its error is a [*message.Message],
// for an unknown word; see [Settings.Validate]. As on the
// platform, an unknown word turns hot standby off.
func FromEnv(getenv func(string) string) (Settings, error) {
	s := Settings{
		EnableHotStandby:  isOn(getenv(EnvEnableHotStandby)),
		PrimaryRegion:     getenv(EnvPrimaryRegion),
		ReplicaRegion:     getenv(EnvReplicaRegion),
		Side:              getenv(EnvSide),
		Replication:       getenv(EnvReplication),
		Active:            getenv(EnvActive),
		PromotionToken:    Tokens(getenv(EnvPromotionToken)),
		Failover:          getenv(EnvFailover),
		Clone:             getenv(EnvClone),
		ArchiveGeneration: Generations(getenv(EnvArchiveGeneration)),
		WALKeepSize:       getenv(EnvWALKeepSize),
		PeerClusters:      strings.FieldsFunc(getenv(EnvPeerClusters), func(r rune) bool { return r == ',' || unicode.IsSpace(r) }),
	}
	var err error
	if s.Strict, err = readSwitch("--strict", EnvStrict, getenv); err != nil {
		return s, err
	}
	if s.Follow, err = readSwitch("--follow", EnvFollow, getenv); err != nil {
		return s, err
	}
	if toggle := getenv(EnvEnableHotStandby); s.Strict && !IsSwitchWord(toggle) && strings.TrimSpace(toggle) != "" {
		return s, message.New(message.ToggleWord, "word", toggle)
	}
	if getenv(envRejoin) != "" {
		return s, message.New(message.RejoinGone, "name", envRejoin)
	}
	return s, s.Validate()
}

// isOn tells whether a word switches something on, whatever its case and the
// blanks around it.
func isOn(word string) bool { return slices.Contains(onWords, normal(word, "")) }

var onWords, offWords = []string{"true", "1", "yes", "on"}, []string{"false", "0", "no", "off", ""}

// readSwitch refuses a word that means neither on nor off: a typo must not
// switch a safeguard off.
func readSwitch(flag, variable string, getenv func(string) string) (bool, error) {
	word := getenv(variable)
	if isOn(word) || slices.Contains(offWords, normal(word, "")) {
		return isOn(word), nil
	}
	return false, message.New(message.UnknownWord, "flag", flag, "variable", variable, "word", word, "words", "true or false")
}

// IsSwitchWord is true for a word that may be the value of a switch.
func IsSwitchWord(word string) bool {
	return isOn(word) || normal(word, "") != "" && slices.Contains(offWords, normal(word, ""))
}

// Validate returns a [*message.Message] for an unknown word, for a key or
// a name that Kubernetes refuses, and for settings that contradict each other.
func (s Settings) Validate() error {
	s = s.normal()
	for _, setting := range []struct {
		flag, variable, word string
		words                []string
	}{
		{"--side", EnvSide, s.Side, []string{SideBoth, SidePrimary, SideReplica}},
		{"--replication", EnvReplication, s.Replication, []string{Async, Sync}},
		{"--active", EnvActive, s.Active, []string{ActivePrimary, ActiveNone, ActiveReplica}},
		{"--failover", EnvFailover, s.Failover, []string{FailoverNow, FailoverDone, ""}},
		{"--clone", EnvClone, s.Clone, []string{SidePrimary, SideReplica, ""}},
	} {
		if !slices.Contains(setting.words, setting.word) {
			return message.New(message.UnknownWord, "flag", setting.flag, "variable", setting.variable, "word", setting.word,
				"words", wordList(setting.words))
		}
	}
	if err := s.PromotionToken.validate(); err != nil {
		return err
	}
	if err := s.ArchiveGeneration.validate(); err != nil {
		return err
	}
	if s.WALKeepSize != "" && !validMegabytes(s.WALKeepSize) {
		return message.New(message.WALKeepSize, "word", s.WALKeepSize)
	}
	if err := s.checkActive(); err != nil {
		return err
	}
	for _, peer := range s.PeerClusters {
		if !validLabelValue(peer) {
			return message.New(message.PeerClusterName, "name", peer)
		}
	}
	if !validLabelKey(s.RegionKey) {
		return message.New(message.RegionKey, "key", s.RegionKey)
	}
	return nil
}

func wordList(words []string) string {
	words = slices.DeleteFunc(slices.Clone(words), func(word string) bool { return word == "" })
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// checkActive refuses what could lose rows, or make a second writer, without
// having been asked for by name.
func (s Settings) checkActive() error {
	switch {
	case s.Active == ActiveNone && s.Failover == FailoverNow:
		return message.New(message.FailoverToNobody)
	case s.PromotionToken != "" && s.Failover == FailoverNow:
		return message.New(message.TokenAndFailover)
	case s.Active == ActiveReplica && s.PromotionToken == "" && s.Failover == "":
		return message.New(message.ReplicaWithoutToken)
	case s.Clone != "" && (s.Active == ActiveNone || s.Clone == s.Active):
		return message.New(message.CloneOfWriter, "member", s.Clone, "active", s.Active)
	}
	return nil
}

// normal returns the settings without blanks, and with their defaults.
func (s Settings) normal() Settings {
	s.PrimaryRegion, s.ReplicaRegion = strings.TrimSpace(s.PrimaryRegion), strings.TrimSpace(s.ReplicaRegion)
	if s.RegionKey == "" {
		s.RegionKey = DefaultRegionKey
	}
	s.Side = normal(s.Side, SideBoth)
	if s.Side == "secondary" { // as some platforms call it
		s.Side = SideReplica
	}
	s.Replication, s.Active = normal(s.Replication, Async), normal(s.Active, ActivePrimary)
	s.Failover, s.Clone = normal(s.Failover, ""), normal(s.Clone, "")
	s.WALKeepSize = strings.TrimSpace(s.WALKeepSize)
	s.PromotionToken = Tokens(strings.TrimSpace(string(s.PromotionToken)))
	return s
}

func normal(word, fallback string) string {
	if word = strings.ToLower(strings.TrimSpace(word)); word == "" {
		return fallback
	}
	return word
}

// checkHotStandby returns why no pair is made although a pair is asked for: by the
// toggle, by a side, or because the replica is active.
func (s Settings) checkHotStandby() *message.Message {
	switch {
	case !s.EnableHotStandby && s.Active != ActivePrimary:
		return message.New(message.OffButActive, "active", s.Active)
	case !s.EnableHotStandby && s.Failover == FailoverNow:
		return message.New(message.OffButFailover)
	case !s.EnableHotStandby && s.Side != SideBoth:
		return message.New(message.OffButSide, "side", s.Side)
	case !s.EnableHotStandby:
		return nil
	case s.PrimaryRegion == "" && s.ReplicaRegion == "":
		return message.New(message.RegionsEmpty)
	case s.PrimaryRegion == "":
		return message.New(message.PrimaryRegionEmpty)
	case s.ReplicaRegion == "":
		return message.New(message.ReplicaRegionEmpty)
	case !validLabelValue(s.PrimaryRegion):
		return message.New(message.RegionNoLabelValue, "variable", EnvPrimaryRegion, "region", s.PrimaryRegion)
	case !validLabelValue(s.ReplicaRegion):
		return message.New(message.RegionNoLabelValue, "variable", EnvReplicaRegion, "region", s.ReplicaRegion)
	case s.PrimaryRegion == s.ReplicaRegion:
		return message.New(message.RegionsEqual, "region", s.PrimaryRegion)
	}
	return nil
}
