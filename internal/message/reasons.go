package message

// Why a Cluster is left alone, or is paired.
const (
	HotStandbyOff ID = "hot-standby-off"
	IsReplica     ID = "is-replica"
	IsMember      ID = "is-member"
	IsFollowed    ID = "is-followed"
	OptedOut      ID = "opted-out"
	SingleCluster ID = "single-cluster"
)

var reasons = []entry{
	{HotStandbyOff, "hot standby is off", ""},
	{IsReplica, "a replica or part of a distributed topology (spec.replica)", ""},
	{IsMember, "already a member of a pair (label {label})", ""},
	{IsFollowed, "already the primary of a pair ({by} follows it)", ""},
	{OptedOut, "its owner opted out (annotation cnpg-pair.openova.io/expand)", ""},
	{SingleCluster, "a single Cluster", ""},
}
